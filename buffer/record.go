package buffer

import (
	"encoding/binary"
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
	Time    time.Time // when it was appended
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
	binary.LittleEndian.PutUint64(head[0:], seq)
	binary.LittleEndian.PutUint32(head[8:], samples)
	head[12] = byte(class)
	return crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, data)
}

func appendRecord(dst []byte, r Record) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(r.Data)))
	dst = binary.LittleEndian.AppendUint32(dst, r.Samples)
	dst = binary.LittleEndian.AppendUint32(dst, checksum(r.Seq, r.Class, r.Samples, r.Data))
	return append(dst, r.Data...)
}

// parseRecord takes the record seq off the front of a page's bytes. A record whose checksum does not fit comes
// with errDamaged and the rest behind it; a length that leaves the page ends it with rest nil.
func parseRecord(b []byte, seq uint64, class Class) (r Record, rest []byte, err error) {
	if len(b) < recordHeader {
		return r, nil, fmt.Errorf("record %d: its header is cut: %w", seq, errDamaged)
	}
	n := binary.LittleEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-recordHeader) {
		return r, nil, fmt.Errorf("record %d: it claims %d bytes: %w", seq, n, errDamaged)
	}
	r = Record{Seq: seq, Class: class, Samples: binary.LittleEndian.Uint32(b[4:]), Data: b[recordHeader : recordHeader+n]}
	rest = b[recordHeader+n:]
	if checksum(seq, class, r.Samples, r.Data) != binary.LittleEndian.Uint32(b[8:]) {
		return r, rest, fmt.Errorf("record %d: its checksum does not fit: %w", seq, errDamaged)
	}
	return r, rest, nil
}
