package buffer

import (
	"os"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// view is what reading needs of a page, as it was when it was chosen.
type view struct {
	page    *page // not to be looked into without the queue's mu
	thinned uint64
	first   uint64
	count   uint32
	class   Class
	time    int64
	bytes   uint32
	at      int64
	place   place
	gone    ranges
	prev    uint64   // the cursor's record before the page
	given   ranges   // the records that are the cursor's; nil: all
	to      Audience // whom they are for
}

// view holds q.mu.
func (c *Cursor) view(p *page) view {
	v := view{
		page: p, first: p.first, count: p.count, class: p.class, time: p.time, bytes: p.bytes, at: p.at, place: p.place(), thinned: p.thinned,
		gone: slices.Clone(p.of(c).gone), prev: c.before(p), to: c.q.audience(p),
	}
	if p.first < c.created {
		v.given = c.heirs.within(p.first, p.last())
	}
	return v
}

// audience is whom a page is for, as Append was told.
func (q *Queue) audience(p *page) (a Audience) {
	if p.all {
		return 0
	}
	for i, c := range q.cursors {
		if p.slots&(1<<c.slot) != 0 {
			a |= 1 << i
		}
	}
	return a
}

// before is the number of the cursor's record before one of the page's.
func (v *view) before(seq uint64) uint64 {
	switch {
	case v.given != nil:
		if n := v.given.before(seq); n > 0 {
			return n
		}
	case seq > v.first:
		return seq - 1
	}
	return v.prev
}

func (v *view) last() uint64 { return v.first + uint64(v.count) - 1 }

// haul is some pages of one segment.
type haul struct {
	segment *segment
	path    string
	db      *bbolt.DB // nil: sealed
	file    *os.File  // opened with the first page that is read
	views   []view
	records int // that they have left
}

func (h *haul) read(v view) (b []byte, err error) {
	switch {
	case h.db != nil && h.segment.stuck.Load():
		return nil, openError{errStuck}
	case h.db == nil && h.file == nil:
		if h.file, err = os.Open(h.path); err != nil {
			return nil, openError{err}
		}
	}
	if b, err = readPage(h.db, h.file, v); err != nil && h.db != nil {
		h.segment.stuck.Store(true)
		return nil, openError{err}
	}
	return b, err
}

func (h *haul) close() {
	if h.file != nil {
		h.file.Close()
	}
}

type openError struct{ error }

func (e openError) Unwrap() error { return e.error }

// Reader reads records of some classes through a cursor. What it gives shares the memory of a page, a part for each record. It remembers how far it has read in a page, so that a page is read and checked once
// however few records are asked for at a time; it holds one page at most. It is safe for concurrent use.
type Reader struct {
	c   *Cursor
	set classSet

	mu   sync.Mutex
	page view   // count 0: none
	rest []byte // of its bytes, from seq on
	seq  uint64
}

// taken is what came of a haul.
type taken struct {
	recs []Record
	bad  ranges // damaged, or not to be read
	err  error  // the file could not be opened
}

func (r *Reader) take(h *haul, after uint64, most int) (t taken) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer h.close()
	t.recs = make([]Record, 0, min(most, h.records))
	for _, v := range h.views {
		if len(t.recs) >= most {
			break
		}
		again := r.page.count > 0 && r.page.first == v.first && r.page.thinned == v.thinned && r.seq <= after+1
		if !again {
			body, err := h.read(v)
			if e, ok := err.(openError); ok { //nolint:errorlint // it is made right here
				t.err = e
				return t
			}
			if err != nil {
				t.bad.add(max(v.first, after+1), v.last())
				continue
			}
			r.rest, r.seq = body, v.first
		}
		r.page = v
		r.records(&t, after, most)
		if r.seq > v.last() {
			r.page, r.rest = view{}, nil
		}
	}
	return t
}

// records reads on in the page.
func (r *Reader) records(t *taken, after uint64, most int) {
	v, appended := &r.page, time.Unix(0, r.page.time)
	for r.seq <= v.last() && len(t.recs) < most {
		wanted := r.seq > after && !v.gone.has(r.seq)
		rec, rest, err := parseRecord(r.rest, r.seq, v.class)
		if err == nil {
			if wanted {
				rec.Time, rec.For, rec.Prev = appended, v.to, v.before(r.seq)
				t.recs = append(t.recs, rec)
			}
			r.seq, r.rest = r.seq+1, rest
			continue
		}
		next, rest := resync(r.rest, r.seq, v.last(), v.class)
		for _, x := range v.gone.holes(r.seq, next-1) {
			if x.to > after {
				t.bad.add(max(x.from, after+1), x.to)
			}
		}
		r.seq, r.rest = next, rest
	}
}
