package local

import (
	"context"
	"database/sql"
	"fmt"
)

// readers is a small pool of connections that only read, each a snapshot of what was committed when its read began.
type readers struct {
	db   *sql.DB
	free chan *conn
	quit chan struct{}
}

func openReaders(ctx context.Context, file string, n int) (*readers, error) {
	db, err := open(file, "busy_timeout(5000)", "query_only(1)", "cache_size(-16000)")
	if err != nil {
		return nil, err
	}
	r := &readers{db: db, free: make(chan *conn, n), quit: make(chan struct{})}
	for range n {
		c, err := newConn(ctx, db)
		if err != nil {
			db.Close()
			return nil, fmt.Errorf("open %s to read: %w", file, err)
		}
		r.free <- c
	}
	return r, nil
}

// read runs do inside one read transaction. do must not call back to whoever asked: a snapshot that is held long keeps
// the write-ahead log from being folded in.
func (r *readers) read(ctx context.Context, do func(*conn) error) error {
	select {
	case c := <-r.free:
		defer func() { r.free <- c }()
		if _, err := c.exec(ctx, "BEGIN"); err != nil {
			return err
		}
		defer func() { _, _ = c.exec(context.Background(), "COMMIT") }() // nothing was written
		return do(c)
	case <-ctx.Done():
		return ctx.Err()
	case <-r.quit:
		return errClosed
	}
}

// close waits for the reads under way.
func (r *readers) close() error {
	close(r.quit)
	for range cap(r.free) {
		(<-r.free).close()
	}
	return r.db.Close()
}
