package wire

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// Level trades time for size.
type Level uint8

// The levels. What one wrote every decoder reads.
const (
	Balanced Level = iota // what a gateway uses
	Fastest               // blocks that live a second: the journal
	Smallest              // chunks that are kept for years
)

// window is how far back zstd looks: it decides the memory of both ends.
const window = 256 << 10

func newCompressor(level Level) *zstd.Encoder {
	speed := zstd.SpeedDefault
	switch level {
	case Fastest:
		speed = zstd.SpeedFastest
	case Smallest:
		speed = zstd.SpeedBetterCompression
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(speed), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(window), zstd.WithEncoderCRC(false))
	if err != nil {
		panic("BUG: zstd refuses its options: " + err.Error())
	}
	return z
}

func newDecompressor() *zstd.Decoder {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(MaxBody+overrun),
		zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		panic("BUG: zstd refuses its options: " + err.Error())
	}
	return z
}

// overrun is the room behind its output with which zstd takes its faster way.
const overrun = 16

// leastCompressed is the size below which zstd's own frame costs more than it saves.
const leastCompressed = 64

// appendSection writes raw as a section: its length, its stored length, and the bytes, as one zstd frame where that is
// shorter and as they are where not.
func appendSection(dst, raw []byte, z *zstd.Encoder) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(raw)))
	if len(raw) >= leastCompressed {
		// The stored length stands before bytes that are not known yet: compress behind its widest form, then close the gap.
		start := len(dst)
		dst = slices.Grow(dst, binary.MaxVarintLen32+len(raw))
		frame := z.EncodeAll(raw, dst[:start+binary.MaxVarintLen32])[start+binary.MaxVarintLen32:]
		if len(frame) < len(raw) {
			dst = binary.AppendUvarint(dst, uint64(len(frame)))
			return append(dst, frame...)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(raw)))
	return append(dst, raw...)
}

// section reads a section of at most *left bytes, which it lessens, into scratch or, where it is not compressed, in place.
func (c *cursor) section(z *zstd.Decoder, scratch []byte, left *int) (raw, grown []byte) {
	length := c.upTo(*left, "bytes in a section are")
	stored := c.bytes(c.upTo(length, "stored bytes in a section are"))
	if c.err != nil {
		return nil, scratch
	}
	*left -= length
	if len(stored) == length {
		return stored, scratch
	}
	scratch = slices.Grow(scratch[:0], length+overrun)
	raw, err := z.DecodeAll(stored, scratch[:0:length+overrun])
	if err == nil && len(raw) != length {
		err = fmt.Errorf("%d bytes came out, %d should", len(raw), length)
	}
	if err != nil {
		c.fail("decompress a section: %v", err)
		return nil, scratch
	}
	return raw, scratch
}
