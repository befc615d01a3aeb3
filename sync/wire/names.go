package wire

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// order is the sorted order of a slice of names. It is kept from block to block, because a gateway's names are the same
// for days; comparing them costs little, as equal strings mostly are the same string.
type order struct {
	names  []string // a copy: the caller may change its own
	byName []uint32 // places in names, by name
	coded  []byte   // the names of some of the points, as they stand in a block
	of     []uint32 // which
}

// set makes o the order of names.
func (o *order) set(names []string) error {
	if slices.Equal(o.names, names) {
		return nil
	}
	o.names, o.of, o.byName = nil, o.of[:0], make([]uint32, len(names))
	for i := range names {
		o.byName[i] = uint32(i)
	}
	slices.SortFunc(o.byName, func(a, b uint32) int { return cmp.Compare(names[a], names[b]) })
	total := 0
	for i, at := range o.byName {
		if total += len(names[at]); total > MaxBody {
			return fmt.Errorf("the names together have more than %d bytes: %w", MaxBody, ErrTooMuch)
		}
		if name := names[at]; len(name) == 0 || len(name) > MaxName {
			return fmt.Errorf("the name of point %d has %d bytes; 1 to %d are allowed", at, len(name), MaxName)
		} else if i > 0 && name == names[o.byName[i-1]] {
			return fmt.Errorf("points %d and %d have the same name %q; a block needs each name once", o.byName[i-1], at, name)
		}
	}
	o.names = slices.Clone(names)
	return nil
}

// append writes the names of points, which are in the order of their names.
func (o *order) append(dst []byte, points []uint32) []byte {
	if !slices.Equal(o.of, points) {
		o.of = append(o.of[:0], points...)
		o.coded = o.coded[:0]
		before := ""
		for _, point := range points {
			o.coded = appendName(o.coded, o.names[point], before)
			before = o.names[point]
		}
	}
	return append(dst, o.coded...)
}

// appendName writes name front-coded: how many bytes it shares with the name before, then the rest.
func appendName(dst []byte, name, before string) []byte {
	shared := 0
	for shared < min(len(name), len(before)) && name[shared] == before[shared] {
		shared++
	}
	dst = binary.AppendUvarint(dst, uint64(shared))
	dst = binary.AppendUvarint(dst, uint64(len(name)-shared))
	return append(dst, name[shared:]...)
}

// nameTable is the names of the block decoded last. A gateway's next block mostly has the same, and gets the same strings.
type nameTable struct {
	coded []byte
	names []string
	ends  []int
}

// read takes the names of n points.
func (t *nameTable) read(c *cursor, n int) []string {
	if len(t.coded) > 0 && len(t.names) == n && bytes.HasPrefix(c.buf, t.coded) {
		c.buf = c.buf[len(t.coded):]
		return t.names
	}
	t.names = nil
	start := c.buf
	text := t.expand(c, n)
	if c.err != nil {
		return nil
	}
	t.coded = append(t.coded[:0], start[:len(start)-len(c.buf)]...)
	all := string(text) // one string for all names
	t.names = make([]string, n)
	from := 0
	for i, end := range t.ends {
		t.names[i] = all[from:end]
		from = end
	}
	return t.names
}

// expand undoes the front coding into one text, with t.ends saying where each name ends.
func (t *nameTable) expand(c *cursor, n int) []byte {
	var text []byte
	t.ends = t.ends[:0]
	before := text
	for range n {
		shared := c.upTo(len(before), "bytes shared with the name before are")
		rest := c.bytes(c.upTo(MaxName-shared, "bytes of a name are"))
		if c.err != nil {
			return nil
		}
		if shared+len(rest) == 0 || shared < len(before) && (len(rest) == 0 || rest[0] <= before[shared]) || shared == len(before) && len(rest) == 0 {
			c.fail("its names are not in order")
			return nil
		}
		start := len(text)
		text = append(append(text, before[:shared]...), rest...)
		if len(text) > MaxBody {
			c.fail("its names are longer than %d bytes", MaxBody)
			return nil
		}
		before = text[start:]
		t.ends = append(t.ends, len(text))
	}
	return text
}
