package buffer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"go.etcd.io/bbolt"
)

const (
	segmentSuffix = ".seg"
	damagedSuffix = ".damaged"
	tempSuffix    = ".new"
)

// span is how many numbers a segment may give at most. When the newest cannot be read, nobody knows how many it gave; the
// queue goes on behind its span, so that no number is given twice.
const span = 1 << 24

// segment is one file: pages whose records follow each other. bbolt has the newest open; the others do not change any
// more and are read with plain reads, so that a backlog costs neither descriptors nor mapped memory.
type segment struct {
	path  string
	disk  func(segment string, commit func() error) error // Options.Disk
	first uint64                                          // the sequence number it begins with
	piece int64                                           // by how much it grows at most
	file  *os.File                                        // that bbolt has open

	// The queue's mu guards what follows.
	pages    []*page   // of an open one, in order
	left     int       // pages that have records left
	done     []place   // of an open one: nobody waits for them, to be deleted
	lowest   uint64    // the first number of a page in it; one that was thinned may be older than the segment
	sound    uint64    // the last transaction that is known to have succeeded
	doubtful bool      // it ended in doubt: transactions behind that may be there, and are void
	bytes    int64     // appended to it
	bolt     *bbolt.DB // nil: sealed

	stuck atomic.Bool // bbolt panicked within a transaction: its locks may never open again, so it is not asked any more
}

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%016x%s", first, segmentSuffix))
}

// errDoubt: on disk may be what was reported as not done. Nothing may be committed to the segment before it.
var errDoubt = errors.New("the disk does not say what it has taken")

// errStuck: what the segment holds can be read when it is sealed, without bbolt.
var errStuck = errors.New("the segment failed while it was read or written; another is begun")

// createSegment makes an empty segment under a temporary name and renames it when it is whole and on disk: a power cut during
// bbolt's first writes would leave a file that does not open. seed puts in what is known of the whole queue.
func (q *Queue) createSegment(first uint64, seed func(*bbolt.Tx) error) (*segment, error) {
	s := &segment{path: segmentPath(q.dir, first), disk: q.o.Disk, first: first, lowest: first, piece: q.o.SegmentBytes}
	temp := s.path + tempSuffix
	err := os.Remove(temp)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("new segment: %w", err)
	}
	if err = s.open(temp); err != nil {
		return nil, fmt.Errorf("new segment: %w", errors.Join(err, removeIfThere(temp)))
	}
	if err = s.update(func(tx *bbolt.Tx) error {
		return errors.Join(makeBuckets(tx), put(tx, metaBucket, []byte(firstKey), number(first)), seed(tx))
	}); err != nil {
		return nil, fmt.Errorf("new segment: %w", errors.Join(err, s.close(), removeIfThere(temp)))
	}
	// From here on the new name may be in the folder whatever is reported, and makes void what the segment before it would take.
	if err = os.Rename(temp, s.path); err == nil {
		err = syncDir(q.dir)
	}
	if err != nil {
		return nil, fmt.Errorf("new segment: %w", errors.Join(err, errDoubt, s.close(), removeIfThere(temp)))
	}
	return s, nil
}

func makeBuckets(tx *bbolt.Tx) error {
	for _, name := range buckets(formatVersion) {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return nil
}

// options let bbolt open a file that is looked at beside it.
func (s *segment) options() *bbolt.Options {
	o := boltOptions()
	o.OpenFile = func(name string, flag int, perm os.FileMode) (f *os.File, err error) {
		s.file, err = os.OpenFile(name, flag, perm)
		return s.file, err
	}
	return o
}

// open gives a file to bbolt. It is read as mapped memory meanwhile, and when that faults bbolt closes nothing: the lock on the file
// would stay, and who opens it next wait for ever.
func (s *segment) open(path string) error {
	err := guarded(func() (err error) {
		if s.bolt, err = bbolt.Open(path, 0o600, s.options()); err != nil {
			return err
		}
		s.bolt.AllocSize = allocBytes
		return s.bolt.View(func(tx *bbolt.Tx) error { s.sound = uint64(tx.ID()); return nil })
	})
	if err != nil {
		if s.bolt = nil; s.file != nil {
			_ = s.file.Close() // or bbolt has done it
		}
	}
	return err
}

// update runs a transaction. An error with errDoubt means that it may be on disk all the same: writing the meta page or
// the last fsync went wrong, and nobody can say. Or that the file is not to be trusted any more: after an fsync that failed the system may take
// for written what is not.
func (s *segment) update(write func(*bbolt.Tx) error) error {
	if s.stuck.Load() {
		return errors.Join(errStuck, errDoubt)
	}
	id, committing := 0, false
	err := guarded(func() error {
		return s.disk(s.path, func() error {
			return s.bolt.Update(func(tx *bbolt.Tx) error {
				id = tx.ID()
				err := write(tx)
				committing = err == nil
				return err
			})
		})
	})
	if err == nil {
		s.sound = uint64(id)
		return nil
	}
	if errors.Is(err, errDamaged) {
		s.stuck.Store(true)
		return errors.Join(err, errDoubt)
	}
	if !committing {
		return err // nothing was given to the disk
	}
	seen := 0
	if look := guarded(func() error { return s.bolt.View(func(tx *bbolt.Tx) error { seen = tx.ID(); return nil }) }); look != nil || seen >= id || !noRoom(err) {
		return errors.Join(err, errDoubt)
	}
	return err
}

// noRoom: the disk has refused to take more, and says nothing of what it has. bbolt does not wrap each error, so it is known by its text.
func noRoom(err error) bool {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if strings.Contains(err.Error(), errno.Error()) {
			return true
		}
	}
	return false
}

// follow notes on disk which segment is behind this one: so that nobody takes this one for the newest when that is missing.
func (s *segment) follow(next uint64) error {
	return s.update(func(tx *bbolt.Tx) error { return put(tx, metaBucket, []byte(nextKey), number(next)) })
}

// trim forgets the pages that nobody will look for again, when they are many. It holds the queue's mu.
func (s *segment) trim() {
	if len(s.pages) > 2*s.left+minDead {
		s.pages = slices.DeleteFunc(s.pages, func(p *page) bool { return !alive(p) || p.segment != s })
	}
}

// spot names a page in a file: its first number, and when it was thinned.
type spot struct{ first, thinned uint64 }

func (p *page) spot() spot { return spot{p.first, p.thinned} }

// places finds out where in the file the pages lie, so that they can be read without bbolt. The committer calls it, so
// nothing is written meanwhile.
func (s *segment) places() (map[spot]int64, error) {
	found, err := surveyFile(s.path, s.first, s.first+span)
	if err != nil {
		return nil, err
	}
	at := make(map[spot]int64, len(found.pages)+len(found.thinned))
	for _, p := range slices.Concat(found.pages, found.thinned) {
		at[p.spot()] = p.at
	}
	return at, nil
}

// seal takes the segment from bbolt, when every page's place is known. It holds the queue's mu.
func (s *segment) seal(at map[spot]int64) *bbolt.DB {
	mine := func(p *page) bool { return alive(p) && p.segment == s }
	for _, p := range s.pages {
		if _, ok := at[p.spot()]; !ok && mine(p) {
			return nil
		}
	}
	for _, p := range s.pages {
		if mine(p) {
			p.at = at[p.spot()]
		}
	}
	db := s.bolt
	s.bolt, s.done, s.pages = nil, nil, nil
	return db
}

func (s *segment) close() error {
	if s.bolt == nil || s.stuck.Load() {
		return nil
	}
	return guarded(s.bolt.Close)
}

// unlink removes a segment that nobody needs any more.
func (s *segment) unlink() error { return errors.Join(s.close(), os.Remove(s.path)) }

// readPage reads a page's bytes; they are the caller's own.
func readPage(db *bbolt.DB, file io.ReaderAt, p view) (b []byte, err error) {
	if db == nil {
		b = make([]byte, p.bytes)
		_, err = file.ReadAt(b, p.at)
		return b, err
	}
	err = guarded(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			b = append([]byte(nil), getBody(tx.Bucket(p.place.bucket), p.place.key)...)
			return nil
		})
	})
	return b, err
}
