package buffer

// progress is how far a page's records have been dealt with: by one cursor, or by all.
type progress struct {
	gone ranges // acknowledged or given up; nil again when nothing is left
	left uint32 // records that are neither
	rest uint64 // their samples
}

// holes are the records of a run that are left.
func (pr *progress) holes(from, to uint64) ranges {
	if pr == nil || pr.left == 0 {
		return nil
	}
	return pr.gone.holes(from, to)
}

// take takes records off that are left.
func (pr *progress) take(p *page, fresh ranges) (records, samples uint64) {
	samples = min(p.weigh(fresh), pr.rest) // a damaged count must not reach further than the page
	for _, x := range fresh {
		records += x.to - x.from + 1
		pr.gone.add(x.from, x.to)
	}
	if pr.left -= uint32(records); pr.left == 0 {
		samples, pr.gone = pr.rest, nil
	}
	pr.rest -= samples
	return records, samples
}

// share says whom a page's records are for. It holds q.mu.
func (q *Queue) share(p *page) {
	p.whole = progress{left: p.count, rest: p.samples}
	p.shares = nil
	if len(q.cursors) == 1 && q.cursors[0].takes(p) {
		return // the whole is its share
	}
	p.shares = make([]*progress, len(q.cursors))
	for i, c := range q.cursors {
		if c.takes(p) {
			p.shares[i] = &progress{left: p.count, rest: p.samples}
		}
	}
}

// of is a cursor's share of a page; nil: the page is not for it.
func (p *page) of(c *Cursor) *progress {
	if p.shares == nil {
		return &p.whole
	}
	return p.shares[c.at]
}

// add takes in a page that is on disk and shared. It holds q.mu.
func (q *Queue) add(p *page) {
	q.records += uint64(p.count)
	q.samples += p.samples
	q.bytes += int64(p.bytes)
	p.segment.bytes += int64(p.bytes)
	p.segment.left++
	q.indexes[p.class].add(p)
	taken := p.shares == nil
	for _, c := range q.cursors {
		if p.of(c) != nil {
			taken = true
			c.records += uint64(p.count)
			c.samples += p.samples
			c.bytes += int64(p.bytes)
			c.indexes[p.class].add(p)
		}
	}
	if !taken { // it was for cursors that are no more
		q.leave(p, ranges{{p.first, p.last()}})
	}
}

// finish takes records of a page off a cursor, and off the page where no other cursor waits for them. It holds q.mu.
func (q *Queue) finish(c *Cursor, p *page, from, to uint64) {
	pr := p.of(c)
	fresh := pr.holes(from, to)
	if len(fresh) == 0 {
		return
	}
	q.needWeights(p, fresh)
	if pr == &p.whole {
		n, samples := q.leave(p, fresh)
		c.count(p, pr, n, samples)
		return
	}
	n, samples := pr.take(p, fresh)
	c.count(p, pr, n, samples)
	for _, other := range p.shares {
		if other != nil && other.left > 0 {
			fresh = other.gone.common(fresh)
		}
	}
	q.leave(p, fresh)
}

// count takes off a cursor what was taken off its share.
func (c *Cursor) count(p *page, pr *progress, records, samples uint64) {
	c.records -= records
	c.samples -= samples
	if pr.left == 0 {
		if before := c.before(p); before+1 < p.first { // what lies between is not for this cursor: so the runs stay few, and nobody misses it
			c.gone.add(before+1, p.first-1)
		}
		c.bytes -= int64(p.bytes)
		c.indexes[p.class].died(c.left)
	}
}

// left says whether a page has records left for the cursor.
func (c *Cursor) left(p *page) bool { pr := p.of(c); return pr != nil && pr.left > 0 }

// leave takes records off a page that nobody waits for any more.
func (q *Queue) leave(p *page, fresh ranges) (records, samples uint64) {
	if p.whole.left == 0 || len(fresh) == 0 {
		return 0, 0
	}
	records, samples = p.whole.take(p, fresh)
	q.records -= records
	q.samples -= samples
	if p.whole.left > 0 {
		return records, samples
	}
	q.bytes -= int64(p.bytes)
	p.weights = nil
	p.segment.left--
	q.indexes[p.class].died(alive)
	if p.segment.bolt != nil {
		p.segment.done = append(p.segment.done, p.place())
	}
	return records, samples
}

// alive says whether anything is left of a page.
func alive(p *page) bool { return p.whole.left > 0 }
