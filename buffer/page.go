package buffer

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"
)

// maxPage is where a page is closed: many small records share one bbolt value, so that keys stay few.
const maxPage = 1 << 20

// page is a run of records of one class, for the same cursors, under one key. The key says all that counting needs, so that opening reads
// no records.
type page struct {
	first   uint64
	count   uint32
	class   Class
	all     bool     // for all cursors, those included who come later
	slots   uint16   // the cursors it was for when it came, by slot
	prevs   []uint64 // of each of them, the lowest slot first: the number of its record before the page
	samples uint64
	bytes   uint32
	time    int64  // unix nanoseconds of appending
	level   uint8  // how often it was thinned
	thinned uint64 // the transaction that did it; 0: it is as it came

	segment *segment
	at      int64       // where in a sealed segment's file its bytes lie
	whole   progress    // what somebody waits for
	shares  []*progress // by cursor, nil where it is not for one; nil altogether: there is one cursor, and the whole is its share
	even    bool        // all records stand for as many samples
	weights []uint32    // each record's samples, where they are not even and somebody had to know
}

// weigh counts the samples of some of the page's records.
func (p *page) weigh(r ranges) (samples uint64) {
	for _, x := range r.within(p.first, p.last()) {
		switch {
		case p.count == 1 || x == (run{p.first, p.last()}):
			samples += p.samples
		case p.even:
			samples += (x.to - x.from + 1) * (p.samples / uint64(p.count))
		case p.weights != nil:
			for _, n := range p.weights[x.from-p.first : x.to-p.first+1] {
				samples += uint64(n)
			}
		}
	}
	return min(samples, p.samples)
}

// grow takes one more record into a new page.
func (p *page) grow(r Record) {
	before := p.samples
	p.count, p.bytes, p.samples = p.count+1, p.bytes+uint32(recordHeader+len(r.Data)), p.samples+uint64(r.Samples)
	switch even := p.count == 1 || p.even && p.samples == uint64(p.count)*uint64(r.Samples); {
	case even:
	case p.even: // until now
		for range p.count - 1 {
			p.weights = append(p.weights, uint32(before/uint64(p.count-1)))
		}
		fallthrough
	default:
		p.weights = append(p.weights, r.Samples)
	}
	p.even = p.weights == nil
}

// readWeights takes the sample counts out of a page's bytes; what is damaged counts nothing.
func (p *page) readWeights(b []byte) {
	p.weights = make([]uint32, p.count)
	for i := range p.weights {
		if len(b) < recordHeader {
			return
		}
		p.weights[i] = le.Uint32(b[4:])
		b = b[min(uint64(len(b)), recordHeader+uint64(le.Uint32(b))):]
	}
}

func (p *page) last() uint64 { return p.first + uint64(p.count) - 1 }

// prev is the number that was a cursor's last before the page.
func (p *page) prev(slot uint8) uint64 {
	i := bits.OnesCount16(p.slots & (1<<slot - 1))
	if p.slots&(1<<slot) == 0 || i >= len(p.prevs) {
		return 0
	}
	return p.prevs[i]
}

// The size of a key: first, count, class, samples, bytes, time; cursors and 8 bytes for each; CRC-32C. Version 1 had no cursors.
const (
	pageKeyHead = 8 + 4 + 1 + 8 + 4 + 8
	pageKey1    = pageKeyHead + 4
	pageKey     = pageKeyHead + 2 + 4
)

// The class's byte of a key: its low bits are the class, three bits the level, and forAll marks a page that is for cursors to come as well.
const (
	classBits  = 0x03
	levelShift = 2
	maxLevel   = 7
	forAll     = 0x80
)

func (p *page) key() []byte {
	k := binary.BigEndian.AppendUint64(make([]byte, 0, pageKey+8*len(p.prevs)), p.first)
	k = binary.BigEndian.AppendUint32(k, p.count)
	class := byte(p.class) | p.level<<levelShift
	if p.all && p.slots != 0 {
		class |= forAll
	}
	k = append(k, class)
	k = binary.BigEndian.AppendUint64(k, p.samples)
	k = binary.BigEndian.AppendUint32(k, p.bytes)
	k = binary.BigEndian.AppendUint64(k, uint64(p.time))
	if p.slots != 0 {
		k = binary.BigEndian.AppendUint16(k, p.slots)
		for _, prev := range p.prevs {
			k = binary.BigEndian.AppendUint64(k, prev)
		}
	}
	return binary.BigEndian.AppendUint32(k, crc32.Checksum(k, castagnoli))
}

// place is where a page's bytes are in a segment.
type place struct{ bucket, key []byte }

func (p *page) place() place {
	if p.thinned > 0 {
		return place{thinnedBucket, append(number(p.thinned), p.key()...)}
	}
	return place{pagesBucket, p.key()}
}

// parseKey reads the key of a page in its bucket. One that was thinned has the transaction before it.
func parseKey(thinned bool, k []byte) (*page, error) {
	if !thinned {
		return parsePage(k)
	}
	if len(k) < 8 {
		return nil, fmt.Errorf("a page's key: %w", errDamaged)
	}
	p, err := parsePage(k[8:])
	if err == nil {
		p.thinned = binary.BigEndian.Uint64(k)
	}
	return p, err
}

func parsePage(k []byte) (*page, error) {
	sound := len(k) >= pageKey1 && crc32.Checksum(k[:len(k)-4], castagnoli) == binary.BigEndian.Uint32(k[len(k)-4:])
	if !sound {
		return nil, fmt.Errorf("a page's key: %w", errDamaged)
	}
	p := &page{
		first: binary.BigEndian.Uint64(k), count: binary.BigEndian.Uint32(k[8:]), class: Class(k[12] & classBits), level: k[12] >> levelShift & maxLevel, all: k[12]&forAll != 0,
		samples: binary.BigEndian.Uint64(k[13:]), bytes: binary.BigEndian.Uint32(k[21:]), time: int64(binary.BigEndian.Uint64(k[25:])),
	}
	if p.count == 0 || p.first == 0 || p.last() < p.first || p.class >= classes || k[12]&0x60 != 0 || uint64(p.count)*recordHeader > uint64(p.bytes) || !p.parseCursors(k[pageKeyHead:len(k)-4]) {
		return nil, fmt.Errorf("a page's key: %w", errDamaged)
	}
	return p, nil
}

// parseCursors reads whom the page is for. In version 1 that was the only cursor, and so all that came later.
func (p *page) parseCursors(b []byte) bool {
	if len(b) == 0 {
		sound := !p.all && p.level == 0
		p.all = true
		return sound
	}
	if len(b) < 2 {
		return false
	}
	p.slots, b = binary.BigEndian.Uint16(b), b[2:]
	if p.slots == 0 || len(b) != 8*bits.OnesCount16(p.slots) {
		return false
	}
	for ; len(b) > 0; b = b[8:] {
		prev := binary.BigEndian.Uint64(b)
		if prev >= p.first {
			return false
		}
		p.prevs = append(p.prevs, prev)
	}
	return true
}
