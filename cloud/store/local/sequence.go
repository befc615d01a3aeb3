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

// place is where a message is in its epoch.
type place struct{ seq, skipped, oldest uint64 }

// record notes that a message is stored and counts it, as stored when it's fresh and as a repeat when it isn't.
func record(c *conn, epoch int64, at place, samples int) (fresh bool, err error) {
	bg, seq := context.Background(), int64(at.seq)
	fresh, err = addSequence(c, epoch, seq)
	switch {
	case err != nil:
	case fresh:
		_, err = c.exec(bg, "UPDATE epoch SET blocks = blocks + 1, samples = samples + ?, held = max(held, ?) WHERE id = ?", samples, int64(at.oldest), epoch)
		if err == nil {
			err = arrived(c, epoch, at.seq, samples)
		}
		if err == nil && at.skipped > 0 {
			err = skip(c, epoch, seq-int64(at.skipped), seq-1)
		}
	default:
		_, err = c.exec(bg, "UPDATE epoch SET repeats = repeats + 1 WHERE id = ?", epoch)
	}
	return fresh, err
}

// addSequence adds seq to what is stored. It may have been said never to come.
func addSequence(c *conn, epoch, seq int64) (fresh bool, err error) {
	there, err := accounted.has(c, epoch, seq)
	switch {
	case err != nil:
		return false, err
	case !there:
		return true, accounted.add(c, epoch, seq, seq)
	}
	came, err := filtered.take(c, epoch, seq, seq)
	if err == nil && came > 0 {
		_, err = c.exec(context.Background(), "UPDATE epoch SET filtered = filtered - 1 WHERE id = ?", epoch)
	}
	return came > 0, err
}

// skip accounts for numbers that were never for this cloud: those that neither came nor were declared lost.
func skip(c *conn, epoch, from, to int64) error {
	bg := context.Background()
	var added int64
	note := func(from, to int64) error {
		added += to - from + 1
		return errors.Join(filtered.add(c, epoch, from, to), accounted.add(c, epoch, from, to))
	}
	err := accounted.holes(c, epoch, from, to, func(from, to int64) error {
		losses, err := lossesOf(bg, c, epoch, uint64(from), uint64(to))
		for i := 0; err == nil && i < len(losses); i++ {
			if first := int64(losses[i].From); first > from {
				err = note(from, first-1)
			}
			from = int64(losses[i].To) + 1
		}
		if err == nil && from <= to {
			err = note(from, to)
		}
		return err
	})
	if err == nil && added > 0 {
		_, err = c.exec(bg, "UPDATE epoch SET filtered = filtered + ? WHERE id = ?", added, epoch)
	}
	return err
}

// unskip has numbers count as missing again that were said to be never for this cloud.
func unskip(c *conn, epoch, from, to int64) error {
	for {
		first, last, err := filtered.rangeBefore(c, epoch, to)
		if err != nil || first == 0 || last < from {
			return err
		}
		first, last = max(first, from), min(last, to)
		_, err = filtered.take(c, epoch, first, last)
		if err == nil {
			_, err = accounted.take(c, epoch, first, last)
		}
		if err == nil {
			_, err = c.exec(context.Background(), "UPDATE epoch SET filtered = filtered - ? WHERE id = ?", last-first+1, epoch)
		}
		if err != nil {
			return err
		}
	}
}
