package buffer

import (
	"cmp"
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
		dropped: totals{}, begin: 1, next: 1,
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
	if firsts, err = q.rightNames(firsts); err != nil {
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
	q.begin = max(r.floor, 1)
	if q.epoch, err = readEpoch(q.dir, r.epoch, len(firsts)); err != nil {
		return err
	}
	if err := r.settle(); err != nil {
		return err
	}
	for set := range q.readers {
		q.readers[set] = &Reader{c: q.cursors[0], set: classSet(set)}
	}
	return r.finish()
}

// recovery finds out, oldest segment first, what the queue was before it was closed or cut off.
type recovery struct {
	q        *Queue
	epoch    string
	pages    []*page
	thinned  []*page  // that take the place of some of them, by age
	void     []ending // what the newest segment says of others
	cursors  []known
	orphans  [maxCursors]known // by slot: what the newest segment has of cursors, also when it cannot say who they are
	format   uint64            // of the newest segment
	aside    []string          // files of which nothing can be read
	floor    uint64            // the first number that ought to be accounted for; 0: none
	known    uint64            // numbers up to here were given for certain
	sound    bool              // the newest segment can be read wholly
	writable bool              // the newest segment is sound, and of this version
}

// segment takes in one file.
func (r *recovery) segment(first, limit uint64, newest bool) error {
	q := r.q
	s := &segment{path: segmentPath(q.dir, first), disk: q.o.Disk, first: first, lowest: first, piece: q.o.SegmentBytes}
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
		r.remember(found, newest, limit)
		r.take(found, s)
		q.segments = append(q.segments, s)
		if err = found.damage; err != nil {
			q.o.Log.Error("a segment of the buffer is damaged; what can be read of it is kept", "segment", s.path, "err", err)
		}
		if newest && found.next > 0 {
			limit = found.next + span
			err = fmt.Errorf("the segment from %d on is missing: %w", found.next, errDamaged)
			q.o.Log.Error("the newest segment of the buffer is missing; its records are given up", "before it", s.path, "err", err)
		}
	}
	r.count(s, limit)
	if !newest {
		s.pages = nil
		return nil
	}
	if r.sound = err == nil; r.sound && found.begin > 0 {
		r.floor = min(r.floor, found.begin) // else segments that are missing were not needed any more, for all that is known
	}
	if err == nil && r.format < formatVersion {
		return nil // it stays as it is, and another is begun
	}
	if err == nil {
		err = s.open(s.path)
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

// take takes in a segment's pages.
func (r *recovery) take(found *survey, s *segment) {
	for _, p := range slices.Concat(found.thinned, found.pages) {
		p.segment, s.lowest = s, min(s.lowest, p.first)
	}
	s.pages = slices.Concat(found.thinned, found.pages)
	r.pages = append(r.pages, found.pages...)
	slices.SortStableFunc(found.thinned, func(a, b *page) int { return cmp.Compare(a.thinned, b.thinned) })
	r.thinned = append(r.thinned, found.thinned...)
}

// remember takes over what a segment knows of the queue. The newest knows best; one that is damaged adds to what the
// one before it knew, because what was acknowledged stays so.
func (r *recovery) remember(found *survey, newest bool, limit uint64) {
	q := r.q
	var cursors []known
	for slot, there := range found.there {
		if k := found.known[slot]; there {
			cursors = append(cursors, k)
		}
	}
	if found.format == 1 { // its cursor had no name, and every record was for it
		k := found.known[0]
		k.created, k.heirs, k.last = limit, ranges{{1, limit - 1}}, limit-1
		cursors = []known{k}
	}
	for i := range cursors {
		cursors[i].last = min(cursors[i].last, limit-1) // what is beyond is void
	}
	if found.damage != nil {
		cursors = older(r.cursors, cursors, found, limit)
	}
	r.cursors, r.format, r.orphans = cursors, found.format, found.known
	q.saved = state{dropped: totals{}, begin: found.begin, void: found.void}
	if found.damage == nil || len(found.void) > 0 {
		r.void = found.void
	}
	for _, k := range cursors {
		q.saved.cursors = append(q.saved.cursors, k.clone())
	}
	maps.Copy(q.dropped, found.dropped)
	if found.epoch != "" {
		r.epoch = found.epoch
	}
	q.unsealed = nil
	if newest && found.next == 0 {
		q.unsealed = found.journal
	}
}

// older completes what a damaged segment knows of the cursors with what was known before it.
func older(before, now []known, found *survey, limit uint64) []known {
	for _, was := range before {
		i := slices.IndexFunc(now, func(k known) bool { return k.slot == was.slot })
		if i < 0 {
			i, now = len(now), append(now, found.known[was.slot])
			k := &now[i]
			k.slot, k.name, k.created, k.dropped, k.heirs = was.slot, was.name, was.created, was.dropped, was.heirs
			k.last = min(was.last, limit-1)
		}
		if k := &now[i]; k.name == was.name && (k.created == was.created || found.format == 1) {
			for _, x := range was.gone {
				k.gone.add(x.from, x.to)
			}
			for _, x := range was.heirs {
				k.heirs.add(x.from, x.to)
			}
		}
	}
	return now
}

// count moves the number to come behind all that was given.
func (r *recovery) count(s *segment, limit uint64) {
	q := r.q
	if n := len(s.pages); n > 0 {
		q.next = max(q.next, s.pages[n-1].last()+1)
	}
	for _, k := range r.cursors { // the last pages may be gone, and their numbers are not given again
		q.next = max(q.next, min(k.gone.last(), limit-1)+1)
		if r.format > 1 {
			q.next = max(q.next, k.last+1)
		}
	}
	r.known = q.next - 1
}

// finish puts what recovery found out on disk, and only then takes the files away that it was found out from: else a crash
// between the two would forget the losses with them.
func (r *recovery) finish() error {
	q := r.q
	q.entries = slices.Clone(q.unsealed)
	if r.writable {
		newest := q.segments[len(q.segments)-1]
		newest.done = nil
		for _, p := range newest.pages {
			if !alive(p) {
				newest.done = append(newest.done, p.place())
			}
		}
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
		if n := len(q.segments); n > 0 && q.segments[n-1].first == s.first { // one of an older version that never had a record
			q.segments = q.segments[:n-1]
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
