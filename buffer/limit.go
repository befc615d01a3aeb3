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
		q.dropped.add(Refused, d)
		r.done <- ErrFull
		return true
	})
}

// evict chooses the pages that give way to a change: of the least class the oldest, and when nothing less is there, what has just
// come. It holds q.mu; nothing is given up before the commit.
func (q *Queue) evict(c *change, now time.Time) {
	over := q.bytes + c.grown - q.o.MaxBytes
	for class := int(Normal); over > 0 && class >= int(Alarm); class-- {
		over = q.evictClass(c, Class(class), over)
		over = c.refuse(Class(class), over)
	}
	if q.o.MaxAge > 0 {
		q.evictOld(c, now.Add(-q.o.MaxAge).UnixNano())
	}
}

func (q *Queue) doom(c *change, p *page) {
	q.needWeights(p, p.whole.holes(p.first, p.last()))
	if c.doomed == nil {
		c.doomed = map[*page]bool{}
	}
	c.evicted, c.doomed[p] = append(c.evicted, p), true
}

func (q *Queue) evictClass(c *change, class Class, over int64) int64 {
	for _, p := range q.indexes[class].pages {
		if over <= 0 {
			break
		}
		if alive(p) {
			q.doom(c, p)
			over -= int64(p.bytes)
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
		c.grown -= int64(p.bytes)
		over -= int64(p.bytes)
	}
	return over
}

// clockSet is 2020: a clock that shows less was never set, so nobody can say how old what came under it is.
const clockSet = 1577836800_000000000

func (q *Queue) evictOld(c *change, limit int64) {
	for class := range classes {
		for _, p := range q.indexes[class].pages {
			if p.time > limit {
				break
			}
			if p.time >= clockSet && alive(p) && !c.doomed[p] {
				q.doom(c, p)
			}
		}
	}
}

// giveUp books the records left in a page as evicted, for every cursor that waits for them.
func (st *state) giveUp(p *page, cursors []*Cursor) {
	left := p.whole.holes(p.first, p.last())
	if len(left) == 0 {
		return // acknowledged meanwhile
	}
	for _, x := range left {
		st.dropped.add(Evicted, Dropped{x.to - x.from + 1, p.weigh(ranges{x})})
	}
	for i, c := range cursors {
		for _, x := range p.of(c).holes(p.first, p.last()) {
			st.cursors[i].lose(p, x, Evicted)
		}
	}
}
