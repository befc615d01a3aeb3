package buffer

import (
	"errors"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// change is what one commit will have done; nothing in the queue moves before it is on disk.
type change struct {
	segment *segment
	pages   []*page
	bodies  [][]byte
	first   uint64 // the first number it gives
	next    uint64 // the number behind the last
	seal    bool
	entries [][]byte // for the journal
	evicted []*page
	doomed  map[*page]bool // the same
	refused []*page        // came and gave way at once: never written
	done    []*page        // of the segment, to be deleted
	emptied []*segment     // to unlink afterwards
	bytes   int64
	saved   state // what the segment knows
	state   state // and shall know
}

// plan gives sequence numbers, packs pages and chooses what gives way. It holds q.mu.
func (q *Queue) plan(batch []*request, now time.Time) change {
	newest := q.segments[len(q.segments)-1]
	c := change{segment: newest, first: q.next, next: q.next, done: newest.done, emptied: q.emptied(), saved: q.saved}
	for class := range classes {
		for _, r := range batch {
			for _, rec := range r.recs {
				if rec.Class == class {
					r.lastSeq = c.put(rec, now.UnixNano())
				}
			}
		}
	}
	for _, r := range batch {
		if r.seal {
			c.seal, c.entries = true, nil
		}
		if r.journal != nil {
			c.entries = append(c.entries, r.journal)
		}
	}
	q.evict(&c, now)
	c.state = q.state()
	for _, p := range slices.Concat(c.evicted, c.refused) {
		c.state.giveUp(p)
	}
	return c
}

// put adds one record to the page that is open, or to a new one.
func (c *change) put(r Record, now int64) (seq uint64) {
	n := len(c.pages)
	if n == 0 || c.pages[n-1].class != r.Class || c.pages[n-1].bytes >= maxPage {
		c.pages = append(c.pages, &page{first: c.next, class: r.Class, time: now})
		c.bodies = append(c.bodies, nil)
		n++
	}
	r.Seq = c.next
	p := c.pages[n-1]
	c.bodies[n-1] = appendRecord(c.bodies[n-1], r)
	p.weights = append(p.weights, r.Samples)
	size := recordHeader + len(r.Data)
	p.count, p.left, p.bytes = p.count+1, p.left+1, p.bytes+uint32(size)
	p.samples, p.rest = p.samples+uint64(r.Samples), p.rest+uint64(r.Samples)
	c.bytes += int64(size)
	c.next++
	return r.Seq
}

// full says whether another segment is begun. One that is in doubt is not written to any more.
func (c *change) full(q *Queue) bool {
	s := c.segment
	return q.doubt || len(c.pages) > 0 && c.first > s.first && (s.bytes+c.bytes > q.o.SegmentBytes || c.next-s.first > span)
}

// roll begins a segment and seals the one before it. Its name is the first number to come, so what the one before it may
// hold of a commit that was reported as not done is known to be void.
func (q *Queue) roll(c *change) error {
	before := c.segment
	q.mu.Lock()
	st, floor := q.state(), q.floor()
	q.mu.Unlock()
	s, err := q.createSegment(c.first, q.seed(st))
	if err != nil {
		q.doubt = q.doubt || isDoubt(err)
		return err
	}
	at, err := before.places()
	if err != nil {
		q.o.Log.Warn("a segment of the buffer stays open", "segment", before.path, "err", err)
	}
	q.mu.Lock()
	db := before.seal(at)
	if before.first == s.first { // the new one has taken its name, and it never had a record
		q.segments = q.segments[:len(q.segments)-1]
	}
	q.segments = append(q.segments, s)
	q.saved, c.saved = st, st
	q.gone.below(floor) // making the new one has put the folder on disk
	q.mu.Unlock()
	q.doubt = false
	c.segment, c.done, c.emptied = s, nil, slices.DeleteFunc(c.emptied, func(e *segment) bool { return e == before })
	if db != nil && !before.stuck {
		if err := guarded(db.Close); err != nil {
			q.o.Log.Warn("a sealed segment of the buffer does not close", "segment", before.path, "err", err)
		}
	}
	return nil
}

func isDoubt(err error) bool { return errors.Is(err, errDoubt) }

// write is the transaction.
func (c *change) write(tx *bbolt.Tx) error {
	pages := tx.Bucket(pagesBucket)
	pages.FillPercent = 1 // numbers only rise
	for i, p := range c.pages {
		if err := pages.Put(p.key(), c.bodies[i]); err != nil {
			return err
		}
	}
	for _, p := range c.done {
		if err := pages.Delete(p.key()); err != nil {
			return err
		}
	}
	return errors.Join(writeJournal(tx, c.seal, c.entries), c.state.write(tx, c.saved))
}

// apply makes what is on disk true in memory.
func (q *Queue) apply(c *change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.commits++
	q.saved = c.state
	now := state{gone: q.gone, losses: q.losses, dropped: q.dropped}
	for _, p := range c.evicted {
		now.giveUp(p)
		q.finish(q.segmentOf(p), p, p.first, p.last())
	}
	for _, p := range c.refused {
		now.giveUp(p)
	}
	q.gone, q.losses = now.gone, now.losses
	c.segment.add(c.pages...)
	c.segment.done = c.segment.done[len(c.done):]
	q.next = c.next
	for _, p := range c.pages {
		q.records += uint64(p.count)
		q.samples += p.samples
		q.indexes[p.class].add(p)
	}
	q.bytes += c.bytes
	if c.seal {
		q.entries = nil
	}
	q.entries = append(q.entries, c.entries...)
	if len(c.pages) > 0 {
		close(q.arrived)
		q.arrived = make(chan struct{})
	}
	q.unlink(c.emptied)
}
