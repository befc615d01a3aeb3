package buffer

import (
	"context"
	"fmt"
	"sort"
)

// Next gives up to max records above after that are neither acknowledged nor given up, oldest first. It waits until
// there is one, or ctx ends. The bytes are the caller's own. A record that is damaged is left out, counted, and booked as a loss.
func (q *Queue) Next(ctx context.Context, after uint64, max int) ([]Record, error) {
	for {
		q.mu.Lock()
		s, p := q.find(after)
		arrived, closed := q.arrived, q.closed
		q.mu.Unlock()
		switch {
		case closed:
			return nil, ErrClosed
		case p == nil:
			select {
			case <-arrived:
				continue
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		recs, err := q.take(s, p, after, max)
		if err != nil || len(recs) > 0 {
			return recs, err
		}
	}
}

// find gives the first page that has a record above after. It holds q.mu.
func (q *Queue) find(after uint64) (*segment, *page) {
	from := sort.Search(len(q.segments), func(i int) bool { return q.segments[i].first > after }) - 1
	for _, s := range q.segments[max(from, 0):] {
		i := sort.Search(len(s.pages), func(i int) bool { return s.pages[i].last() > after })
		for _, p := range s.pages[i:] {
			if p.left > 0 && len(p.gone.holes(max(p.first, after+1), p.last())) > 0 {
				return s, p
			}
		}
	}
	return nil, nil
}

// take reads a page. A segment that was unlinked meanwhile has nothing to give any more.
func (q *Queue) take(s *segment, p *page, after uint64, max int) (recs []Record, err error) {
	body, err := s.page(p)
	q.mu.Lock()
	defer q.mu.Unlock()
	if p.left == 0 {
		return nil, nil
	}
	if err != nil {
		body = nil // every record of it is damaged, then
		q.o.Log.Error("a page of the buffer cannot be read; its records are given up", "segment", s.path, "err", err)
	}
	var bad []uint64
	p.each(body, after, func(r Record) bool {
		recs = append(recs, r)
		return len(recs) < max
	}, func(seq uint64) { bad = append(bad, seq) })
	for _, seq := range bad {
		q.lose(p, seq)
	}
	return recs, nil
}

// lose books one record as damaged. It holds q.mu; the next commit makes it durable, and until then it would be found
// damaged again.
func (q *Queue) lose(p *page, seq uint64) {
	samples := p.weigh(ranges{{seq, seq}})
	q.losses.add(Loss{From: seq, To: seq, Samples: samples, Reason: Damaged, Class: p.class})
	d := q.dropped[Damaged]
	q.dropped[Damaged] = Dropped{d.Records + 1, d.Samples + samples}
	q.gone.add(seq, seq)
	q.finish(p, seq, seq)
	q.o.Log.Error("a record of the buffer is damaged and given up", "seq", seq, "samples", samples)
}

// Discard gives up a record that the receiver will never understand, and books it as a loss.
func (q *Queue) Discard(seq uint64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, p := q.find(seq - 1)
	if p == nil || seq < p.first {
		return fmt.Errorf("discard record %d: it is not in the buffer", seq)
	}
	q.lose(p, seq)
	return nil
}
