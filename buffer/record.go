package buffer

import (
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// Class says what gives way when the queue is full: the highest class first, and within a class the oldest.
type Class uint8

// The classes.
const (
	Alarm Class = iota // alarms and events: given up last
	Keep               // points that were named to be kept
	Normal
	classes
)

func (c Class) String() string {
	return [...]string{"alarm", "keep", "normal"}[min(c, Normal)]
}

// Record is one run of bytes with its place in the queue.
type Record struct {
	Seq     uint64 // given by the queue, from 1; one sequence for all classes, never used twice within an epoch
	Class   Class
	Samples uint32 // what it stands for, for counting
	Data    []byte
	Time    time.Time // when it was appended; given by the queue
	For     Audience  // which cursors take it; zero: all
	Prev    uint64    // given by the queue: the number of the reading cursor's record before this one, the same at every delivery; 0: there is none
}

// MaxRecord is how many bytes a record may have.
const MaxRecord = 32 << 20

// A record in a page (FORMAT.md): length, samples, CRC-32C, data. Sequence number, class and time are the page's.
const recordHeader = 12

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errDamaged = errors.New("damaged")

// checksum covers what a record is, not only its bytes: a record under another number or class is a damaged one.
func checksum(seq uint64, class Class, samples uint32, data []byte) uint32 {
	var head [13]byte
	le.PutUint64(head[0:], seq)
	le.PutUint32(head[8:], samples)
	head[12] = byte(class)
	sum := ^uint32(0)
	for _, b := range head { // by hand, since crc32.Update would move head to the heap, for every record
		sum = castagnoli[byte(sum)^b] ^ sum>>8
	}
	return crc32.Update(^sum, castagnoli, data)
}

func appendRecord(dst []byte, r Record) []byte {
	dst = le.AppendUint32(dst, uint32(len(r.Data)))
	dst = le.AppendUint32(dst, r.Samples)
	dst = le.AppendUint32(dst, checksum(r.Seq, r.Class, r.Samples, r.Data))
	return append(dst, r.Data...)
}

// parseRecord takes the record seq off the front of a page's bytes.
func parseRecord(b []byte, seq uint64, class Class) (r Record, rest []byte, err error) {
	if len(b) < recordHeader {
		return r, nil, fmt.Errorf("record %d: its header is cut: %w", seq, errDamaged)
	}
	n := le.Uint32(b)
	if uint64(n) > uint64(len(b)-recordHeader) {
		return r, nil, fmt.Errorf("record %d: it claims %d bytes: %w", seq, n, errDamaged)
	}
	r = Record{Seq: seq, Class: class, Samples: le.Uint32(b[4:]), Data: b[recordHeader : recordHeader+n : recordHeader+n]}
	rest = b[recordHeader+n:]
	if checksum(seq, class, r.Samples, r.Data) != le.Uint32(b[8:]) {
		return r, nil, fmt.Errorf("record %d: its checksum does not fit: %w", seq, errDamaged)
	}
	return r, rest, nil
}

// resync finds the first sound record behind a damaged one, whose length cannot be believed: the number is part of the
// checksum, so a record is known wherever it lies. Beyond last there is none. What it looks at is bounded by the page.
func resync(b []byte, seq, last uint64, class Class) (next uint64, rest []byte) {
	for effort := 16 * len(b); seq < last && effort > 0; {
		seq++
		for at := 1; at+recordHeader <= len(b) && effort > 0; at++ {
			effort--
			size := uint64(le.Uint32(b[at:]))
			if size > uint64(len(b)-at-recordHeader) {
				continue
			}
			effort -= int(size) + recordHeader
			if _, _, err := parseRecord(b[at:], seq, class); err == nil {
				return seq, b[at:]
			}
		}
	}
	return last + 1, nil
}
