package buffer

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"
)

// Next gives up to max records above after that are for the cursor and neither acknowledged nor given up, oldest first. What lies between is
// not looked at, however much it is. It waits until there is one, or ctx ends. The bytes are the caller's own. A record that is damaged is
// left out, counted, and booked as a loss. Several may wait at once.
func (r *Reader) Next(ctx context.Context, after uint64, max int) ([]Record, error) {
	q := r.c.q
	for {
		q.mu.Lock()
		h := r.haul(after, max)
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
		got := r.take(h, after, max)
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
func (r *Reader) haul(after uint64, max int) (h *haul) {
	bytes := 0
	for p := range r.c.from(r.set, after) {
		if h == nil {
			h = &haul{segment: p.segment, path: p.segment.path, db: p.segment.bolt}
		}
		if p.segment != h.segment || h.records >= max || bytes >= maxPage {
			break
		}
		h.views = append(h.views, r.c.view(p))
		bytes, h.records = bytes+int(p.bytes), h.records+int(p.of(r.c).left)
	}
	return h
}

// book gives up what turned out to be damaged. It says whether to try again later: a file that cannot be opened for want
// of descriptors is no damage.
func (q *Queue) book(h *haul, got taken) (later bool) {
	if got.err == nil && len(got.bad) == 0 {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || !slices.Contains(q.segments, h.segment) || h.segment.bolt != h.db {
		return false // closed, unlinked or sealed meanwhile: what went wrong says nothing
	}
	if got.err != nil && !errors.Is(got.err, fs.ErrNotExist) {
		q.o.Log.Error("a segment of the buffer cannot be opened; it is tried again", "segment", h.path, "err", got.err)
		return true
	}
	for _, v := range h.views {
		if v.page.segment != h.segment || v.page.thinned != v.thinned {
			continue // it lies elsewhere by now
		}
		bad := got.bad.within(v.first, v.last())
		if got.err != nil {
			bad = ranges{{v.first, v.last()}}
		}
		for _, x := range bad {
			q.loseForAll(v.page, x.from, x.to)
		}
	}
	return false
}
