package wire

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// A sequence is a run of 64-bit integers whose number the reader knows: the first as it is, and the differences of the
// rest in the cheapest of four ways. Differences wrap around, so every integer is allowed.
const (
	seqStep   = 0 // one difference for all: constants, counters, scans that kept every time of a clock
	seqDeltas = 1 // each difference as a varint: small ones, which zstd then makes smaller
	seqRuns   = 2 // where it changes and by how much: values that rarely do
	seqPacked = 3 // differences packed in bits: noise, which zstd can do nothing for; the way's high four bits are their unit
)

// units are what packed differences may be multiples of: times of µs or ms have nothing below.
var units = [...]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// packChunk is how many packed differences share a width, so that one late scan does not widen all.
const packChunk = 128

// noisyBytes is the mean length of a varint from which differences count as noise.
const noisyBytes = 2

// sequences writes and reads sequences; it holds their scratch space.
type sequences struct {
	deltas []uint64
	packed [packChunk]uint64
}

func (q *sequences) append(dst []byte, values []int64) []byte {
	if len(values) == 0 {
		return dst
	}
	dst = binary.AppendVarint(dst, values[0])
	if len(values) == 1 {
		return dst
	}
	changes, size := q.diff(values)
	switch n := len(values) - 1; {
	case changes == 0:
		return binary.AppendUvarint(append(dst, seqStep), q.deltas[0])
	case q.steady():
		return binary.AppendUvarint(append(dst, seqStep), q.deltas[0])
	case changes <= n/8:
		return appendRuns(append(dst, seqRuns), q.deltas, changes)
	case size > noisyBytes*n:
		unit := q.unit()
		return q.appendPacked(append(dst, seqPacked|byte(unit<<4)), units[unit])
	default:
		return appendDeltas(append(dst, seqDeltas), q.deltas)
	}
}

// diff sets q.deltas to the zigzag differences and counts those that are not 0 and the bytes of all as varints.
func (q *sequences) diff(values []int64) (changes, size int) {
	q.deltas = slices.Grow(q.deltas[:0], len(values)-1)[:len(values)-1]
	last := values[0]
	for i, v := range values[1:] {
		d := zigzag(v - last)
		q.deltas[i] = d
		last = v
		if d != 0 {
			changes++
			size += (bits.Len64(d) - 1) / 7
		}
	}
	return changes, size + len(q.deltas)
}

// steady reports whether all differences are the same.
func (q *sequences) steady() bool {
	for _, d := range q.deltas[1:] {
		if d != q.deltas[0] {
			return false
		}
	}
	return true
}

func appendDeltas(dst []byte, deltas []uint64) []byte {
	for _, d := range deltas {
		if d < 0x80 {
			dst = append(dst, byte(d))
		} else {
			dst = binary.AppendUvarint(dst, d)
		}
	}
	return dst
}

func appendRuns(dst []byte, deltas []uint64, changes int) []byte {
	dst = binary.AppendUvarint(dst, uint64(changes))
	unchanged := uint64(0)
	for _, d := range deltas {
		if d == 0 {
			unchanged++
			continue
		}
		dst = binary.AppendUvarint(dst, unchanged)
		dst = binary.AppendUvarint(dst, d)
		unchanged = 0
	}
	return dst
}

// unit is the place in units of the greatest that all differences are multiples of.
func (q *sequences) unit() int {
	for unit := 1; unit < len(units); unit++ {
		for _, d := range q.deltas {
			if unzigzag(d)%units[unit] != 0 {
				return unit - 1
			}
		}
	}
	return len(units) - 1
}

// appendPacked writes chunks of differences above the chunk's least, all divided by unit.
func (q *sequences) appendPacked(dst []byte, unit int64) []byte {
	for deltas := q.deltas; len(deltas) > 0; {
		n := min(packChunk, len(deltas))
		chunk := q.packed[:n]
		least, most := int64(math.MaxInt64), int64(math.MinInt64)
		for i, d := range deltas[:n] {
			d := unzigzag(d) / unit
			chunk[i] = uint64(d)
			least, most = min(least, d), max(most, d)
		}
		for i := range chunk {
			chunk[i] -= uint64(least)
		}
		width := packWidth(uint64(most) - uint64(least))
		dst = binary.AppendVarint(dst, least)
		dst = pack(append(dst, byte(width)), chunk, width)
		deltas = deltas[n:]
	}
	return dst
}

// read fills values from c.
func (q *sequences) read(c *cursor, values []int64) {
	if len(values) == 0 {
		return
	}
	values[0] = c.varint()
	if len(values) == 1 {
		return
	}
	way := c.byte()
	if unit := int(way >> 4); way&0x0F == seqPacked && unit < len(units) {
		q.readPacked(c, values, units[unit])
		return
	}
	switch way {
	case seqStep:
		readStep(c, values)
	case seqDeltas:
		readDeltas(c, values)
	case seqRuns:
		readRuns(c, values)
	default:
		c.fail("a sequence is written in the unknown way %d", way)
	}
}

func readStep(c *cursor, values []int64) {
	step, v := c.varint(), values[0]
	for i := range values {
		values[i] = v
		v += step
	}
}

func readDeltas(c *cursor, values []int64) {
	buf, v := c.buf, values[0]
	rest := values[1:]
	for i := range rest {
		if len(buf) > 0 && buf[0] < 0x80 {
			v += unzigzag(uint64(buf[0]))
			buf = buf[1:]
		} else {
			d, n := binary.Uvarint(buf)
			if n <= 0 {
				c.fail("a sequence ends too early")
				return
			}
			v += unzigzag(d)
			buf = buf[n:]
		}
		rest[i] = v
	}
	c.buf = buf
}

func readRuns(c *cursor, values []int64) {
	v, at := values[0], 1
	for range c.upTo(len(values)-1, "changes in a sequence") {
		unchanged := c.upTo(len(values)-at-1, "unchanged values in a sequence")
		for range unchanged {
			values[at] = v
			at++
		}
		v += c.varint()
		if c.err != nil {
			return
		}
		values[at] = v
		at++
	}
	for ; at < len(values); at++ {
		values[at] = v
	}
}

func (q *sequences) readPacked(c *cursor, values []int64, unit int64) {
	v := values[0]
	for rest := values[1:]; len(rest) > 0; {
		n := min(packChunk, len(rest))
		least, width := c.varint(), int(c.byte())
		if width > 64 || packWidth(1<<width-1) != width {
			c.fail("a sequence is packed in %d bits", width)
			return
		}
		src := c.bytes(packedSize(n, width))
		if c.err != nil {
			return
		}
		unpack(q.packed[:n], src, width)
		for i, d := range q.packed[:n] {
			v += (least + int64(d)) * unit
			rest[i] = v
		}
		rest = rest[n:]
	}
}
