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

// merge gives the samples of a window from a time on, and says whether the caller wants more. A source is decoded when its time
// has come, so where sources do not overlap one at a time is in memory.
func (s *Store) merge(w window, from int64, yield func(telemetry.Sample) bool) (more bool, err error) {
	dec := s.decoder()
	defer s.decoders.Put(dec)
	var open strands
	for next := 0; next < len(w.sources) || len(open) > 0; {
		if len(open) == 0 || next < len(w.sources) && w.sources[next].first <= open[0].samples[0].Time {
			src := &w.sources[next]
			next++
			st, err := unravel(dec, src, from, w.last)
			if err != nil {
				return false, err
			}
			src.data = nil
			if len(st.samples) > 0 {
				heap.Push(&open, st)
			}
			continue
		}
		limit := w.last // how far the first strand may be given without looking at the others
		if next < len(w.sources) {
			limit = min(limit, w.sources[next].first-1)
		}
		if !open.give(limit, yield) {
			return false, nil
		}
	}
	return true, nil
}

// give yields from the first strand: one sample, or the run up to limit when there is no other.
func (h *strands) give(limit int64, yield func(telemetry.Sample) bool) bool {
	st := (*h)[0]
	for {
		if !yield(st.samples[0]) {
			return false
		}
		if st.samples = st.samples[1:]; len(st.samples) == 0 {
			heap.Pop(h)
			return true
		}
		if len(*h) > 1 || st.samples[0].Time > limit {
			heap.Fix(h, 0)
			return true
		}
	}
}

// unravel decodes the point's samples within from..last.
func unravel(dec *wire.Decoder, src *source, from, last int64) (*strand, error) {
	st := &strand{arrival: src.arrival, id: src.id, samples: make([]telemetry.Sample, 0, src.expected())}
	err := dec.Column(src.data, src.key, func(smp telemetry.Sample) bool {
		smp.Point = 0
		st.samples = append(st.samples, smp)
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", src, err)
	}
	sortByTime(st.samples)
	n := len(st.samples)
	begin := sort.Search(n, func(i int) bool { return st.samples[i].Time >= from })
	end := sort.Search(n, func(i int) bool { return st.samples[i].Time > last })
	st.samples = st.samples[begin:max(begin, end)]
	return st, nil
}

// expected is how many samples of the point a source may well have.
func (src *source) expected() int { return min(src.samples, 2*fullChunk) }

func (src *source) String() string {
	if src.raw {
		return fmt.Sprintf("block %d", src.id)
	}
	return fmt.Sprintf("chunk %d", src.id)
}
