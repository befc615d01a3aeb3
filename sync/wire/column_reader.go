package wire

import (
	"encoding/binary"
	"slices"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// columnReader reads one column after the other; it holds their scratch space.
type columnReader struct {
	sequences
	texts     dictionary
	ranks     []int64
	times     []int64
	values    []int64                       // kind after kind
	first     [telemetry.KindString + 1]int // where the values of each kind start
	kinds     []run
	qualities []run
	doubted   bool // the block's times are
}

// run is how often something comes one after the other: a kind or a quality.
type run struct {
	what   uint32
	length int
}

// readTimes sets r.times to the times of a column of n samples. They are the clock's own memory, or r's.
func (r *columnReader) readTimes(c *cursor, e entry, clock []int64) {
	switch e.form & formTimes {
	case timesBefore:
		if len(r.times) != e.samples {
			c.fail("a column has the times of one with more or fewer samples")
		}
	case timesWhole:
		if r.times = clock; len(clock) != e.samples {
			c.fail("a column has %d samples and a clock with %d times", e.samples, len(clock))
		}
	case timesOwn:
		r.ranks = slices.Grow(r.ranks[:0], e.samples)[:e.samples]
		r.sequences.read(c, r.ranks)
		if c.err != nil {
			return
		}
		for i, rank := range r.ranks {
			if uint64(rank) >= uint64(len(clock)) {
				c.fail("a sample has time %d of a clock with %d", rank, len(clock))
				return
			}
			r.ranks[i] = clock[rank]
		}
		r.times = r.ranks
	}
}

// readValues sets the runs and values of a column whose times are read.
func (r *columnReader) readValues(c *cursor, e entry) error {
	r.kinds = append(r.kinds[:0], run{uint32(e.form & formKind), e.samples})
	if e.form&formKind == formMixed {
		r.kinds = readRunsOf(c, r.kinds[:0], e.samples, func() uint32 { return uint32(c.byte()) })
	}
	r.qualities = append(r.qualities[:0], run{uint32(telemetry.Good), e.samples})
	if e.form&formQualities != 0 {
		r.qualities = readRunsOf(c, r.qualities[:0], e.samples, c.uint32)
	}
	r.values = slices.Grow(r.values[:0], e.samples)[:e.samples]
	r.first = [telemetry.KindString + 1]int{}
	if kind := e.form & formKind; kind != formMixed {
		r.readKind(c, telemetry.Kind(kind), r.values)
	} else {
		r.readMixed(c)
	}
	return c.end("a column")
}

// readMixed reads the values of every kind that the runs have, kind after kind.
func (r *columnReader) readMixed(c *cursor) {
	var count [telemetry.KindString + 1]int
	for _, run := range r.kinds {
		if run.what >= uint32(len(count)) {
			c.fail("it has values of the unknown kind %d", run.what)
			return
		}
		count[run.what] += run.length
	}
	at := 0
	for kind, n := range count {
		r.first[kind] = at
		r.readKind(c, telemetry.Kind(kind), r.values[at:at+n])
		at += n
	}
}

// readRunsOf reads runs that have n elements together.
func readRunsOf(c *cursor, runs []run, n int, what func() uint32) []run {
	for n > 0 && c.err == nil {
		r := run{what(), c.upTo(n, "samples in a run are")}
		if r.length == 0 {
			c.fail("a run in it has no samples")
		}
		n -= r.length
		runs = append(runs, r)
	}
	return runs
}

func (r *columnReader) readKind(c *cursor, kind telemetry.Kind, values []int64) {
	if kind == telemetry.KindNone || len(values) == 0 || c.err != nil {
		return
	}
	switch kind {
	case telemetry.KindFloat64:
		s := scale(c.byte())
		if !s.valid() {
			c.fail("floats are scaled in the unknown way %#x", byte(s))
		}
		r.sequences.read(c, values)
		s.toFloats(values)
		return
	case telemetry.KindString:
		r.texts.read(c, len(values))
	}
	r.sequences.read(c, values)
	if c.err != nil {
		return
	}
	switch kind {
	case telemetry.KindBool:
		checkBelow(c, values, 2, "a boolean")
	case telemetry.KindString:
		checkBelow(c, values, len(r.texts.texts), "the place of a text")
	}
}

func checkBelow(c *cursor, values []int64, limit int, what string) {
	for _, v := range values {
		if uint64(v) >= uint64(limit) {
			c.fail("%s in it is %d", what, v)
			return
		}
	}
}

// each calls yield with the samples of the column just read, until it returns false.
func (r *columnReader) each(point telemetry.PointID, yield func(telemetry.Sample) bool) bool {
	next := r.first
	kinds, qualities := r.kinds, r.qualities
	for i, time := range r.times {
		if i > 0 {
			kinds, qualities = advance(kinds), advance(qualities)
		}
		kind := telemetry.Kind(kinds[0].what)
		s := telemetry.Sample{Point: point, Quality: telemetry.Quality(qualities[0].what), Time: time}
		switch v := r.values[next[kind]]; kind {
		case telemetry.KindNone:
		case telemetry.KindString:
			s.Value = telemetry.String(r.texts.texts[v])
		default:
			s.Value = telemetry.FromBits(kind, uint64(v))
		}
		next[kind]++
		if r.doubted {
			s.Quality = s.Quality.Doubted()
		}
		if !yield(s) {
			return false
		}
	}
	return true
}

// advance goes on by one element, using up the runs.
func advance(runs []run) []run {
	if runs[0].length--; runs[0].length == 0 {
		return runs[1:]
	}
	return runs
}

func (c *cursor) uint32() uint32 {
	if b := c.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}
