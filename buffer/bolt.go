package buffer

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"runtime/debug"

	"go.etcd.io/bbolt"
)

// The buckets of a segment (FORMAT.md).
var (
	pagesBucket   = []byte("pages")
	journalBucket = []byte("journal")
	goneBucket    = []byte("gone")   // acknowledged or given up
	lossesBucket  = []byte("losses") // not declared yet
	metaBucket    = []byte("meta")
	cursorsBucket = []byte("cursors")
	thinnedBucket = []byte("thinned") // pages that take the place of older ones
	heirsBucket   = []byte("heirs")   // what was there before a cursor, and is for it
)

// buckets are those of a format; the first had one cursor, without a name.
func buckets(format uint64) [][]byte {
	all := [][]byte{pagesBucket, journalBucket, goneBucket, lossesBucket, metaBucket, cursorsBucket, heirsBucket, thinnedBucket}
	if format < 2 {
		return all[:5]
	}
	return all
}

const (
	boltPage   = 4096    // whatever the machine's is, so that a disk can move to another
	allocBytes = 1 << 20 // by how much a file grows
)

// boltOptions keep the freelist on disk. Without it bbolt walks every page on opening, in a goroutine of its own, where a
// damaged page ends the process and nobody can stand in between.
func boltOptions() *bbolt.Options {
	return &bbolt.Options{PageSize: boltPage, FreelistType: bbolt.FreelistMapType, NoStatistics: true}
}

// guarded runs whatever touches a file that bbolt has mapped. bbolt panics on pages that make no sense, and a file that
// was cut short or cannot be read faults; both are damage to be reported, not the end of the process.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v: %w", r, errDamaged)
		}
	}()
	return f()
}

// signed is a value with a CRC-32C behind it, over bucket, key and value: bbolt has no checksums of its own, and an
// acknowledgement that a flipped bit makes larger would be a silent loss.
func signed(bucket, key, value []byte) []byte {
	out := append(make([]byte, 0, len(value)+4), value...)
	return binary.BigEndian.AppendUint32(out, signature(bucket, key, value))
}

// verified takes the signature off, where it fits.
func verified(bucket, key, value []byte) ([]byte, bool) {
	n := len(value) - 4
	if n < 0 || binary.BigEndian.Uint32(value[n:]) != signature(bucket, key, value[:n]) {
		return nil, false
	}
	return value[:n], true
}

func signature(bucket, key, value []byte) uint32 {
	sum := crc32.Checksum(bucket, castagnoli)
	sum = crc32.Update(sum, castagnoli, key)
	return crc32.Update(sum, castagnoli, value)
}
