package buffer

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// request is what one caller wants on disk.
type request struct {
	recs    []Record
	journal []byte // an entry to add
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

// Journal keeps data that is not sealed yet; it is on disk when Journal returns. The queue holds the entries in memory as
// well until they are sealed.
func (q *Queue) Journal(ctx context.Context, data []byte, samples uint32) error {
	_, err := q.submit(ctx, &request{journal: append([]byte{}, data...)})
	return err
}

// Seal appends records and empties the journal in one step: what was journalled is in the records now.
func (q *Queue) Seal(ctx context.Context, recs ...Record) (last uint64, err error) {
	return q.submit(ctx, &request{recs: recs, seal: true})
}

// submit waits for the commit that r is part of. Once handed over a request is carried out whatever becomes of ctx.
func (q *Queue) submit(ctx context.Context, r *request) (uint64, error) {
	if len(r.recs) > maxRecords {
		return 0, fmt.Errorf("%w: %d records at once; at most %d", ErrTooBig, len(r.recs), maxRecords)
	}
	for _, rec := range r.recs {
		if rec.For>>len(q.cursors) != 0 {
			return 0, fmt.Errorf("append a record for cursors %b: there are %d", rec.For, len(q.cursors))
		}
		if len(rec.Data) > MaxRecord || rec.Class >= classes {
			return 0, fmt.Errorf("%w: %d bytes of class %d; at most %d", ErrTooBig, len(rec.Data), rec.Class, MaxRecord)
		}
	}
	if len(r.journal) > MaxRecord {
		return 0, fmt.Errorf("%w: %d bytes for the journal; at most %d", ErrTooBig, len(r.journal), MaxRecord)
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

// How much one commit takes: requests, and records before another request is left for the next. A segment has numbers for both.
const (
	maxBatch   = 1024
	maxRecords = 1 << 20
)

// run is the committer: it alone writes to segments.
func (q *Queue) run() {
	defer close(q.done)
	crowd, patience := 0, time.Duration(0)
	for r := range q.requests {
		batch := q.gather(r, crowd, patience)
		began, last := time.Now(), batch[len(batch)-1].last
		q.commit(batch)
		crowd, patience = len(batch), min(time.Since(began)/8, maxPatience)
		if last {
			return
		}
	}
}

// maxPatience is how long the committer steps aside at most, whatever the disk takes.
const maxPatience = 500 * time.Microsecond

// gather takes what waits. Crowd is how many came the last time: they have just been woken, and may have their next record at hand. For a moment,
// short beside a commit, the committer steps aside for them; else every second commit would be one of stragglers.
func (q *Queue) gather(r *request, crowd int, patience time.Duration) []*request {
	batch, records, began := []*request{r}, len(r.recs), time.Now()
	for len(batch) < maxBatch && records < maxRecords && !r.last {
		select {
		case r = <-q.requests:
			batch, records = append(batch, r), records+len(r.recs)
			continue
		default:
		}
		if len(batch) >= crowd || time.Since(began) >= patience {
			break
		}
		runtime.Gosched()
	}
	return batch
}

// maxScratch is how much memory is kept from one commit for the next.
const maxScratch = 1 << 20

// commit answers each request of a batch.
func (q *Queue) commit(batch []*request) {
	batch = q.admit(batch)
	if len(batch) == 0 {
		return
	}
	err := q.try(batch)
	if err != nil && q.release() {
		err = q.try(batch)
	}
	for _, r := range batch {
		r.done <- err
	}
}

// release makes room on a full disk: what was acknowledged needs far less space to be let go than what comes. It says
// whether it is worth while to try again.
func (q *Queue) release() bool {
	q.mu.Lock()
	newest := q.segments[len(q.segments)-1]
	idle := len(newest.done) == 0 && len(q.emptied()) == 0
	q.mu.Unlock()
	return !idle && q.try(nil) == nil
}

// try carries out a batch in one transaction, or leaves everything as it was.
func (q *Queue) try(batch []*request) error {
	q.thin(batch)
	q.mu.Lock()
	c := q.plan(batch, q.o.Now())
	q.mu.Unlock()
	return q.carryOut(&c)
}

// carryOut brings a change to disk, and then into memory.
func (q *Queue) carryOut(c *change) error {
	q.doubt = q.doubt || c.segment.stuck.Load()
	if c.full(q) {
		if err := q.roll(c); err != nil && (q.doubt || c.next-c.segment.first > span) {
			return fmt.Errorf("write to the buffer %s: %w", q.dir, err)
		} else if err != nil {
			q.o.Log.Warn("no new segment for the buffer; the one before goes on", "err", err)
		}
	}
	if err := c.segment.update(c.write); err != nil {
		q.doubt = q.doubt || isDoubt(err)
		return fmt.Errorf("write to the buffer %s: %w", q.dir, err)
	}
	q.apply(c)
	if q.scratch = c.bytes; cap(q.scratch) > maxScratch {
		q.scratch = nil
	}
	return nil
}
