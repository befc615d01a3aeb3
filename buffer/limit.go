package buffer

import (
	"slices"
	"time"
)

// admit answers what drop-newest turns away, and returns the rest. What was turned away has no sequence number, so it can
// only be counted. Acknowledgements and the journal always pass.
func (q *Queue) admit(batch []*request) []*request {
	if q.o.Full != DropNewest {
		return batch
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	bytes := q.bytes
	return slices.DeleteFunc(batch, func(r *request) bool {
		var d Dropped
		size := int64(0)
		for _, rec := range r.recs {
			size += int64(recordHeader + len(rec.Data))
			d.Records, d.Samples = d.Records+1, d.Samples+uint64(rec.Samples)
		}
		if size == 0 || bytes+size <= q.o.MaxBytes {
			bytes += size
			return false
		}
		before := q.dropped[Refused]
		q.dropped[Refused] = Dropped{before.Records + d.Records, before.Samples + d.Samples}
		r.done <- ErrFull
		return true
	})
}

// evict chooses the pages that give way to a change: of the least class the oldest, and when nothing less is there, what has just
// come. It holds q.mu; nothing is given up before the commit.
func (q *Queue) evict(c *change, now time.Time) {
	over := q.bytes + c.bytes - q.o.MaxBytes
	for class := int(Normal); over > 0 && class >= int(Alarm); class-- {
		over = q.evictClass(c, Class(class), over)
		over = c.refuse(Class(class), over)
	}
	if q.o.MaxAge > 0 {
		q.evictOld(c, now.Add(-q.o.MaxAge).UnixNano())
	}
}

func (q *Queue) doom(c *change, s *segment, p *page) {
	q.needWeights(s, p, p.gone.holes(p.first, p.last()))
	if c.doomed == nil {
		c.doomed = map[*page]bool{}
	}
	c.evicted, c.doomed[p] = append(c.evicted, p), true
}

func (q *Queue) evictClass(c *change, class Class, over int64) int64 {
	for _, s := range q.segments {
		for _, p := range s.pages {
			if over <= 0 {
				return over
			}
			if p.class == class && p.left > 0 {
				q.doom(c, s, p)
				over -= int64(p.bytes)
			}
		}
	}
	return over
}

// refuse takes pages back out of the change that brought them.
func (c *change) refuse(class Class, over int64) int64 {
	for i := 0; i < len(c.pages) && over > 0; {
		p := c.pages[i]
		if p.class != class {
			i++
			continue
		}
		c.refused = append(c.refused, p)
		c.pages, c.bodies = slices.Delete(c.pages, i, i+1), slices.Delete(c.bodies, i, i+1)
		c.bytes -= int64(p.bytes)
		over -= int64(p.bytes)
	}
	return over
}

// clockSet is 2020: a clock that shows less was never set, so nobody can say how old what came under it is.
const clockSet = 1577836800_000000000

func (q *Queue) evictOld(c *change, limit int64) {
	for _, s := range q.segments {
		for _, p := range s.pages {
			switch {
			case p.time < clockSet || p.left == 0 || c.doomed[p]:
			case p.time > limit:
				return
			default:
				q.doom(c, s, p)
			}
		}
	}
}

// giveUp books the records left in a page as evicted.
func (st *state) giveUp(p *page) {
	if p.left == 0 {
		return // acknowledged meanwhile
	}
	d := st.dropped[Evicted]
	for _, x := range p.gone.holes(p.first, p.last()) {
		samples := p.weigh(ranges{x})
		st.losses.add(Loss{From: x.from, To: x.to, Samples: samples, Reason: Evicted, Class: p.class})
		d.Records += x.to - x.from + 1
		d.Samples += samples
	}
	st.dropped[Evicted] = d
	st.gone.add(p.first, p.last())
}

// finish takes records of a page out of the counts. It holds q.mu.
func (q *Queue) finish(s *segment, p *page, from, to uint64) {
	if p.left == 0 {
		return
	}
	fresh := p.gone.holes(from, to)
	q.needWeights(s, p, fresh)
	samples := p.weigh(fresh)
	for _, x := range fresh {
		n := x.to - x.from + 1
		q.records -= n
		p.left -= uint32(n)
		p.gone.add(x.from, x.to)
	}
	if p.left == 0 {
		samples = p.rest
		q.bytes -= int64(p.bytes)
		p.weights, p.gone = nil, nil
		s.left--
		q.indexes[p.class].died()
		if s.bolt != nil {
			s.done = append(s.done, p)
		}
	}
	q.samples -= samples
	p.rest -= samples
}
