package buffer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// request is what one caller wants on disk.
type request struct {
	recs    []Record
	journal []byte // an entry to add
	samples uint32 // of the entry
	seal    bool   // empty the journal
	last    bool   // and end

	lastSeq uint64
	done    chan error
}

// Append keeps records; they are on disk when it returns. Callers that come together share one transaction. Sequence
// numbers are given class by class, in the order of recs within a class; last is the highest.
func (q *Queue) Append(ctx context.Context, recs ...Record) (last uint64, err error) {
	return q.submit(ctx, &request{recs: recs})
}

// Journal keeps data that is not sealed yet; it is on disk when Journal returns.
func (q *Queue) Journal(ctx context.Context, data []byte, samples uint32) error {
	_, err := q.submit(ctx, &request{journal: data, samples: samples})
	return err
}

// Seal appends records and empties the journal in one step: what was journalled is in the records now.
func (q *Queue) Seal(ctx context.Context, recs ...Record) (last uint64, err error) {
	return q.submit(ctx, &request{recs: recs, seal: true})
}

// submit waits for the commit that r is part of. Once handed over a request is carried out whatever becomes of ctx.
func (q *Queue) submit(ctx context.Context, r *request) (uint64, error) {
	for _, rec := range r.recs {
		if len(rec.Data) > MaxRecord || rec.Class >= classes {
			return 0, fmt.Errorf("%w: %d bytes of class %d; at most %d", ErrTooBig, len(rec.Data), rec.Class, MaxRecord)
		}
	}
	r.done = make(chan error, 1)
	select {
	case q.requests <- r:
	case <-q.done:
		return 0, ErrClosed
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	select {
	case err := <-r.done:
		return r.lastSeq, err
	case <-q.done: // it came behind the last request
		select {
		case err := <-r.done:
			return r.lastSeq, err
		default:
			return 0, ErrClosed
		}
	}
}

// How many requests share one commit at most.
const maxBatch = 1024

// run is the committer: it alone writes to segments.
func (q *Queue) run() {
	defer close(q.done)
	for r := range q.requests {
		batch := []*request{r}
	gather:
		for len(batch) < maxBatch && !r.last {
			select {
			case r = <-q.requests:
				batch = append(batch, r)
			default:
				break gather
			}
		}
		err := q.commit(batch)
		for _, r := range batch {
			r.done <- err
		}
		if r.last {
			return
		}
	}
}

// change is what one commit will have done; nothing in the queue moves before it is on disk.
type change struct {
	segment  *segment
	pages    []*page
	bodies   [][]byte
	next     uint64
	entries  []*request // journal entries
	seal     bool
	evicted  []*page
	refused  []*page    // came and gave way at once: never written
	obsolete []*page    // of the newest segment, without records left
	emptied  []*segment // to unlink afterwards
	bytes    int64
}

func (q *Queue) commit(batch []*request) error {
	q.mu.Lock()
	c := q.plan(batch)
	full := q.o.Full == DropNewest && len(c.pages) > 0 && q.bytes+c.bytes > q.o.MaxBytes
	if full {
		q.refuse(batch)
	} else {
		q.evict(&c)
	}
	roll := len(c.pages) > 0 && c.segment.bytes > 0 && c.segment.bytes+c.bytes > q.o.SegmentBytes
	q.mu.Unlock()
	if full {
		return ErrFull
	}
	if roll {
		s, err := createSegment(q.dir, c.pages[0].first, q.seed(c.segment))
		if err != nil {
			return err
		}
		q.mu.Lock()
		q.segments = append(q.segments, s)
		q.mu.Unlock()
		c.segment, c.obsolete = s, nil
	}
	if err := guarded(func() error { return c.segment.bolt.Update(func(tx *bbolt.Tx) error { return q.write(tx, &c) }) }); err != nil {
		return fmt.Errorf("write to the buffer %s: %w", q.dir, err)
	}
	q.apply(&c)
	return nil
}

// plan gives sequence numbers and packs pages. It holds q.mu.
func (q *Queue) plan(batch []*request) change {
	c := change{segment: q.segments[len(q.segments)-1], next: q.next}
	now := time.Now().UnixNano()
	for class := range classes {
		for _, r := range batch {
			for _, rec := range r.recs {
				if rec.Class == class {
					r.lastSeq = c.put(rec, now)
				}
			}
		}
	}
	for _, r := range batch {
		if r.seal {
			c.seal, c.entries = true, nil
		}
		if r.journal != nil {
			c.entries = append(c.entries, r)
		}
	}
	c.emptied = q.emptied()
	for _, p := range c.segment.pages {
		if p.left == 0 {
			c.obsolete = append(c.obsolete, p)
		}
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
	before := len(c.bodies[n-1])
	c.bodies[n-1] = appendRecord(c.bodies[n-1], r)
	size := len(c.bodies[n-1]) - before
	p.weights = append(p.weights, r.Samples)
	p.count, p.left, p.samples, p.bytes = p.count+1, p.left+1, p.samples+uint64(r.Samples), p.bytes+uint32(size)
	c.bytes += int64(size)
	c.next++
	return r.Seq
}

// write is the transaction.
func (q *Queue) write(tx *bbolt.Tx, c *change) error {
	pages := tx.Bucket(pagesBucket)
	for i, p := range c.pages {
		if err := pages.Put(p.key(), c.bodies[i]); err != nil {
			return err
		}
	}
	for _, p := range c.obsolete {
		if err := pages.Delete(p.key()); err != nil {
			return err
		}
	}
	if err := writeJournal(tx, c.seal, c.entries); err != nil {
		return err
	}
	return q.writeMeta(tx, c)
}

// writeMeta persists what is acknowledged and lost. The evictions of this commit are part of it.
func (q *Queue) writeMeta(tx *bbolt.Tx, c *change) error {
	q.mu.Lock()
	gone, lost, dropped := slices.Clone(q.gone), slices.Clone(q.losses), maps.Clone(q.dropped)
	q.mu.Unlock()
	for _, p := range slices.Concat(c.evicted, c.refused) {
		note(p, &gone, &lost, dropped)
	}
	return putMeta(tx, gone, lost, dropped)
}

// apply makes what is on disk true in memory.
func (q *Queue) apply(c *change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.commits++
	for _, p := range c.evicted {
		note(p, &q.gone, &q.losses, q.dropped)
		q.finish(p, p.first, p.last())
	}
	for _, p := range c.refused {
		note(p, &q.gone, &q.losses, q.dropped)
	}
	s := c.segment
	s.pages = slices.DeleteFunc(s.pages, func(p *page) bool { return slices.Contains(c.obsolete, p) })
	s.pages = append(s.pages, c.pages...)
	s.bytes += c.bytes
	q.next = c.next
	for _, p := range c.pages {
		q.records += uint64(p.count)
		q.samples += p.samples
	}
	q.bytes += c.bytes
	q.journal.apply(c.seal, c.entries)
	if len(c.pages) > 0 {
		close(q.arrived)
		q.arrived = make(chan struct{})
	}
	q.unlink(c.emptied)
}
