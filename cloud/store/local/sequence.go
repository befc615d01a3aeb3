package local

import (
	"context"
	"database/sql"
	"errors"
)

// epochID is the row of one life of a gateway's buffer, made when it's first heard of.
func epochID(c *conn, thing int64, name string) (id int64, err error) {
	bg := context.Background()
	err = c.one(bg, "SELECT id FROM epoch WHERE thing = ? AND name = ?", []any{thing, name}, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return c.insert(bg, "INSERT INTO epoch (thing, name) VALUES (?, ?)", thing, name)
	}
	return id, err
}

// record notes that seq is stored and counts it, as stored when it's fresh and as a repeat when it isn't.
func record(c *conn, epoch, seq int64, samples int) (fresh bool, err error) {
	bg := context.Background()
	fresh, err = addSequence(c, epoch, seq)
	switch {
	case err != nil:
	case fresh:
		_, err = c.exec(bg, "UPDATE epoch SET blocks = blocks + 1, samples = samples + ? WHERE id = ?", samples, epoch)
	default:
		_, err = c.exec(bg, "UPDATE epoch SET repeats = repeats + 1 WHERE id = ?", epoch)
	}
	return fresh, err
}

// addSequence adds seq to the epoch's set of ranges, joining those it touches. After a run has come in whole, in whatever
// order, it is one row.
func addSequence(c *conn, epoch, seq int64) (fresh bool, err error) {
	bg := context.Background()
	first, last, err := rangeBefore(c, epoch, seq)
	if err != nil || first != 0 && last >= seq {
		return false, err
	}
	grow := first != 0 && last == seq-1
	if !grow {
		first = seq
	}
	last = seq
	err = c.one(bg, "SELECT last FROM stored WHERE epoch = ? AND first = ?", []any{epoch, seq + 1}, &last)
	if err == nil { // the range behind joins this one
		_, err = c.exec(bg, "DELETE FROM stored WHERE epoch = ? AND first = ?", epoch, seq+1)
	} else if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	if err != nil {
		return false, err
	}
	if grow {
		_, err = c.exec(bg, "UPDATE stored SET last = ? WHERE epoch = ? AND first = ?", last, epoch, first)
	} else {
		_, err = c.exec(bg, "INSERT INTO stored (epoch, first, last) VALUES (?, ?, ?)", epoch, first, last)
	}
	return err == nil, err
}

// rangeBefore is the last range that begins at or before seq; 0, 0 when there is none.
func rangeBefore(c *conn, epoch, seq int64) (first, last int64, err error) {
	err = c.one(context.Background(), "SELECT first, last FROM stored WHERE epoch = ? AND first <= ? ORDER BY first DESC LIMIT 1",
		[]any{epoch, seq}, &first, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, nil
	}
	return first, last, err
}
