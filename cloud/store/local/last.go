package local

import (
	"context"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// lastOnes gives the last q.Last samples: it reads from the latest time on behind which the index promises that many.
func (s *Store) lastOnes(ctx context.Context, q cloud.Query, from, last int64, yield func(telemetry.Sample) bool) error {
	err := s.readers.read(ctx, func(c *conn) error {
		t, err := lookUp(ctx, c, q)
		for level := levelGrowing; err == nil && t.series != 0 && level <= levelFull; level++ {
			from, err = enough(ctx, c, chunk{level: level, owner: t.series, first: from, last: last, samples: q.Last})
		}
		return err
	})
	if err != nil {
		return err
	}
	kept := ring{n: q.Last}
	if err := s.stretch(ctx, q, from, last, kept.add); err != nil {
		return err
	}
	kept.each(yield)
	return nil
}

// enough walks the index back from want.last until the chunks wholly inside want.first..want.last have want.samples
// samples, and gives the time where they begin; want.first when there aren't as many.
func enough(ctx context.Context, c *conn, want chunk) (from int64, err error) {
	from = want.first
	query := "SELECT first, samples FROM chunk WHERE level = ? AND owner = ? AND first BETWEEN ? AND ? AND last <= ? ORDER BY first DESC"
	args := []any{want.level, want.owner, want.first, want.last, want.last}
	found := 0
	err = c.each(ctx, query, args, func(scan func(...any) error) error {
		var first int64
		var samples int
		if err := scan(&first, &samples); err != nil {
			return err
		}
		if found += samples; found >= want.samples {
			from = first
			return errStop
		}
		return nil
	})
	return from, err
}

// ring keeps the last n samples it was given.
type ring struct {
	n       int
	samples []telemetry.Sample
	next    int // where the oldest is, once it is full
}

func (r *ring) add(smp telemetry.Sample) bool {
	if len(r.samples) < r.n {
		r.samples = append(r.samples, smp)
		return true
	}
	r.samples[r.next] = smp
	r.next = (r.next + 1) % r.n
	return true
}

func (r *ring) each(yield func(telemetry.Sample) bool) {
	for i := range r.samples {
		if !yield(r.samples[(r.next+i)%len(r.samples)]) {
			return
		}
	}
}
