package local

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
)

// errClosed answers those who come after Close.
var errClosed = errors.New("the store is closed")

// maxGroup bounds how many writes share a transaction, and so how long the first of them waits.
const maxGroup = 512

// writer is the one goroutine that writes. Everything that waits when a transaction begins goes into it, so
// a hundred callers pay for one sync to disk.
type writer struct {
	db   *sql.DB
	conn *conn
	ops  chan op // unbuffered: whoever has handed over an op is in the next transaction
	quit chan struct{}
	done chan struct{}

	commits atomic.Uint64
}

// op is one write: all of it or nothing. It runs on the writer's goroutine and must not wait for another write.
type op struct {
	do     func(*conn) error
	result chan error
}

func startWriter(ctx context.Context, file string) (*writer, error) {
	db, err := open(file, "busy_timeout(5000)", "page_size(8192)", "journal_mode(WAL)", "synchronous(FULL)",
		"foreign_keys(1)", "cache_size(-32000)", "wal_autocheckpoint(4000)", "journal_size_limit(67108864)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	c, err := newConn(ctx, db)
	if err == nil {
		err = migrate(ctx, c)
	}
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	w := &writer{db: db, conn: c, ops: make(chan op), quit: make(chan struct{}), done: make(chan struct{})}
	go w.run()
	return w, nil
}

// write runs do in the next transaction and returns when that is on disk. Once handed over it isn't given up: an error
// means that nothing of it is stored.
func (w *writer) write(ctx context.Context, do func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o := op{do: do, result: make(chan error, 1)}
	select {
	case w.ops <- o:
		return <-o.result
	case <-ctx.Done():
		return ctx.Err()
	case <-w.quit:
		return errClosed
	}
}

func (w *writer) close() error {
	close(w.quit)
	<-w.done
	w.conn.close()
	return w.db.Close()
}

func (w *writer) run() {
	defer close(w.done)
	for {
		select {
		case first := <-w.ops:
			w.transact(first)
		case <-w.quit:
			return
		}
	}
}

// transact runs first, and whatever waits behind it, in one transaction, and tells each its result after the commit.
func (w *writer) transact(first op) {
	ctx := context.Background() // a caller's end must not interrupt its neighbours
	group, results, err := []op{first}, []error(nil), error(nil)
	if _, err = w.conn.exec(ctx, "BEGIN IMMEDIATE"); err == nil {
		group, results, err = w.group(ctx, first)
	}
	if err == nil {
		_, err = w.conn.exec(ctx, "COMMIT")
		w.commits.Add(1)
	}
	if err != nil {
		_, _ = w.conn.exec(ctx, "ROLLBACK") // fails when SQLite has rolled back by itself: either way nothing is left
		err = fmt.Errorf("write to the store (is the disk full or read-only?): %w", err)
	}
	for i, o := range group {
		if err != nil {
			o.result <- err
		} else {
			o.result <- results[i]
		}
	}
}

func (w *writer) group(ctx context.Context, first op) (group []op, results []error, err error) {
	for o, more := first, true; more; o, more = w.waiting(len(group)) {
		group = append(group, o)
		result, err := w.one(ctx, o)
		if err != nil {
			return group, nil, err
		}
		results = append(results, result)
	}
	return group, results, nil
}

// waiting takes the next op that waits already, unless the group is full.
func (w *writer) waiting(taken int) (op, bool) {
	if taken == maxGroup {
		return op{}, false
	}
	select {
	case o := <-w.ops:
		return o, true
	default:
		return op{}, false
	}
}

// one runs an op inside a savepoint. result is the op's own error, undone; err means the transaction is broken for all.
func (w *writer) one(ctx context.Context, o op) (result, err error) {
	if _, err := w.conn.exec(ctx, "SAVEPOINT op"); err != nil {
		return nil, err
	}
	if result = o.do(w.conn); result != nil {
		if _, err := w.conn.exec(ctx, "ROLLBACK TO op"); err != nil {
			return nil, errors.Join(result, err) // SQLite has given up the whole transaction
		}
	}
	_, err = w.conn.exec(ctx, "RELEASE op")
	return result, err
}
