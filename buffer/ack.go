package buffer

import (
	"fmt"
	"os"
	"slices"
	"sort"
)

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
		s, p := q.find(seq - 1)
		if p == nil || p.first > to {
			break
		}
		q.finish(s, p, max(seq, p.first), min(to, p.last()))
		seq = p.last() + 1
	}
	return nil
}

// Discard gives up a record that the receiver will never understand, and books it as a loss.
func (q *Queue) Discard(seq uint64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.lose(seq, seq) {
		return fmt.Errorf("discard record %d: it is not in the buffer", seq)
	}
	return nil
}

// lose books those of a page's records that are still there as damaged. It holds q.mu; the next commit makes it durable,
// and until then they would be found damaged again.
func (q *Queue) lose(from, to uint64) bool {
	s, p := q.find(from - 1)
	if p == nil || from < p.first || to > p.last() {
		return false
	}
	fresh := p.gone.holes(from, to)
	q.needWeights(s, p, fresh)
	for _, x := range fresh {
		samples := p.weigh(ranges{x})
		q.losses.add(Loss{From: x.from, To: x.to, Samples: samples, Reason: Damaged, Class: p.class})
		d := q.dropped[Damaged]
		q.dropped[Damaged] = Dropped{d.Records + x.to - x.from + 1, d.Samples + samples}
		q.gone.add(x.from, x.to)
		q.o.Log.Error("records of the buffer are given up", "from", x.from, "to", x.to, "samples", samples)
	}
	q.finish(s, p, from, to)
	return len(fresh) > 0
}

// find gives the first page that has a record above after. It holds q.mu.
func (q *Queue) find(after uint64) (*segment, *page) {
	for _, s := range q.segments[q.indexOf(after):] {
		s.trim()
		i := sort.Search(len(s.pages), func(i int) bool { return s.pages[i].last() > after })
		for _, p := range s.pages[i:] {
			if p.above(after) {
				return s, p
			}
		}
	}
	return nil, nil
}

// indexOf is the place of the segment that seq+1 is in. It holds q.mu.
func (q *Queue) indexOf(seq uint64) int {
	return max(0, sort.Search(len(q.segments), func(i int) bool { return q.segments[i].first > seq+1 })-1)
}

func (q *Queue) segmentOf(p *page) *segment { return q.segments[q.indexOf(p.first-1)] }

// needWeights reads what each record of a page stands for, where some of them leave it and nobody has looked yet: only
// then, so that opening reads no records. It holds q.mu.
func (q *Queue) needWeights(s *segment, p *page, leaving ranges) {
	if p.count == 1 || p.weights != nil || len(leaving) == 0 || leaving[0] == (run{p.first, p.last()}) {
		return
	}
	h := haul{path: s.path, db: s.bolt}
	defer h.close()
	b, err := h.read(p.view())
	if err != nil {
		q.o.Log.Error("a page of the buffer cannot be read; what its records stand for is not known", "segment", s.path, "err", err)
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

// floor is the lowest number that a file in the folder may begin with. What is gone below it can be forgotten once the folder is
// on disk: a power cut brings back a file whose removal was not, and its records would be delivered again, or look lost. It
// holds q.mu.
func (q *Queue) floor() uint64 {
	floor := q.segments[0].first
	for _, s := range q.unlinking {
		floor = min(floor, s.first)
	}
	return floor
}
