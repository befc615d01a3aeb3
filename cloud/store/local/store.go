package local

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/wire"
)

// Store is a cloud.Store in one folder. Every method may be called from any goroutine.
type Store struct {
	log     *slog.Logger
	opts    Options
	lock    *os.File
	writer  *writer
	readers *readers
	backlog *backlog
	newest  *newest

	mergers sync.Pool // of *merger
	shadows shadowLocks
	arrived bell

	closing sync.Once
	closed  error
}

// Options tune the engine. The zero value works.
type Options struct {
	Readers int // connections that read at the same time; default 4
}

var _ cloud.Store = (*Store)(nil)

// Open opens the store in dir, which is created when it isn't there. Run must be running for blocks to become chunks.
func Open(ctx context.Context, dir string, opts Options, log *slog.Logger) (*Store, error) {
	if opts.Readers <= 0 {
		opts.Readers = 4
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	s := &Store{log: log, opts: opts, backlog: newBacklog(), newest: newNewest(), shadows: shadowLocks{seed: maphash.MakeSeed()}, arrived: make(bell, 1)}
	s.mergers.New = func() any { return &merger{dec: wire.NewDecoder()} }
	if s.lock, err = lock(dir); err != nil {
		return nil, err
	}
	if err := s.start(ctx, filepath.Join(dir, "penstock.db")); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) start(ctx context.Context, file string) (err error) {
	if s.writer, err = startWriter(ctx, file); err != nil {
		return err
	}
	if s.readers, err = openReaders(ctx, file, s.opts.Readers); err != nil {
		return err
	}
	return s.readers.read(ctx, func(c *conn) error { return s.backlog.load(ctx, c) })
}

// Commits counts the transactions since the store was opened: what waits when one begins shares it, and its sync to disk.
func (s *Store) Commits() uint64 { return s.writer.commits.Load() }

// Close waits for what is under way. Run must have returned. Closing again changes nothing.
func (s *Store) Close() error {
	s.closing.Do(func() { s.closed = s.close() })
	return s.closed
}

func (s *Store) close() error {
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.readers.close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	return errors.Join(append(errs, s.lock.Close())...)
}
