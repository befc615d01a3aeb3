package buffer

import (
	"encoding/binary"
	"hash/crc32"

	"go.etcd.io/bbolt"
)

// journal counts what is kept and not sealed yet.
type journal struct {
	entries uint64
	samples uint64
}

func (j *journal) apply(seal bool, added []*request) {
	if seal {
		*j = journal{}
	}
	for _, r := range added {
		j.entries++
		j.samples += uint64(r.samples)
	}
}

// writeJournal empties the journal, adds to it, or both. An entry is a CRC-32C and the data, under a running number.
func writeJournal(tx *bbolt.Tx, seal bool, added []*request) error {
	b := tx.Bucket(journalBucket)
	if seal && b.Sequence() > 0 {
		if err := tx.DeleteBucket(journalBucket); err != nil {
			return err
		}
		var err error
		if b, err = tx.CreateBucket(journalBucket); err != nil {
			return err
		}
	}
	for _, r := range added {
		n, err := b.NextSequence()
		if err != nil {
			return err
		}
		entry := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(r.journal)), crc32.Checksum(r.journal, castagnoli))
		if err := b.Put(binary.BigEndian.AppendUint64(nil, n), append(entry, r.journal...)); err != nil {
			return err
		}
	}
	return nil
}

// readJournal gives the entries whose bytes are sound, oldest first, and counts the others.
func readJournal(tx *bbolt.Tx) (entries [][]byte, damaged int) {
	b := tx.Bucket(journalBucket)
	if b == nil {
		return nil, 0
	}
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if len(v) < 4 || crc32.Checksum(v[4:], castagnoli) != binary.BigEndian.Uint32(v) {
			damaged++
			continue
		}
		entries = append(entries, append([]byte(nil), v[4:]...))
	}
	return entries, damaged
}

// Unsealed is the journal that a crash left behind, as it was at Open. Seal replaces it.
func (q *Queue) Unsealed() [][]byte { return q.unsealed }
