package buffer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"go.etcd.io/bbolt"
)

const (
	segmentSuffix = ".seg"
	damagedSuffix = ".damaged"
	tempSuffix    = ".new"
)

// The buckets of a segment and the keys of its meta bucket.
var (
	pagesBucket   = []byte("pages")
	journalBucket = []byte("journal")
	metaBucket    = []byte("meta")

	goneKey   = []byte("gone")   // acknowledged or given up: ranges
	lossesKey = []byte("losses") // not declared yet
	statsKey  = []byte("dropped")
)

// segment is one bbolt file: pages whose records follow each other. Only the newest has a journal and a meta bucket that count.
type segment struct {
	path  string
	first uint64 // the sequence number it begins with
	bolt  *bbolt.DB
	pages []*page // in order; those without records left are dropped
	bytes int64   // appended to it
}

// options keep the freelist on disk. Without it bbolt walks every page on opening, in a goroutine of its own, where a damaged
// page ends the process and nobody can stand in between.
func options() *bbolt.Options {
	return &bbolt.Options{FreelistType: bbolt.FreelistMapType}
}

const allocBytes = 1 << 20 // by how much a file grows

// createSegment makes an empty segment under a temporary name and renames it when it is whole and on disk: a power cut during
// bbolt's first writes would leave a file that does not open. seed puts in what the segment before it knew.
func createSegment(dir string, first uint64, seed func(*bbolt.Tx) error) (*segment, error) {
	s := &segment{path: filepath.Join(dir, fmt.Sprintf("%016x%s", first, segmentSuffix)), first: first}
	temp := s.path + tempSuffix
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("new segment: %w", err)
	}
	db, err := bbolt.Open(temp, 0o600, options())
	if err != nil {
		return nil, fmt.Errorf("new segment: %w", err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{pagesBucket, journalBucket, metaBucket} {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return seed(tx)
	})
	if err = errors.Join(err, db.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("new segment: %w", err), os.Remove(temp))
	}
	if err := os.Rename(temp, s.path); err != nil {
		return nil, fmt.Errorf("new segment: %w", err)
	}
	if err := syncDir(dir); err != nil {
		return nil, fmt.Errorf("new segment: %w", err)
	}
	return s, s.open()
}

// open opens the file and lists its pages.
func (s *segment) open() error {
	if err := inspect(s.path); err != nil {
		return err
	}
	return guarded(func() (err error) {
		if s.bolt, err = bbolt.Open(s.path, 0o600, options()); err != nil {
			return err
		}
		s.bolt.AllocSize = allocBytes
		return s.bolt.View(s.list)
	})
}

func (s *segment) list(tx *bbolt.Tx) error {
	b := tx.Bucket(pagesBucket)
	if b == nil || tx.Bucket(journalBucket) == nil || tx.Bucket(metaBucket) == nil {
		return fmt.Errorf("a bucket is missing: %w", errDamaged)
	}
	next := s.first
	return b.ForEach(func(k, v []byte) error {
		p, err := parsePage(k)
		if err != nil || p.first < next {
			return nil // a hole, found by comparing with what should be there
		}
		next = p.last() + 1
		p.readWeights(v)
		s.pages = append(s.pages, p)
		s.bytes += int64(p.bytes)
		return nil
	})
}

// page reads a page's bytes; they are the caller's own.
func (s *segment) page(p *page) (b []byte, err error) {
	err = guarded(func() error {
		return s.bolt.View(func(tx *bbolt.Tx) error {
			b = append([]byte(nil), tx.Bucket(pagesBucket).Get(p.key())...)
			return nil
		})
	})
	return b, err
}

func (s *segment) close() error {
	if s.bolt == nil {
		return nil
	}
	return guarded(s.bolt.Close)
}

// unlink removes a segment that nobody needs any more.
func (s *segment) unlink() error { return errors.Join(s.close(), os.Remove(s.path)) }

// guarded runs what reads a mapped file. bbolt panics on pages that make no sense, and a file that was cut short
// faults; both are damage to be reported, not the end of the process.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v: %w", r, errDamaged)
		}
	}()
	return f()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
