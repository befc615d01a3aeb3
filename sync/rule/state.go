package rule

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"math"
)

// The state of a rule as bytes: see "State" in the README. Numbers are varints (zigzag where they have a sign) unless said otherwise.
const stateVersion = 1

// ErrState says that bytes are no state of this rule: damaged, of another version, or of a statement that has changed since.
var ErrState = errors.New("not the state of this rule")

// fingerprint tells whose state it is: the statement's text decides.
func (s *Statement) fingerprint() uint64 {
	h := fnv.New64a()
	h.Write([]byte(s.src)) // a hash never refuses
	return h.Sum64()
}

// MarshalBinary writes all that the rule remembers, so that a rule that reads it goes on exactly where this one is.
func (r *Rule) MarshalBinary() ([]byte, error) {
	w := stateWriter{b: []byte{stateVersion}}
	w.b = binary.LittleEndian.AppendUint64(w.b, r.statement.fingerprint())
	w.uint(r.stats.Late)
	w.uint(r.stats.Ahead)
	w.int(r.state.latest)
	w.int(r.state.closed)
	w.int(r.state.nextEnd)
	w.int(r.state.nextDead)
	w.uint(uint64(len(r.state.groups)))
	for _, g := range r.state.groups {
		w.group(g)
	}
	w.uint(uint64(len(r.state.topics)))
	for _, p := range r.state.topics {
		w.text(p.topic)
		for _, known := range p.calls {
			w.uint(uint64(len(known)))
			for _, v := range known {
				w.value(v)
			}
		}
	}
	return w.b, nil
}

type stateWriter struct{ b []byte }

func (w *stateWriter) uint(n uint64) { w.b = binary.AppendUvarint(w.b, n) }
func (w *stateWriter) int(n int64)   { w.b = binary.AppendVarint(w.b, n) }
func (w *stateWriter) float(f float64) {
	w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(f))
}
func (w *stateWriter) text(s string) { w.uint(uint64(len(s))); w.b = append(w.b, s...) }

// value writes the kind, then what it holds: bits for what fits into 64, digits for longer numbers.
func (w *stateWriter) value(v Value) {
	w.b = append(w.b, byte(v.kind), byte(v.form))
	switch {
	case v.kind == String:
		w.text(v.text)
	case v.kind == Array || v.kind == Object:
		w.b = w.nested(v)
	case v.form == wide:
		w.text(v.numeral())
	case v.kind >= Boolean:
		w.int(int64(v.exp))
		w.uint(v.bits)
	}
}

func (w *stateWriter) nested(v Value) []byte {
	if v.kind == Array {
		w.uint(uint64(len(v.items())))
		for _, item := range v.items() {
			w.value(item)
		}
		return w.b
	}
	f := v.fields()
	w.uint(uint64(len(f.keys)))
	for i, key := range f.keys {
		w.text(key)
		w.value(f.values[i])
	}
	return w.b
}

func (w *stateWriter) group(g *group) {
	w.text(g.key)
	w.int(g.since)
	w.uint(uint64(len(g.panes)))
	for i := range g.panes {
		p := &g.panes[i]
		w.int(p.start)
		w.int(p.end)
		w.int(p.last)
		w.uint(uint64(p.events))
		w.cells(p.cells)
	}
	w.uint(uint64(g.times.n))
	for i := range g.times.n {
		w.int(g.times.at(i))
	}
	w.uint(uint64(min(len(g.cells), 1)))
	if g.cells != nil {
		w.cells(g.cells)
	}
}

func (w *stateWriter) cells(cells []column) {
	for i := range cells {
		c := &cells[i]
		w.int(c.n)
		for _, f := range []float64{c.sum, c.c, c.mean, c.m2, c.extreme} {
			w.float(f)
		}
		w.value(c.v)
		w.int(c.seq)
		w.uint(uint64(c.evicted))
		w.uint(uint64(c.nums.n))
		for i := range c.nums.n {
			w.float(c.nums.at(i))
		}
		w.uint(uint64(c.vals.n))
		for i := range c.vals.n {
			w.value(c.vals.at(i))
		}
	}
}
