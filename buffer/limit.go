package buffer

import (
	"slices"
	"time"
)

// evict chooses the pages that give way to a change: of the least class the oldest, and when nothing less is there, what has just
// come. It holds q.mu; nothing is given up before the commit.
func (q *Queue) evict(c *change) {
	over := q.bytes + c.bytes - q.o.MaxBytes
	for class := Normal; over > 0; class-- {
		over = q.evictClass(c, class, over)
		if class == Alarm {
			break
		}
	}
	if q.o.MaxAge <= 0 {
		return
	}
	limit := time.Now().Add(-q.o.MaxAge).UnixNano()
	for _, s := range q.segments {
		for _, p := range s.pages {
			if p.time > limit {
				return
			}
			if p.left > 0 && !p.doomed(c) {
				c.evicted = append(c.evicted, p)
			}
		}
	}
}

func (p *page) doomed(c *change) bool { return slices.Contains(c.evicted, p) }

func (q *Queue) evictClass(c *change, class Class, over int64) int64 {
	for _, s := range q.segments {
		for _, p := range s.pages {
			if over <= 0 {
				return over
			}
			if p.class == class && p.left > 0 {
				c.evicted = append(c.evicted, p)
				over -= int64(p.bytes)
			}
		}
	}
	for i := 0; i < len(c.pages) && over > 0; {
		if p := c.pages[i]; p.class == class {
			c.refused = append(c.refused, p)
			c.pages, c.bodies = slices.Delete(c.pages, i, i+1), slices.Delete(c.bodies, i, i+1)
			c.bytes -= int64(p.bytes)
			over -= int64(p.bytes)
			continue
		}
		i++
	}
	return over
}

// note books the records left in a page as given up.
func note(p *page, gone *ranges, lost *losses, dropped map[string]Dropped) {
	d := dropped[Evicted]
	for _, x := range p.gone.holes(p.first, p.last()) {
		samples := p.weigh(ranges{x})
		lost.add(Loss{From: x.from, To: x.to, Samples: samples, Reason: Evicted, Class: p.class})
		d.Records += x.to - x.from + 1
		d.Samples += samples
	}
	dropped[Evicted] = d
	gone.add(p.first, p.last())
}

// refuse counts what drop-newest turned away: it has no sequence number, so it can be counted only. It holds q.mu.
func (q *Queue) refuse(batch []*request) {
	d := q.dropped["refused"]
	for _, r := range batch {
		for _, rec := range r.recs {
			d.Records++
			d.Samples += uint64(rec.Samples)
		}
	}
	q.dropped["refused"] = d
}

// finish takes records of a page out of the counts. It holds q.mu.
func (q *Queue) finish(p *page, from, to uint64) {
	fresh := p.gone.holes(from, to)
	q.samples -= p.weigh(fresh)
	for _, x := range fresh {
		n := x.to - x.from + 1
		q.records -= n
		p.left -= uint32(n)
		p.gone.add(x.from, x.to)
	}
	if len(fresh) > 0 && p.left == 0 {
		q.bytes -= int64(p.bytes)
		p.weights = nil
	}
}
