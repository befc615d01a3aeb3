package wire

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Encoder makes blocks. It is for one goroutine at a time, and meant to be kept: it reuses all its memory.
type Encoder struct {
	zstd    *zstd.Encoder
	order   order
	clocks  clockFinder
	column  columnWriter
	starts  []uint32 // of each point: where its column starts in samples and ticks
	samples []uint32 // places of the samples, column by column
	ticks   []uint32 // the time of each of them, as the clocks know it
	points  []uint32 // the points that have samples, by name: a column each
	ends    []uint32 // of each column: where it ends in samples and ticks
	numbers []int    // of each column: its clock
	entries []entry

	index, times, values []byte
}

// NewEncoder makes an encoder.
func NewEncoder(level Level) *Encoder { return &Encoder{zstd: newCompressor(level)} }

// AppendBlock appends a block with samples to dst. Sample.Point is a place in names; only names that have samples are
// written. The samples may be of any points in any order; each point's stay in theirs. On an error dst comes back as it was:
// ErrTooMuch asks for fewer samples, a *SampleError says which sample no block can hold.
func (e *Encoder) AppendBlock(dst []byte, names []string, samples []telemetry.Sample) ([]byte, error) {
	h, err := e.survey(names, samples)
	if err != nil {
		return dst, err
	}
	e.sort(samples)
	h.Points = len(e.points)
	if h.Points > MaxPoints {
		return dst, fmt.Errorf("%d points: %w (at most %d)", h.Points, ErrTooMuch, MaxPoints)
	}
	e.findClocks(h.From)
	if err := e.writeColumns(samples); err != nil {
		return dst, err
	}
	e.times = e.clocks.append(e.times[:0], &e.column.sequences)
	e.writeIndex()
	if h.body = len(e.index) + len(e.times) + len(e.values); h.body > MaxBody {
		return dst, fmt.Errorf("%d bytes: %w (at most %d)", h.body, ErrTooMuch, MaxBody)
	}
	start := len(dst)
	dst = reserveHeader(dst)
	for _, section := range [...][]byte{e.index, e.times, e.values} {
		dst = appendSection(dst, section, e.zstd)
	}
	h.seal(dst[start:])
	return dst, nil
}

// survey looks at every sample once, in order of arrival: it counts the points' samples, collects the times, and
// refuses what a block cannot hold.
func (e *Encoder) survey(names []string, samples []telemetry.Sample) (h header, err error) {
	switch {
	case len(samples) == 0:
		return h, fmt.Errorf("a block needs at least one sample")
	case len(samples) > MaxSamples:
		return h, fmt.Errorf("%d samples: %w (at most %d)", len(samples), ErrTooMuch, MaxSamples)
	}
	if err := e.order.set(names); err != nil {
		return h, err
	}
	e.starts = slices.Grow(e.starts[:0], len(names))[:len(names)]
	clear(e.starts)
	e.clocks.reset(len(samples))
	h.Samples, h.From, h.To = len(samples), samples[0].Time, samples[0].Time
	for i := range samples {
		s := &samples[i]
		if uint64(s.Point) >= uint64(len(names)) || !writable(s.Value) {
			return h, &SampleError{Index: i, reason: refusal(names, s)}
		}
		e.starts[s.Point]++
		e.clocks.add(s.Time)
		h.From, h.To = min(h.From, s.Time), max(h.To, s.Time)
	}
	return h, nil
}

func writable(v telemetry.Value) bool {
	switch v.Kind() {
	case telemetry.KindBool:
		return v.Bits() <= 1
	case telemetry.KindString:
		return len(v.Text()) <= MaxText
	}
	return v.Kind() <= telemetry.KindString
}

// SampleError says that a sample cannot be written. Without it the others can.
type SampleError struct {
	Index  int // its place in the samples given
	reason string
}

func (e *SampleError) Error() string { return fmt.Sprintf("sample %d %s", e.Index, e.reason) }

func refusal(names []string, s *telemetry.Sample) string {
	switch {
	case uint64(s.Point) >= uint64(len(names)):
		return fmt.Sprintf("is of point %d, and there are names for %d points", s.Point, len(names))
	case s.Value.Kind() == telemetry.KindString:
		return fmt.Sprintf("of %s is a text of %d bytes; %d are the most", names[s.Point], len(s.Value.Text()), MaxText)
	}
	return fmt.Sprintf("of %s holds what is no value: a %s of bits %#x", names[s.Point], s.Value.Kind(), s.Value.Bits())
}

// sort lays the samples out by name, each point's in order of arrival: a counting sort of their places.
func (e *Encoder) sort(samples []telemetry.Sample) {
	e.points, e.ends = e.points[:0], e.ends[:0]
	at := uint32(0)
	for _, point := range e.order.byName {
		if n := e.starts[point]; n > 0 {
			e.starts[point] = at
			at += n
			e.points, e.ends = append(e.points, point), append(e.ends, at)
		}
	}
	e.samples = slices.Grow(e.samples[:0], len(samples))[:len(samples)]
	e.ticks = slices.Grow(e.ticks[:0], len(samples))[:len(samples)]
	for i := range samples {
		place := &e.starts[samples[i].Point]
		e.samples[*place] = uint32(i)
		e.ticks[*place] = e.clocks.tick[i]
		*place++
	}
}

// findClocks finds the clock of every column: first which columns share one, then, by name of the first, its number.
func (e *Encoder) findClocks(first int64) {
	e.clocks.split()
	e.eachColumn(func(_ int, from, to uint32) { e.clocks.join(e.ticks[from:to]) })
	e.numbers = slices.Grow(e.numbers[:0], len(e.points))[:len(e.points)]
	e.eachColumn(func(i int, from, to uint32) { e.numbers[i] = e.clocks.number(e.ticks[from:to]) })
	e.clocks.fill(first)
}

// eachColumn calls do with the places of each column in samples and ticks.
func (e *Encoder) eachColumn(do func(i int, from, to uint32)) {
	from := uint32(0)
	for i, to := range e.ends {
		do(i, from, to)
		from = to
	}
}

func (e *Encoder) writeColumns(samples []telemetry.Sample) error {
	e.values, e.entries = e.values[:0], e.entries[:0]
	e.column.reset()
	from := uint32(0)
	for i, to := range e.ends {
		clock := e.numbers[i]
		times := columnTimes{clock: clock, ticks: e.ticks[from:to], rank: e.clocks.rank, whole: len(e.clocks.clocks[clock])}
		var entry entry
		e.values, entry = e.column.append(e.values, samples, e.samples[from:to], times)
		from = to
		e.entries = append(e.entries, entry)
		if len(e.values) > MaxBody { // before texts pile up, not after
			return fmt.Errorf("the values alone have more than %d bytes: %w", MaxBody, ErrTooMuch)
		}
	}
	return nil
}

// writeIndex writes the names, and then what the entries say, a list for each of their fields.
func (e *Encoder) writeIndex() {
	e.index = e.order.append(e.index[:0], e.points)
	for _, entry := range e.entries {
		e.index = append(e.index, byte(entry.form))
	}
	for _, entry := range e.entries {
		e.index = binary.AppendUvarint(e.index, uint64(entry.samples))
	}
	clock := 0
	for _, entry := range e.entries {
		e.index = binary.AppendVarint(e.index, int64(entry.clock-clock))
		clock = entry.clock
	}
	for _, entry := range e.entries {
		e.index = binary.AppendUvarint(e.index, uint64(entry.size))
	}
}
