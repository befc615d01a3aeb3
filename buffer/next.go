package buffer

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"
)

// Next gives up to max records above after that are neither acknowledged nor given up, oldest first. It waits until
// there is one, or ctx ends. The bytes are the caller's own. A record that is damaged is left out, counted, and booked as a loss.
func (q *Queue) Next(ctx context.Context, after uint64, max int) ([]Record, error) {
	return q.NextOf(ctx, after, max)
}

// NextOf is Next for the records of some classes only, so that alarms need not wait behind a backlog of others. What lies between is not
// looked at, however much it is. Several may wait at once, for the same or other classes. No class stands for all.
func (q *Queue) NextOf(ctx context.Context, after uint64, max int, of ...Class) ([]Record, error) {
	set := setOf(of)
	for {
		q.mu.Lock()
		h := q.haul(set, after, max)
		arrived, closed := q.arrived, q.closed
		q.mu.Unlock()
		switch {
		case closed:
			return nil, ErrClosed
		case h == nil:
			if err := wait(ctx, arrived); err != nil {
				return nil, err
			}
			continue
		}
		got := q.readers[set].take(h, after, max)
		retry := q.book(h, got)
		if len(got.recs) > 0 {
			return got.recs, nil
		}
		if retry {
			if err := wait(ctx, time.After(time.Second)); err != nil {
				return nil, err
			}
		}
	}
}

func wait[T any](ctx context.Context, c <-chan T) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// haul chooses what to read next: pages of one segment, at least one, up to max records or a page's worth of bytes. It
// holds q.mu.
func (q *Queue) haul(set classSet, after uint64, max int) *haul {
	p := q.first(set, after)
	if p == nil {
		return nil
	}
	s := q.segmentOf(p)
	s.trim()
	h := &haul{segment: s, path: s.path, db: s.bolt}
	i, _ := slices.BinarySearchFunc(s.pages, p.first, func(p *page, first uint64) int { return int(p.first) - int(first) })
	for bytes, records := 0, 0; i < len(s.pages) && records < max && bytes < maxPage; i++ {
		if p := s.pages[i]; p.left > 0 && set.has(p.class) {
			h.views = append(h.views, p.view())
			bytes, records = bytes+int(p.bytes), records+int(p.left)
		}
	}
	return h
}

// book gives up what turned out to be damaged. It says whether to try again later: a file that cannot be opened for want
// of descriptors is no damage.
func (q *Queue) book(h *haul, got taken) (later bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || !slices.Contains(q.segments, h.segment) || h.segment.bolt != h.db {
		return false // closed, unlinked or sealed meanwhile: what went wrong says nothing
	}
	if got.err != nil && !errors.Is(got.err, fs.ErrNotExist) {
		q.o.Log.Error("a segment of the buffer cannot be opened; it is tried again", "segment", h.path, "err", got.err)
		return true
	}
	if got.err != nil {
		for _, v := range h.views {
			got.bad.add(v.first, v.last())
		}
	}
	for _, x := range got.bad {
		q.lose(x.from, x.to)
	}
	return false
}
