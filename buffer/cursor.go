package buffer

import (
	"fmt"
	"time"
)

// Audience says which cursors a record is for: bit i stands for Options.Cursors[i]. Zero is all of them, and those who come later.
type Audience uint16

// maxCursors is how many cursors a queue can have; each has a slot on disk.
const maxCursors = 16

// Cursor is one reader's way through the log: what it has acknowledged, what it has lost. A record leaves the disk when every cursor it is
// for has acknowledged it, or when it gave way. It is safe for concurrent use.
type Cursor struct {
	q  *Queue
	at int // its place in Options.Cursors

	// The queue's mu guards what follows.
	known
	indexes          [classes]index
	records, samples uint64 // left for it
	bytes            int64  // of the pages that have some
}

// CursorStats is what a cursor has before it.
type CursorStats struct {
	Records, Samples, Bytes uint64 // for it, and neither acknowledged nor lost
	Oldest                  time.Time
	Newest                  uint64             // the last sequence number that was given for it
	Dropped                 map[string]Dropped // by reason: what was meant for it and never will be delivered
}

// Cursor is the cursor of a name in Options.Cursors, or nil.
func (q *Queue) Cursor(name string) *Cursor {
	for _, c := range q.cursors {
		if c.name == name {
			return c
		}
	}
	return nil
}

// Name is the cursor's name.
func (c *Cursor) Name() string { return c.name }

// Reader reads what is for the cursor, records of some classes only; no class stands for all. Each reader holds a page of its own, so that
// one that follows what comes and one that works off what was left take nothing from each other.
func (c *Cursor) Reader(of ...Class) *Reader { return &Reader{c: c, set: setOf(of)} }

// Stats tells what is before the cursor now.
func (c *Cursor) Stats() CursorStats {
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	s := CursorStats{Records: c.records, Samples: c.samples, Bytes: uint64(c.bytes), Newest: c.last, Dropped: map[string]Dropped{}}
	for code, reason := range reasons() {
		s.Dropped[reason] = c.dropped[code]
	}
	if p := c.first(allClasses, 0); p != nil {
		s.Oldest = time.Unix(0, p.time)
	}
	return s
}

// Oldest is a number below which nothing is left for the cursor. It may be a little too low, never too high.
func (c *Cursor) Oldest() uint64 {
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	if p := c.first(allClasses, 0); p != nil {
		return p.first
	}
	return c.q.next
}

// Ack says that the records from..to, both included, are stored where the cursor leads. It costs no commit: it is on disk with the next one,
// and a crash before that only means that they are sent again.
func (c *Cursor) Ack(from, to uint64) error {
	q := c.q
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	to = min(to, q.next-1)
	if from == 0 || from > to {
		return nil
	}
	c.gone.add(from, to)
	var few [8]*page
	for _, p := range c.between(few[:0], from, to) {
		q.finish(c, p, max(from, p.first), min(to, p.last()))
	}
	return nil
}

// Discard gives up a record that the receiver will never understand, and books it as a loss.
func (c *Cursor) Discard(seq uint64) error {
	q := c.q
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, p := range c.between(nil, seq, seq) {
		if d := q.lose(c, p, seq, seq); d.Records > 0 {
			q.dropped.add(Damaged, d)
			return nil
		}
	}
	return fmt.Errorf("discard record %d: it is not in the buffer", seq)
}

// Losses are the records that the cursor will never deliver, until Forget says that they were declared.
func (c *Cursor) Losses() []Loss {
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	return append([]Loss(nil), c.losses...)
}

// Forget takes losses off the list. It is on disk with the next commit; a loss declared twice does no harm.
func (c *Cursor) Forget(declared ...Loss) error {
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	for _, x := range declared {
		c.losses.forget(x)
	}
	return nil
}

// between adds the pages to list that have records left for the cursor from..to. It holds q.mu.
func (c *Cursor) between(list []*page, from, to uint64) []*page {
	for class := range classes {
		list = c.indexes[class].between(list, from, to)
	}
	return list
}

// takes says whether a page has records for the cursor. Of what was there before the cursor, it has what nobody had acknowledged.
func (c *Cursor) takes(p *page) bool {
	if p.first < c.created {
		return len(c.heirs.within(p.first, p.last())) > 0
	}
	return p.slots&(1<<c.slot) != 0
}

// before is the number of the cursor's record before the first of a page; 0: there is none.
func (c *Cursor) before(p *page) uint64 {
	if p.first < c.created {
		return c.heirs.before(p.first)
	}
	return p.prev(c.slot)
}
