package wire

import (
	"encoding/binary"
	"fmt"
)

// cursor reads bytes that somebody else wrote. The first thing that does not fit sticks: every later read gives
// nothing, so a caller asks for err once, after a stretch of reads.
type cursor struct {
	buf []byte
	err error
}

// fail keeps the first complaint.
func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
	}
	c.buf = nil
}

func (c *cursor) byte() byte {
	if len(c.buf) == 0 {
		c.fail("it ends too early")
		return 0
	}
	b := c.buf[0]
	c.buf = c.buf[1:]
	return b
}

func (c *cursor) uvarint() uint64 {
	if len(c.buf) > 0 && c.buf[0] < 0x80 {
		v := uint64(c.buf[0])
		c.buf = c.buf[1:]
		return v
	}
	v, n := binary.Uvarint(c.buf)
	if n <= 0 {
		c.fail("a number in it has no end")
		return 0
	}
	c.buf = c.buf[n:]
	return v
}

func (c *cursor) varint() int64 { return unzigzag(c.uvarint()) }

// upTo reads a number that must not be greater than most; what names it in the complaint.
func (c *cursor) upTo(most int, what string) int {
	v := c.uvarint()
	if most < 0 || v > uint64(most) {
		c.fail("%s %d, where %d is the most", what, v, most)
		return 0
	}
	return int(v)
}

// bytes gives the next n bytes, which stay the block's own.
func (c *cursor) bytes(n int) []byte {
	if n > len(c.buf) {
		c.fail("%d bytes should follow where %d are left", n, len(c.buf))
		return nil
	}
	b := c.buf[:n]
	c.buf = c.buf[n:]
	return b
}

// end complains about bytes that nobody asked for.
func (c *cursor) end(what string) error {
	if c.err == nil && len(c.buf) > 0 {
		c.fail("%d bytes too many in %s", len(c.buf), what)
	}
	return c.err
}

func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }
