package wire

import (
	"encoding/binary"
	"slices"
)

// dictionary is the different texts of one column, in order of appearance. A column of states has few.
type dictionary struct {
	texts  []string
	places map[string]int64
}

func (d *dictionary) reset() {
	d.texts = d.texts[:0]
	clear(d.places)
}

// place is where text stands; it is added where it is new.
func (d *dictionary) place(text string) int64 {
	if place, ok := d.places[text]; ok {
		return place
	}
	if d.places == nil {
		d.places = make(map[string]int64)
	}
	place := int64(len(d.texts))
	d.places[text] = place
	d.texts = append(d.texts, text)
	return place
}

// append writes how many texts there are, how long each is, and all of them.
func (d *dictionary) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(d.texts)))
	for _, text := range d.texts {
		dst = binary.AppendUvarint(dst, uint64(len(text)))
	}
	for _, text := range d.texts {
		dst = append(dst, text...)
	}
	return dst
}

// read takes the dictionary of a column with n texts, different or not.
func (d *dictionary) read(c *cursor, n int) {
	n = c.upTo(min(n, len(c.buf)), "different texts are")
	lengths := cursor{buf: c.buf}
	total := 0
	for range n {
		if total += c.upTo(MaxText, "bytes of a text are"); total > len(c.buf) { // here and not below: the sum may pass 32 bits
			c.fail("texts are longer than what is left")
			return
		}
	}
	all := string(c.bytes(total)) // one string for all texts
	d.texts = slices.Grow(d.texts[:0], n)
	for range n {
		if c.err != nil {
			return
		}
		length := int(lengths.uvarint())
		d.texts = append(d.texts, all[:length])
		all = all[length:]
	}
}
