package local

import (
	"context"
	"database/sql"
	"errors"
)

// ranges is a table that keeps a set of numbers for each epoch, as rows that neither overlap nor touch; both ends included. After a run
// has come in whole, in whatever order, it is one row.
type ranges struct{ before, at, remove, grow, insert string }

var (
	accounted = rangesOf("stored")
	filtered  = rangesOf("filtered")
)

func rangesOf(table string) ranges {
	return ranges{
		before: "SELECT first, last FROM " + table + " WHERE epoch = ? AND first <= ? ORDER BY first DESC LIMIT 1",
		at:     "SELECT last FROM " + table + " WHERE epoch = ? AND first = ?",
		remove: "DELETE FROM " + table + " WHERE epoch = ? AND first = ?",
		grow:   "UPDATE " + table + " SET last = ? WHERE epoch = ? AND first = ?",
		insert: "INSERT INTO " + table + " (epoch, first, last) VALUES (?, ?, ?)",
	}
}

// rangeBefore is the last range that begins at or before n; 0, 0 when there is none.
func (r ranges) rangeBefore(c *conn, epoch, n int64) (first, last int64, err error) {
	err = c.one(context.Background(), r.before, []any{epoch, n}, &first, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, nil
	}
	return first, last, err
}

// has reports whether n is in the set.
func (r ranges) has(c *conn, epoch, n int64) (bool, error) {
	first, last, err := r.rangeBefore(c, epoch, n)
	return first != 0 && last >= n, err
}

// add puts in from..to, of which nothing may be in the set, joining the ranges that it touches.
func (r ranges) add(c *conn, epoch, from, to int64) error {
	bg := context.Background()
	first, last, err := r.rangeBefore(c, epoch, from)
	if err != nil {
		return err
	}
	end := to
	err = c.one(bg, r.at, []any{epoch, to + 1}, &end)
	if err == nil { // the range behind joins this one
		_, err = c.exec(bg, r.remove, epoch, to+1)
	} else if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	switch {
	case err != nil:
	case first != 0 && last == from-1:
		_, err = c.exec(bg, r.grow, end, epoch, first)
	default:
		_, err = c.exec(bg, r.insert, epoch, from, end)
	}
	return err
}

// take takes what of from..to is in the set out of it, and says how many numbers that were.
func (r ranges) take(c *conn, epoch, from, to int64) (taken int64, err error) {
	bg := context.Background()
	for {
		first, last, err := r.rangeBefore(c, epoch, to)
		if err != nil || first == 0 || last < from {
			return taken, err
		}
		taken += min(last, to) - max(first, from) + 1
		if last > to {
			_, err = c.exec(bg, r.insert, epoch, to+1, last)
		}
		switch {
		case err != nil:
		case first < from:
			_, err = c.exec(bg, r.grow, from-1, epoch, first)
		default:
			_, err = c.exec(bg, r.remove, epoch, first)
		}
		if err != nil {
			return taken, err
		}
	}
}

// holes calls see with the runs of from..to that are not in the set, the last first. The set may be changed there.
func (r ranges) holes(c *conn, epoch, from, to int64, see func(from, to int64) error) error {
	for to >= from {
		first, last, err := r.rangeBefore(c, epoch, to)
		if err != nil {
			return err
		}
		if first == 0 || last < from {
			return see(from, to)
		}
		if last < to {
			if err := see(last+1, to); err != nil {
				return err
			}
		}
		to = first - 1
	}
	return nil
}
