package rule

import (
	"encoding/binary"
	"fmt"
	"math"
)

// maxState is the largest state that is read.
const maxState = 256 << 20

// UnmarshalBinary puts the rule where the one was that wrote the state. After an error, which wraps ErrState, the rule has no past;
// so it may be used all the same. What is made is never larger than a small multiple of the bytes.
func (r *Rule) UnmarshalBinary(data []byte) error {
	r.state.clear()
	r.stats = Stats{}
	for i := range r.points {
		r.points[i].group = nil
	}
	if len(data) > maxState {
		return fmt.Errorf("%w: %d bytes, at most %d are read", ErrState, len(data), maxState)
	}
	in := stateReader{b: data, rule: r}
	if err := in.read(); err != nil {
		r.state.clear()
		r.stats = Stats{}
		return err
	}
	return nil
}

// stateReader reads what stateWriter wrote. After a mistake it gives zeroes, and bad is set.
type stateReader struct {
	b    []byte
	bad  bool
	rule *Rule
}

func (in *stateReader) read() error {
	r := in.rule
	if len(in.b) < 9 || in.b[0] != stateVersion {
		return fmt.Errorf("%w: another version", ErrState)
	}
	if binary.LittleEndian.Uint64(in.b[1:]) != r.statement.fingerprint() {
		return fmt.Errorf("%w: its SQL has changed", ErrState)
	}
	in.b = in.b[9:]
	r.stats = Stats{Late: in.uint(), Ahead: in.uint()}
	s := &r.state
	s.latest, s.closed, s.nextEnd, s.nextDead = in.time(), in.time(), in.time(), in.time()
	for range in.count(3, r.o.MaxGroups) {
		g := in.group()
		in.bad = in.bad || s.byKey[g.key] != nil
		s.groups, s.byKey[g.key] = append(s.groups, g), g
	}
	for range in.count(1, r.o.MaxGroups) {
		p := in.past()
		in.bad = in.bad || s.past[p.topic] != nil
		s.topics, s.past[p.topic] = append(s.topics, p), p
	}
	switch {
	case in.bad || len(in.b) > 0:
		return fmt.Errorf("%w: damaged", ErrState)
	case s.held > r.o.MaxEvents:
		return fmt.Errorf("%w: it holds more events than the rule may", ErrState)
	}
	return nil
}

func (in *stateReader) uint() uint64 {
	n, size := binary.Uvarint(in.b)
	return in.took(n, size)
}

func (in *stateReader) took(n uint64, size int) uint64 {
	if size <= 0 || in.bad {
		in.bad, in.b = true, nil
		return 0
	}
	in.b = in.b[size:]
	return n
}

func (in *stateReader) int() int64 {
	n, size := binary.Varint(in.b)
	return int64(in.took(uint64(n), size))
}

// time is one with room before and behind it.
func (in *stateReader) time() int64 {
	t := in.int()
	in.bad = in.bad || t < beginning || t > forever
	return t
}

// count is how many things follow, each of at least so many bytes.
func (in *stateReader) count(bytes, most int) int {
	n := in.uint()
	if n > uint64(most) || n*uint64(bytes) > uint64(len(in.b)) {
		in.bad, in.b = true, nil
		return 0
	}
	return int(n)
}

func (in *stateReader) take(n int) []byte {
	if in.bad || n > len(in.b) {
		in.bad, in.b = true, nil
		return make([]byte, min(n, 8))
	}
	taken := in.b[:n]
	in.b = in.b[n:]
	return taken
}

func (in *stateReader) float() float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(in.take(8)))
}
func (in *stateReader) text() string { return string(in.take(in.count(1, maxState))) }

func (in *stateReader) value(depth int) Value {
	head := in.take(2)
	v := Value{kind: Kind(head[0]), form: form(head[1])}
	if in.bad = in.bad || v.kind > Object || v.form > double || depth > 2*maxDepth || v.form != exact && !v.isNumber(); in.bad {
		return Value{}
	}
	switch {
	case v.kind == String:
		v.text = in.text()
	case v.kind == Array || v.kind == Object:
		return in.nested(v.kind, depth)
	case v.form == wide:
		return in.wide(v.kind)
	case v.form == double:
		in.int()
		v = float(math.Float64frombits(in.uint()))
		in.bad = in.bad || v.kind != Decimal
	case v.kind >= Boolean:
		exp := in.int()
		v.exp, v.bits = int32(exp), in.uint()
		in.bad = in.bad || exp < -2*maxExponent || exp > maxExponent || exp != 0 && v.kind != Decimal || v.kind == Boolean && v.bits > 1
	}
	return v
}

func (in *stateReader) wide(kind Kind) Value {
	digits := in.text()
	if len(digits) > 64 || !numeric.MatchString(digits) {
		in.bad = true
		return Value{}
	}
	v, ok := parseNumber(digits)
	in.bad = in.bad || !ok || !v.isNumber()
	v.kind = kind
	in.bad = in.bad || kind == Int && v.exp != 0
	return v
}

func (in *stateReader) nested(kind Kind, depth int) Value {
	if kind == Array {
		items := []Value{}
		for range in.count(2, maxState) {
			items = append(items, in.value(depth+1))
		}
		return list(items)
	}
	f := &fields{}
	for range in.count(3, maxState) {
		key := in.text()
		f.set(key, in.value(depth+1))
	}
	return object(f)
}

func (in *stateReader) group() *group {
	g := &group{key: in.text(), since: in.int()}
	w := &in.rule.statement.window
	in.bad = in.bad || g.since < 0 || g.since >= maxCount
	for range in.count(4, maxOverlap+1+int(min(in.rule.o.Late/max(w.step, 1), math.MaxInt32/2))) {
		p := pane{start: in.time(), end: in.time(), last: in.time(), events: in.count(0, math.MaxInt32)}
		in.bad = in.bad || len(g.panes) > 0 && g.panes[len(g.panes)-1].start >= p.start
		p.cells = in.cells(-1)
		if in.rule.keepsEvents() {
			in.rule.state.held += p.events
		}
		g.panes = append(g.panes, p)
	}
	newest := int64(beginning)
	for range in.count(1, in.rule.o.MaxEvents) {
		t := in.time()
		in.bad = in.bad || w.kind == sliding && t < newest
		newest = t
		g.times.push(t)
	}
	in.rule.state.held += g.times.n
	if in.count(0, 1) == 1 {
		g.cells = in.cells(g.times.n)
	}
	in.bad = in.bad || (g.cells == nil) != (g.times.n == 0) || w.kind == counting && g.times.n > w.count || w.kind == session && len(g.panes) > 1
	return g
}

// cells reads a window's columns. Where events are held one by one there are as many in each.
func (in *stateReader) cells(events int) []column {
	specs := in.rule.columns
	cells := make([]column, len(specs))
	slides := in.rule.statement.window.slides() && events >= 0
	for i := range cells {
		c := &cells[i]
		c.n = in.int()
		for _, f := range []*float64{&c.sum, &c.c, &c.mean, &c.m2, &c.extreme} {
			*f = in.float()
		}
		c.v, c.seq, c.evicted = in.value(0), in.int(), in.count(0, math.MaxInt32)
		for range in.count(8, maxState) {
			c.nums.push(in.float())
		}
		for range in.count(2, maxState) {
			c.vals.push(in.value(0))
		}
		in.bad = in.bad || c.n < 0 || c.seq < int64(c.nums.n) || !c.fits(specs[i].fn, events, slides)
		if slides {
			c.rank(specs[i].fn)
		}
	}
	return cells
}

// fits holds the numbers of things in a column against each other, so that nothing is taken later from what is empty.
func (c *column) fits(fn aggregate, events int, slides bool) bool {
	nums, vals, numbers, n := 0, 0, 0, -1
	for i := range c.nums.n {
		if f := c.nums.at(i); f == f {
			numbers++
		}
	}
	switch {
	case fn == latest || fn == windowStart || fn == windowEnd:
	case slides && (fn == first || fn == last):
		vals = events
	case slides:
		nums, n = events, int(c.n)
	case fn == percentile:
		nums, n = numbers, int(c.n)
	}
	return c.nums.n == nums && c.vals.n == vals && (n < 0 || numbers == n)
}

// rank makes best anew of the events; it is not written.
func (c *column) rank(fn aggregate) {
	if fn != least && fn != most {
		return
	}
	next, n := c.seq, c.n
	c.seq -= int64(c.nums.n)
	for i := range c.nums.n {
		if f := c.nums.at(i); f == f {
			c.include(fn, f, true)
		}
		c.seq++
	}
	c.seq, c.n = next, n
}

func (in *stateReader) past() *past {
	p := &past{topic: in.text(), calls: make([][]Value, len(in.rule.env.memory))}
	for i, m := range in.rule.programs[fromMessage].memory {
		for range in.count(2, m.back) {
			p.calls[i] = append(p.calls[i], in.value(0))
		}
	}
	return p
}
