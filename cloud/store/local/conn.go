package local

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	_ "modernc.org/sqlite" // the engine, under the name "sqlite"
)

// conn is one connection with its prepared statements. One goroutine uses it at a time.
type conn struct {
	sql   *sql.Conn
	stmts map[string]*sql.Stmt
}

// open makes a pool on file whose every connection starts with the pragmas.
func open(file string, pragmas ...string) (*sql.DB, error) {
	place := url.URL{Scheme: "file", Path: file, RawQuery: url.Values{"_pragma": pragmas}.Encode()}
	db, err := sql.Open("sqlite", place.String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	return db, nil
}

func newConn(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{sql: c, stmts: map[string]*sql.Stmt{}}, nil
}

// stmt prepares a query once. The queries are constants, so there are as many as the source has.
func (c *conn) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if st, ok := c.stmts[query]; ok {
		return st, nil
	}
	st, err := c.sql.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	c.stmts[query] = st
	return st, nil
}

// exec runs a statement and says how many rows it changed.
func (c *conn) exec(ctx context.Context, query string, args ...any) (changed int64, err error) {
	st, err := c.stmt(ctx, query)
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// insert runs an INSERT and gives the id of its row.
func (c *conn) insert(ctx context.Context, query string, args ...any) (id int64, err error) {
	st, err := c.stmt(ctx, query)
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// one scans the first row; sql.ErrNoRows when there is none.
func (c *conn) one(ctx context.Context, query string, args []any, into ...any) error {
	st, err := c.stmt(ctx, query)
	if err != nil {
		return err
	}
	return st.QueryRowContext(ctx, args...).Scan(into...)
}

// each calls row for every row until it returns an error; errStop ends without one.
func (c *conn) each(ctx context.Context, query string, args []any, row func(scan func(...any) error) error) error {
	st, err := c.stmt(ctx, query)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); errors.Is(err, errStop) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return rows.Err()
}

func (c *conn) close() {
	for _, st := range c.stmts {
		st.Close()
	}
	c.sql.Close()
}

type stop struct{}

func (stop) Error() string { return "stop" }

// errStop ends conn.each early.
var errStop error = stop{}
