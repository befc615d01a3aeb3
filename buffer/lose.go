package buffer

import (
	"os"
	"slices"
)

// lose books those of a page's records as damaged that are still there for a cursor, and returns how much that is. It holds q.mu; the next
// commit makes it durable, and until then they would be found damaged again.
func (q *Queue) lose(c *Cursor, p *page, from, to uint64) (lost Dropped) {
	fresh := p.of(c).holes(from, to)
	q.needWeights(p, fresh)
	for _, x := range fresh {
		d := c.lose(p, x, Damaged)
		lost = Dropped{lost.Records + d.Records, lost.Samples + d.Samples}
		q.o.Log.Error("records of the buffer are given up", "target", c.name, "from", x.from, "to", x.to, "samples", d.Samples)
	}
	q.finish(c, p, from, to)
	return lost
}

// loseForAll does it for every cursor: the disk has damaged them. It holds q.mu.
func (q *Queue) loseForAll(p *page, from, to uint64) {
	fresh := p.whole.holes(from, to)
	q.needWeights(p, fresh)
	for _, x := range fresh {
		q.dropped.add(Damaged, Dropped{x.to - x.from + 1, p.weigh(ranges{x})})
	}
	for _, c := range q.cursors {
		q.lose(c, p, from, to)
	}
}

// needWeights reads what each record of a page stands for, where some of them leave it and nobody has looked yet: only
// then, so that opening reads no records. It holds q.mu.
func (q *Queue) needWeights(p *page, leaving ranges) {
	if p.count == 1 || p.even || p.weights != nil || len(leaving) == 0 || leaving[0] == (run{p.first, p.last()}) {
		return
	}
	h := haul{segment: p.segment, path: p.segment.path, db: p.segment.bolt}
	defer h.close()
	b, err := h.read(view{place: p.place(), at: p.at, bytes: p.bytes})
	if err != nil {
		q.o.Log.Error("a page of the buffer cannot be read; what its records stand for is not known", "segment", p.segment.path, "err", err)
	}
	p.readWeights(b)
}

// emptied lists the segments with nothing left, the newest excepted. It holds q.mu.
func (q *Queue) emptied() (out []*segment) {
	for _, s := range q.segments[:len(q.segments)-1] {
		if s.left == 0 {
			out = append(out, s)
		}
	}
	return out
}

// unlink removes segments once it is on disk that nothing of them is left: otherwise a crash would make their records look
// lost. One that the disk does not let go of is tried again with the next. It holds q.mu.
func (q *Queue) unlink(emptied []*segment) {
	q.segments = slices.DeleteFunc(q.segments, func(s *segment) bool { return slices.Contains(emptied, s) })
	q.unlinking = slices.DeleteFunc(append(q.unlinking, emptied...), func(s *segment) bool {
		err := s.unlink()
		if err != nil && !os.IsNotExist(err) {
			q.o.Log.Warn("an emptied segment stays on disk", "segment", s.path, "err", err)
			return false
		}
		return true
	})
}

// floor is the lowest number that a file in the folder may have. What is gone below it can be forgotten once the folder is
// on disk: a power cut brings back a file whose removal was not, and its records would be delivered again, or look lost. It
// holds q.mu.
func (q *Queue) floor() uint64 {
	floor := q.segments[0].first
	for _, s := range slices.Concat(q.segments, q.unlinking) {
		floor = min(floor, s.lowest)
	}
	return floor
}
