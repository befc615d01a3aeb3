package local

import (
	"container/heap"
	"fmt"
	"sort"

	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// strand is the samples of one source, in order of time, and how far they have been given.
type strand struct {
	samples     []telemetry.Sample
	whole       []telemetry.Sample // where samples are kept, to be used again
	arrival, id int64
}

// strands is a heap: the next sample to give is the first strand's first.
type strands []*strand

func (h strands) Len() int      { return len(h) }
func (h strands) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *strands) Push(x any)   { *h = append(*h, x.(*strand)) }
func (h *strands) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// Less orders by time, then by arrival. Of one arrival chunks are numbered in order of time.
func (h strands) Less(i, j int) bool {
	a, b := h[i], h[j]
	switch {
	case a.samples[0].Time != b.samples[0].Time:
		return a.samples[0].Time < b.samples[0].Time
	case a.arrival != b.arrival:
		return a.arrival < b.arrival
	}
	return a.id < b.id
}

// merger merges the sources of a window. One goroutine uses it at a time; it is kept for its memory.
type merger struct {
	dec  *wire.Decoder
	open strands
	used []*strand // given to their end
}

// merge gives the samples of a window from a time on, and says whether the caller wants more. A source is decoded when its time
// has come, so where sources do not overlap one at a time is in memory.
func (m *merger) merge(w window, from int64, yield func(telemetry.Sample) bool) (more bool, err error) {
	defer func() {
		m.used, m.open = append(m.used, m.open...), m.open[:0]
	}()
	for next := 0; next < len(w.sources) || len(m.open) > 0; {
		if len(m.open) == 0 || next < len(w.sources) && w.sources[next].first <= m.open[0].samples[0].Time {
			if err := m.unravel(&w.sources[next], from, w.last); err != nil {
				return false, err
			}
			next++
			continue
		}
		limit := w.last // how far the first strand may be given without looking at the others
		if next < len(w.sources) {
			limit = min(limit, w.sources[next].first-1)
		}
		if !m.give(limit, yield) {
			return false, nil
		}
	}
	return true, nil
}

// give yields from the first strand: one sample, or the run up to limit when there is no other.
func (m *merger) give(limit int64, yield func(telemetry.Sample) bool) bool {
	st := m.open[0]
	for {
		if !yield(st.samples[0]) {
			return false
		}
		if st.samples = st.samples[1:]; len(st.samples) == 0 {
			m.used = append(m.used, heap.Pop(&m.open).(*strand))
			return true
		}
		if len(m.open) > 1 || st.samples[0].Time > limit {
			heap.Fix(&m.open, 0)
			return true
		}
	}
}

// unravel decodes the point's samples within from..last and opens their strand, if there are any.
func (m *merger) unravel(src *source, from, last int64) error {
	st := &strand{}
	if n := len(m.used); n > 0 {
		st, m.used = m.used[n-1], m.used[:n-1]
	}
	clear(st.whole) // texts must not be kept alive
	st.arrival, st.id, st.whole = src.arrival, src.id, st.whole[:0]
	err := m.dec.Column(src.data, src.key, func(smp telemetry.Sample) bool {
		smp.Point = 0
		st.whole = append(st.whole, smp)
		return true
	})
	if err != nil {
		return fmt.Errorf("%s: %w", src, err)
	}
	src.data = nil
	sortByTime(st.whole)
	begin := sort.Search(len(st.whole), func(i int) bool { return st.whole[i].Time >= from })
	end := sort.Search(len(st.whole), func(i int) bool { return st.whole[i].Time > last })
	if begin >= end {
		m.used = append(m.used, st)
		return nil
	}
	st.samples = st.whole[begin:end]
	heap.Push(&m.open, st)
	return nil
}

func (src *source) String() string { return fmt.Sprintf("%s %d", src.table, src.id) }
