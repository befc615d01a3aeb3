package buffer

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"syscall"

	"go.etcd.io/bbolt"
)

// Open opens a folder's queue, or makes one. Whatever a crash left there opens: what is damaged is given up and booked
// as a loss, and its neighbours are kept.
func Open(dir string, o Options) (*Queue, error) {
	o.defaults()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("buffer folder: %w (set buffer: {path: ...} to a folder this user may write)", err)
	}
	q := &Queue{
		dir: dir, o: o, requests: make(chan *request, maxBatch), done: make(chan struct{}), arrived: make(chan struct{}),
		dropped: map[string]Dropped{}, next: 1,
	}
	if err := q.open(); err != nil {
		for _, s := range q.segments {
			err = errors.Join(err, s.close())
		}
		if q.lock != nil {
			err = errors.Join(err, q.lock.Close())
		}
		return nil, fmt.Errorf("open the buffer %s: %w", dir, err)
	}
	go q.run()
	return q, nil
}

func (q *Queue) open() (err error) {
	if q.lock, err = lockFolder(q.dir); err != nil {
		return err
	}
	firsts, err := listSegments(q.dir)
	if err != nil {
		return err
	}
	r := recovery{q: q}
	for i, first := range firsts {
		limit := first + span
		if i+1 < len(firsts) {
			limit = min(limit, firsts[i+1])
		}
		if err := r.segment(first, limit, i+1 == len(firsts)); err != nil {
			return err
		}
	}
	if q.epoch, err = readEpoch(q.dir, r.epoch, len(firsts)); err != nil {
		return err
	}
	r.settle()
	return r.finish()
}

// recovery finds out, oldest segment first, what the queue was before it was closed or cut off.
type recovery struct {
	q        *Queue
	epoch    string
	aside    []string // files of which nothing can be read
	floor    uint64   // the first number that ought to be accounted for; 0: none
	known    uint64   // numbers up to here were given for certain
	writable bool     // the newest segment is sound
}

// segment takes in one file.
func (r *recovery) segment(first, limit uint64, newest bool) error {
	q := r.q
	s := &segment{path: segmentPath(q.dir, first), disk: q.o.Disk, first: first}
	if r.floor == 0 {
		r.floor = first
	}
	q.next = max(q.next, first)
	found, err := surveyFile(s.path, first, limit)
	if err != nil && !errors.Is(err, errDamaged) {
		return err
	}
	if err != nil {
		q.o.Log.Error("a segment of the buffer cannot be read; it is set aside and its records are given up", "segment", s.path, "err", err)
		r.aside = append(r.aside, s.path)
	} else {
		if found.format > formatVersion {
			return errFormat
		}
		r.remember(found, newest)
		s.add(found.pages...)
		q.segments = append(q.segments, s)
		if err = found.damage; err != nil {
			q.o.Log.Error("a segment of the buffer is damaged; what can be read of it is kept", "segment", s.path, "err", err)
		}
	}
	r.count(s)
	if !newest {
		return nil
	}
	if err == nil {
		err = s.open()
	}
	if errno := syscall.Errno(0); errors.As(err, &errno) && !errors.Is(err, errDamaged) {
		return err // too little memory, or no right to write: the file itself is sound
	}
	if r.writable = err == nil; !r.writable {
		s.bolt = nil
		q.next = max(q.next, limit)
	}
	return nil
}

// remember takes over what a segment knows of the queue. The newest knows best; one that is damaged adds to what the
// one before it knew, because what was acknowledged stays so.
func (r *recovery) remember(found *survey, newest bool) {
	q := r.q
	if found.damage != nil {
		for _, x := range q.gone {
			found.gone.add(x.from, x.to)
		}
	}
	q.gone, q.losses = found.gone, found.losses
	q.saved = state{gone: slices.Clone(q.gone), losses: slices.Clone(q.losses)}
	maps.Copy(q.dropped, found.dropped)
	if found.epoch != "" {
		r.epoch = found.epoch
	}
	q.unsealed = nil
	if newest {
		q.unsealed = found.journal
	}
}

// count moves the number to come behind all that was given.
func (r *recovery) count(s *segment) {
	q := r.q
	if n := len(s.pages); n > 0 {
		q.next = max(q.next, s.pages[n-1].last()+1)
	}
	q.next = max(q.next, q.gone.last()+1) // the last pages may be gone, and their numbers are not given again
	r.known = q.next - 1
}

// settle counts what is there, applies what was acknowledged, and books the numbers that are nowhere as damaged.
func (r *recovery) settle() {
	q := r.q
	seen := slices.Clone(q.gone)
	for _, s := range q.segments {
		for _, p := range s.pages {
			seen.add(p.first, p.last())
			q.records += uint64(p.count)
			q.samples += p.samples
			q.bytes += int64(p.bytes)
			q.indexes[p.class].add(p)
			for _, x := range q.gone.within(p.first, p.last()) {
				q.finish(s, p, x.from, x.to)
			}
		}
	}
	if r.floor == 0 {
		return
	}
	for _, hole := range seen.holes(r.floor, q.next-1) {
		q.losses.add(Loss{From: hole.from, To: hole.to, Reason: Damaged, Class: Normal})
		if to := min(hole.to, r.known); to >= hole.from { // whether those behind were ever given, nobody can say
			d := q.dropped[Damaged]
			d.Records += to - hole.from + 1
			q.dropped[Damaged] = d
		}
		q.gone.add(hole.from, hole.to)
	}
}

// finish puts what recovery found out on disk, and only then takes the files away that it was found out from: else a crash
// between the two would forget the losses with them.
func (r *recovery) finish() error {
	q := r.q
	q.entries = slices.Clone(q.unsealed)
	if r.writable {
		newest := q.segments[len(q.segments)-1]
		newest.done = slices.DeleteFunc(slices.Clone(newest.pages), func(p *page) bool { return p.left > 0 })
		if len(r.aside) > 0 {
			st := q.state()
			if err := newest.update(func(tx *bbolt.Tx) error { return st.write(tx, q.saved) }); err != nil {
				return err
			}
			q.saved = st
		}
	} else {
		st := q.state()
		s, err := q.createSegment(q.next, q.seed(st))
		if err != nil {
			return err
		}
		q.segments, q.saved = append(q.segments, s), st
	}
	for _, path := range r.aside {
		if err := os.Rename(path, path+damagedSuffix); err != nil {
			return err
		}
	}
	return nil
}
