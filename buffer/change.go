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
	bodies  []body   // of each page
	bytes   []byte   // of all pages, one behind the other
	first   uint64   // the first number it gives
	next    uint64   // the number behind the last
	lasts   []uint64 // of each cursor, the last number given for it
	seal    bool
	entries [][]byte // for the journal
	evicted []*page
	doomed  map[*page]bool // the same
	refused []*page        // came and gave way at once: never written
	done    []place        // of the segment, to be deleted
	thin    []thinning
	emptied []*segment // to unlink afterwards
	grown   int64      // by how many bytes of records
	saved   state      // what the segment knows
	state   state      // and shall know
}

// body is where in a change's bytes those of a page are.
type body struct{ from, to int }

// change begins one. It holds q.mu.
func (q *Queue) change() change {
	newest := q.segments[len(q.segments)-1]
	c := change{segment: newest, first: q.next, next: q.next, done: newest.done, emptied: q.emptied(), saved: q.saved, bytes: q.scratch[:0]}
	for _, cursor := range q.cursors {
		c.lasts = append(c.lasts, cursor.last)
	}
	return c
}

// plan gives sequence numbers, packs pages and chooses what gives way. It holds q.mu.
func (q *Queue) plan(batch []*request, now time.Time) change {
	c := q.change()
	for class := range classes {
		for _, r := range batch {
			for _, rec := range r.recs {
				if rec.Class == class {
					r.lastSeq = c.put(q, rec, now.UnixNano())
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
	for _, p := range c.pages {
		q.share(p)
	}
	q.evict(&c, now)
	c.state = q.state()
	c.book(q, &c.state)
	return c
}

// book enters into a state what the change does to it: what gives way, and the last numbers of the cursors.
func (c *change) book(q *Queue, st *state) {
	for _, p := range slices.Concat(c.evicted, c.refused) {
		st.giveUp(p, q.cursors)
	}
	for _, t := range c.thin {
		st.coarsen(t, q.cursors)
	}
	for i := range st.cursors {
		st.cursors[i].last = c.lasts[i]
	}
}

// put adds one record to the page that is open, or to a new one.
func (c *change) put(q *Queue, r Record, now int64) (seq uint64) {
	n := len(c.pages)
	if slots := q.slots(r.For); n == 0 || !c.pages[n-1].fits(r, slots) {
		c.pages = append(c.pages, c.page(q, r, slots, now))
		c.bodies = append(c.bodies, body{len(c.bytes), len(c.bytes)})
		n++
	}
	for i, cursor := range q.cursors {
		if c.pages[n-1].slots&(1<<cursor.slot) != 0 {
			c.lasts[i] = c.next
		}
	}
	r.Seq = c.next
	p := c.pages[n-1]
	c.bytes = appendRecord(c.bytes, r)
	c.bodies[n-1].to = len(c.bytes)
	p.grow(r)
	c.grown += int64(recordHeader + len(r.Data))
	c.next++
	return r.Seq
}

// fits says whether a record can go into the page.
func (p *page) fits(r Record, slots uint16) bool {
	return p.class == r.Class && p.slots == slots && p.all == (r.For == 0) && p.bytes < maxPage
}

// page begins a page with the number to come.
func (c *change) page(q *Queue, r Record, slots uint16, now int64) *page {
	p := &page{first: c.next, class: r.Class, all: r.For == 0, slots: slots, time: now, segment: c.segment}
	for slot := range uint8(maxCursors) {
		for i, cursor := range q.cursors {
			if cursor.slot == slot && slots&(1<<slot) != 0 {
				p.prevs = append(p.prevs, c.lasts[i])
			}
		}
	}
	return p
}

// slots are the slots on disk of those that a record is for.
func (q *Queue) slots(a Audience) (slots uint16) {
	for i, c := range q.cursors {
		if a == 0 || a&(1<<i) != 0 {
			slots |= 1 << c.slot
		}
	}
	return slots
}

// full says whether another segment is begun. One that is in doubt is not written to any more.
func (c *change) full(q *Queue) bool {
	s := c.segment
	return q.doubt || len(c.pages)+len(c.thin) > 0 && c.first > s.first && (s.bytes+c.grown > q.o.SegmentBytes || c.next-s.first > span)
}

// roll begins a segment and seals the one before it. Its name is the first number to come, so what the one before it may
// hold of a commit that was reported as not done is known to be void.
func (q *Queue) roll(c *change) error {
	before := c.segment
	q.mu.Lock()
	before.doubtful = q.doubt
	st, floor := q.state(), q.floor()
	q.mu.Unlock()
	s, err := q.createSegment(c.first, q.seed(st))
	if err != nil {
		q.doubt = q.doubt || isDoubt(err)
		return err
	}
	if !q.doubt && before.first < s.first {
		if err := before.follow(s.first); err != nil {
			q.o.Log.Warn("a segment of the buffer does not know the one behind it", "segment", before.path, "err", err)
		}
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
	q.begin = floor
	for _, cursor := range q.cursors { // making the new one has put the folder on disk
		cursor.gone.below(floor)
		cursor.heirs.behind(floor)
	}
	q.mu.Unlock()
	q.doubt = false
	for _, p := range c.pages {
		p.segment = s
	}
	c.segment, c.done, c.emptied = s, nil, slices.DeleteFunc(c.emptied, func(e *segment) bool { return e == before })
	if db != nil && !before.stuck.Load() {
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
		if err := putBody(pages, p.key(), c.bytes[c.bodies[i].from:c.bodies[i].to]); err != nil {
			return err
		}
	}
	if err := c.writeThin(tx); err != nil {
		return err
	}
	for _, p := range c.done {
		if err := deleteBody(tx.Bucket(p.bucket), p.key); err != nil {
			return err
		}
	}
	c.segment.reserve(tx.Size() + c.size() + overhead)
	return errors.Join(writeJournal(tx, c.seal, c.entries), c.state.write(tx, c.saved))
}

// size is how many bytes are new in the transaction.
func (c *change) size() int64 {
	size := c.grown
	for _, e := range c.entries {
		size += int64(len(e))
	}
	return size
}

// apply makes what is on disk true in memory.
func (q *Queue) apply(c *change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.commits++
	q.saved = c.state
	now := state{dropped: q.dropped}
	for _, cursor := range q.cursors {
		now.cursors = append(now.cursors, cursor.known)
	}
	c.book(q, &now)
	for i, cursor := range q.cursors {
		cursor.known = now.cursors[i]
		for _, p := range c.evicted {
			q.finish(cursor, p, p.first, p.last())
		}
	}
	c.segment.done = c.segment.done[len(c.done):]
	q.next = c.next
	c.segment.pages = append(c.segment.pages, c.pages...)
	for _, t := range c.thin {
		q.replace(t, c.segment)
	}
	for _, p := range c.pages {
		q.add(p)
	}
	if c.seal {
		q.entries = nil
	}
	q.entries = append(q.entries, c.entries...)
	if len(c.pages) > 0 {
		close(q.arrived)
		q.arrived = make(chan struct{})
	}
	q.unlink(c.emptied)
	c.segment.trim()
}
