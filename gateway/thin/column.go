package thin

import (
	"math"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// spot is where a sample lies: which record, and which of its samples.
type spot struct{ record, n int }

// column is the span of a point that is open: what would stay of it.
type column struct {
	span            int64 // its number since 1970
	quality         telemetry.Quality
	first, last     spot
	least, most     spot
	lowest, highest float64
	begun, sized    bool // there is a sample; one with a size
}

// put takes in the point's next sample. Another span begins with another quality, too, so that no change of it is lost.
func (c *column) put(s *telemetry.Sample, at spot, span int64, kept []bits) {
	number := floor(s.Time, span)
	if !c.begun || number != c.span || s.Quality != c.quality {
		c.end(kept)
		*c = column{span: number, quality: s.Quality, first: at, begun: true}
	}
	c.last = at
	v, ok := s.Value.Float()
	if !ok || math.IsNaN(v) {
		return
	}
	if !c.sized || v < c.lowest {
		c.lowest, c.least = v, at
	}
	if !c.sized || v > c.highest {
		c.highest, c.most = v, at
	}
	c.sized = true
}

// end marks what stays of the open span.
func (c *column) end(kept []bits) {
	if !c.begun {
		return
	}
	kept[c.first.record].set(c.first.n)
	kept[c.last.record].set(c.last.n)
	if c.sized {
		kept[c.least.record].set(c.least.n)
		kept[c.most.record].set(c.most.n)
	}
}

// floor is the number of the span that a time is in, also before 1970.
func floor(time, span int64) int64 {
	n := time / span
	if time%span < 0 {
		n--
	}
	return n
}

// bits are marks, one a sample.
type bits []uint64

func (b bits) set(n int)      { b[n/64] |= 1 << (n % 64) }
func (b bits) has(n int) bool { return b[n/64]&(1<<(n%64)) != 0 }

// ensure marks the first sample where none is.
func (b bits) ensure() {
	for _, word := range b {
		if word != 0 {
			return
		}
	}
	b.set(0)
}
