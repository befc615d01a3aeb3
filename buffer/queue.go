package buffer

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Full says what gives way when the queue is full.
type Full uint8

// What gives way when the queue is full.
const (
	DropOldest Full = iota // the oldest records of the least class
	DropNewest             // Append refuses with ErrFull
	Downsample             // the oldest records of the least class are thinned, again and again; then it is as DropOldest
)

// Options bound a queue. The zero value is 8 GiB, no age limit, drop-oldest.
type Options struct {
	MaxBytes int64         // of records kept; default 8 GiB
	MaxAge   time.Duration // older records are given up; 0: never
	// Now is the time that ages go by; default time.Now. While it shows a time before 2020 nobody knows the time: nothing is given up for its age, and
	// what is appended has none.
	Now     func() time.Time
	Full    Full
	Thin    Thin     // how, for Downsample
	Cursors []string // their names, at most 16; none: one without a name
	// Disk stands round every transaction that is written to a segment; nil: nothing does. Its error is the transaction's. Simulations fail and
	// cut transactions with it.
	Disk         func(segment string, commit func() error) error
	SegmentBytes int64 // at which a new segment is begun; default 16 MiB, since the newest is mapped into memory
	Log          *slog.Logger
}

func (o *Options) defaults() {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 8 << 30
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 16 << 20
	}
	if len(o.Cursors) == 0 {
		o.Cursors = []string{""}
	}
	if o.Disk == nil {
		o.Disk = func(_ string, commit func() error) error { return commit() }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Errors of the moment of appending.
var (
	ErrFull   = errors.New("the buffer is full (raise buffer: {max_size: ...}, or choose full: drop-oldest)")
	ErrTooBig = errors.New("a record is larger than a buffer takes")
	ErrClosed = errors.New("the buffer is closed")
)

// Queue is the open buffer. It is safe for concurrent use.
type Queue struct {
	dir   string
	o     Options
	epoch string
	lock  *os.File

	requests chan *request
	done     chan struct{} // closed when the committer has gone
	closing  sync.Once
	unsealed [][]byte
	cursors  []*Cursor               // as in the options; fixed once the queue is open
	readers  [allClasses + 1]*Reader // of the first, by what is asked for: who reads alarms neither waits for the others nor takes their page

	// The committer's own, after Open.
	scratch []byte   // for the bytes of a change
	entries [][]byte // the journal, as it is on disk
	doubt   bool     // the newest segment may hold more than was reported; another must be begun before the next commit

	mu        sync.Mutex
	arrived   chan struct{} // closed, and replaced, when records arrive
	segments  []*segment    // oldest first; the last takes what comes
	unlinking []*segment    // without records left, but their files are still there
	indexes   [classes]index
	begin     uint64 // the first number that must be accounted for
	next      uint64 // the sequence number to come
	dropped   totals
	bytes     int64 // of records left
	records   uint64
	samples   uint64
	saved     state // what the newest segment knows
	commits   uint64
	closed    bool
}

// Dropped counts what was given up for one reason since the buffer was made. A record that two cursors lose to one damage counts once, one
// that two receivers refuse counts twice.
type Dropped struct{ Records, Samples uint64 }

// Stats is what a queue holds.
type Stats struct {
	Records, Samples, Bytes uint64 // sealed, and some cursor waits for them
	Oldest                  time.Time
	Newest                  uint64 // the last sequence number given
	Segments                int
	Commits                 uint64             // transactions, of two fsyncs each
	Dropped                 map[string]Dropped // by reason
}

// Stats tells what the queue holds now.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := Stats{
		Records: q.records, Samples: q.samples, Bytes: uint64(q.bytes), Newest: q.next - 1,
		Segments: len(q.segments), Commits: q.commits, Dropped: map[string]Dropped{Refused: q.dropped[Refused]},
	}
	for _, reason := range reasons() {
		s.Dropped[reason] = q.dropped[reason]
	}
	if p := q.oldest(); p != nil {
		s.Oldest = time.Unix(0, p.time)
	}
	return s
}

// oldest is the first page with records left, or nil. It holds q.mu.
func (q *Queue) oldest() (oldest *page) {
	for class := range classes {
		x := &q.indexes[class]
		if x.trim(alive); len(x.pages) > 0 && (oldest == nil || x.pages[0].first < oldest.first) {
			oldest = x.pages[0]
		}
	}
	return oldest
}

// Epoch names this life of the buffer: a folder that was wiped has another.
func (q *Queue) Epoch() string { return q.epoch }

// Close commits what is waiting, acknowledgements included, and closes the files.
func (q *Queue) Close() error {
	err := error(nil)
	q.closing.Do(func() {
		last := &request{last: true, done: make(chan error, 1)}
		q.requests <- last
		err = <-last.done
		<-q.done
		q.mu.Lock()
		defer q.mu.Unlock()
		q.closed = true
		close(q.arrived)
		for _, s := range q.segments {
			err = errors.Join(err, s.close())
		}
		err = errors.Join(err, q.lock.Close())
	})
	if err != nil {
		return fmt.Errorf("close the buffer: %w", err)
	}
	return nil
}
