package wire

import (
	"encoding/binary"
	"slices"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// columnWriter writes the samples of one point after the other; it holds their scratch space.
type columnWriter struct {
	sequences
	texts  dictionary
	values []int64
	ranks  []int64
	before []int64 // the ranks of the column before
	clock  int     // the clock of the column before, -1 at first
}

func (w *columnWriter) reset() { w.clock = -1 }

// append writes one column: all[order[0]], all[order[1]] ... are its samples.
func (w *columnWriter) append(dst []byte, all []telemetry.Sample, order []uint32, t columnTimes) ([]byte, entry) {
	e := entry{samples: len(order), clock: t.clock, size: len(dst)}
	dst, e.form = w.appendTimes(dst, t)
	kind, good := shape(all, order)
	e.form |= kind
	if kind == formMixed {
		dst = appendKinds(dst, all, order)
	}
	if !good {
		e.form |= formQualities
		dst = appendQualities(dst, all, order)
	}
	if kind == formMixed {
		for k := telemetry.KindBool; k <= telemetry.KindString; k++ {
			dst = w.appendValues(dst, all, order, k)
		}
	} else {
		dst = w.appendValues(dst, all, order, telemetry.Kind(kind))
	}
	e.size = len(dst) - e.size
	return dst, e
}

// columnTimes says which times of which clock a column has.
type columnTimes struct {
	clock int
	ticks []uint32 // places in the block's times
	rank  []uint32 // of each of the block's times: its place in its clock
	whole int      // how many times the clock has
}

func (w *columnWriter) appendTimes(dst []byte, t columnTimes) ([]byte, form) {
	w.ranks = slices.Grow(w.ranks[:0], len(t.ticks))[:len(t.ticks)]
	whole := len(t.ticks) == t.whole
	for i, tick := range t.ticks {
		rank := int64(t.rank[tick])
		w.ranks[i] = rank
		whole = whole && rank == int64(i)
	}
	same := t.clock == w.clock && slices.Equal(w.ranks, w.before)
	w.clock = t.clock
	w.ranks, w.before = w.before, w.ranks
	switch {
	case whole:
		return dst, timesWhole
	case same:
		return dst, timesBefore
	}
	return w.sequences.append(dst, w.before), timesOwn
}

// shape is the kind all values have, or formMixed, and whether every quality is good.
func shape(all []telemetry.Sample, order []uint32) (kind form, good bool) {
	first := all[order[0]].Value.Kind()
	kind, good = form(first), true
	for _, i := range order {
		s := &all[i]
		if s.Value.Kind() != first {
			kind = formMixed
		}
		good = good && s.Quality == telemetry.Good
	}
	return kind, good
}

func appendKinds(dst []byte, all []telemetry.Sample, order []uint32) []byte {
	for len(order) > 0 {
		kind, run := all[order[0]].Value.Kind(), 1
		for run < len(order) && all[order[run]].Value.Kind() == kind {
			run++
		}
		dst = binary.AppendUvarint(append(dst, byte(kind)), uint64(run))
		order = order[run:]
	}
	return dst
}

func appendQualities(dst []byte, all []telemetry.Sample, order []uint32) []byte {
	for len(order) > 0 {
		quality, run := all[order[0]].Quality, 1
		for run < len(order) && all[order[run]].Quality == quality {
			run++
		}
		dst = binary.AppendUvarint(binary.LittleEndian.AppendUint32(dst, uint32(quality)), uint64(run))
		order = order[run:]
	}
	return dst
}

// appendValues writes the values of one kind as one sequence, whatever stands between them.
func (w *columnWriter) appendValues(dst []byte, all []telemetry.Sample, order []uint32, kind telemetry.Kind) []byte {
	w.values = w.values[:0]
	switch kind {
	case telemetry.KindNone:
		return dst
	case telemetry.KindString:
		return w.appendTexts(dst, all, order)
	}
	for _, i := range order {
		if v := &all[i].Value; v.Kind() == kind {
			w.values = append(w.values, int64(v.Bits()))
		}
	}
	if kind == telemetry.KindFloat64 && len(w.values) > 0 {
		dst = append(dst, byte(toIntegers(w.values)))
	}
	return w.sequences.append(dst, w.values)
}

func (w *columnWriter) appendTexts(dst []byte, all []telemetry.Sample, order []uint32) []byte {
	w.texts.reset()
	for _, i := range order {
		if v := &all[i].Value; v.Kind() == telemetry.KindString {
			w.values = append(w.values, w.texts.place(v.Text()))
		}
	}
	if len(w.values) == 0 {
		return dst
	}
	return w.sequences.append(w.texts.append(dst), w.values)
}
