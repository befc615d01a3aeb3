package buffer

import "slices"

// Ack says that the records from..to, both included, are stored elsewhere. It costs no commit: it is on disk with the next one,
// and a crash before that only means that they are sent again.
func (q *Queue) Ack(from, to uint64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	to = min(to, q.next-1)
	if from == 0 || from > to {
		return nil
	}
	q.gone.add(from, to)
	for seq := from; seq <= to; {
		_, p := q.find(seq - 1)
		if p == nil || p.first > to {
			break
		}
		q.finish(p, max(seq, p.first), min(to, p.last()))
		seq = p.last() + 1
	}
	return nil
}

// emptied lists the segments with nothing left, the newest excepted. It holds q.mu.
func (q *Queue) emptied() (out []*segment) {
	for _, s := range q.segments[:len(q.segments)-1] {
		if s.empty() {
			out = append(out, s)
		}
	}
	return out
}

func (s *segment) empty() bool {
	for len(s.pages) > 0 && s.pages[0].left == 0 {
		s.pages = s.pages[1:] // looked at once, not at every commit
	}
	return !slices.ContainsFunc(s.pages, func(p *page) bool { return p.left > 0 })
}

// unlink removes segments once it is on disk that nothing of them is left: otherwise a crash would make their records look
// lost. It holds q.mu.
func (q *Queue) unlink(emptied []*segment) {
	for _, s := range emptied {
		q.segments = slices.DeleteFunc(q.segments, func(x *segment) bool { return x == s })
		if err := s.unlink(); err != nil {
			q.o.Log.Warn("an emptied segment stays on disk", "segment", s.path, "err", err)
		}
	}
	q.gone.below(q.segments[0].first)
}
