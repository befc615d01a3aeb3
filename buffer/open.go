package buffer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/oklog/ulid/v2"
	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// ErrInUse: another process has the folder open.
var ErrInUse = errors.New("another process is using this buffer: stop it first, or give each gateway a folder of its own (buffer: {path: ...})")

// Open opens a folder's queue, or makes one. Whatever a crash left there opens: what is damaged is set aside and booked
// as a loss.
func Open(dir string, o Options) (*Queue, error) {
	o.defaults()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("buffer folder: %w (set buffer: {path: ...} to a folder this user may write)", err)
	}
	q := &Queue{
		dir: dir, o: o, requests: make(chan *request, maxBatch), done: make(chan struct{}), arrived: make(chan struct{}),
		dropped: map[string]Dropped{}, next: 1, lost: math.MaxUint64,
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
	if err := q.setAside(); err != nil {
		return nil, errors.Join(fmt.Errorf("open the buffer %s: %w", dir, err), q.Close())
	}
	return q, nil
}

// setAside renames what did not open, once the losses booked for it are on disk: they must not be forgotten with it.
func (q *Queue) setAside() error {
	if len(q.aside) == 0 {
		return nil
	}
	if _, err := q.submit(context.Background(), &request{}); err != nil {
		return err
	}
	for _, path := range q.aside {
		if err := os.Rename(path, path+damagedSuffix); err != nil {
			return err
		}
	}
	return nil
}

func (q *Queue) open() (err error) {
	if q.lock, err = lockFolder(q.dir); err != nil {
		return err
	}
	if q.epoch, err = readEpoch(q.dir); err != nil {
		return err
	}
	if err := q.openSegments(); err != nil {
		return err
	}
	if n := len(q.gone); n > 0 {
		q.next = max(q.next, q.gone[n-1].to+1) // the last pages may be gone, and their numbers are not given again
	}
	q.settle()
	if n := len(q.segments); n > 0 && (len(q.aside) == 0 || q.segments[n-1].path > q.aside[len(q.aside)-1]) {
		return nil // the newest of all opened
	}
	s, err := createSegment(q.dir, q.next, q.seed(nil))
	if err != nil {
		return err
	}
	q.segments = append(q.segments, s)
	return nil
}

func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(ErrInUse, f.Close())
	}
	return f, nil
}

// readEpoch reads the epoch, or gives the folder one. It is written like a segment: whole, then renamed.
func readEpoch(dir string) (string, error) {
	path := filepath.Join(dir, "epoch")
	text, err := os.ReadFile(path)
	if err == nil {
		if id, err := ulid.ParseStrict(strings.TrimSpace(string(text))); err == nil {
			return id.String(), nil
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	epoch := ulid.Make().String() // damaged counts as missing: the records are sent again under a new epoch
	if err := writeSynced(path+tempSuffix, epoch+"\n"); err != nil {
		return "", err
	}
	if err := os.Rename(path+tempSuffix, path); err != nil {
		return "", err
	}
	return epoch, syncDir(dir)
}

func writeSynced(path, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// openSegments opens what is in the folder, oldest first.
func (q *Queue) openSegments() error {
	entries, err := os.ReadDir(q.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(q.dir, e.Name())
		if strings.HasSuffix(e.Name(), segmentSuffix+tempSuffix) {
			if err := os.Remove(path); err != nil {
				return err
			}
			continue
		}
		name, ok := strings.CutSuffix(e.Name(), segmentSuffix)
		first, err := strconv.ParseUint(name, 16, 63)
		if !ok || err != nil || first == 0 {
			continue
		}
		if err := q.openSegment(&segment{path: path, first: first}); err != nil {
			return err
		}
	}
	return nil
}

// openSegment opens one; a file that does not open is set aside and what it may have held is given up.
func (q *Queue) openSegment(s *segment) error {
	q.next = max(q.next, s.first)
	err := s.open()
	if err == nil {
		err = guarded(func() error { return s.bolt.View(func(tx *bbolt.Tx) error { q.remember(tx); return nil }) })
	}
	if err == nil {
		q.segments = append(q.segments, s)
		if n := len(s.pages); n > 0 {
			q.next = max(q.next, s.pages[n-1].last()+1)
		}
		return nil
	}
	q.o.Log.Error("a segment of the buffer does not open; it is set aside and its records are given up", "segment", s.path, "err", err)
	info, statErr := os.Stat(s.path)
	if statErr != nil {
		return statErr
	}
	_ = s.close() // it did not open
	// Nobody can say how far its numbers went; no record is smaller than its header, so they did not go further than this.
	q.next = max(q.next, s.first+uint64(info.Size())/recordHeader+1)
	q.aside = append(q.aside, s.path)
	q.lost = min(q.lost, s.first)
	return nil
}

// remember takes over what a segment knows of the queue; the newest knows best, and they come oldest first.
func (q *Queue) remember(tx *bbolt.Tx) {
	q.gone, q.losses, q.dropped = readMeta(tx)
	entries, damaged := readJournal(tx)
	q.unsealed = entries
	if damaged > 0 {
		q.o.Log.Error("entries of the buffer's journal are damaged and given up", "entries", damaged)
	}
}

// settle counts what is there, applies what was acknowledged, and books the numbers that are nowhere as damaged.
func (q *Queue) settle() {
	var seen ranges
	for _, s := range q.segments {
		for _, p := range s.pages {
			seen.add(p.first, p.last())
			q.records += uint64(p.count)
			q.samples += p.samples
			q.bytes += int64(p.bytes)
			for _, x := range q.gone.within(p.first, p.last()) {
				q.finish(p, x.from, x.to)
			}
		}
	}
	for _, x := range q.gone {
		seen.add(x.from, x.to)
	}
	for _, hole := range seen.holes(q.floor(), q.next-1) {
		q.losses.add(Loss{From: hole.from, To: hole.to, Reason: Damaged, Class: Normal})
		d := q.dropped[Damaged]
		d.Records += hole.to - hole.from + 1
		q.dropped[Damaged] = d
		q.gone.add(hole.from, hole.to)
	}
}

// floor is the first number that ought to be accounted for: what is below the oldest segment was done with before
// its own was unlinked.
func (q *Queue) floor() uint64 {
	first := min(q.next, q.lost)
	if len(q.segments) > 0 {
		first = min(first, q.segments[0].first)
	}
	return first
}
