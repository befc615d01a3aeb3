package local

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/wire"
)

// Ledger implements cloud.LedgerStore: epochs in the order in which they were first heard of.
func (s *Store) Ledger(ctx context.Context, gateway string) (ledger cloud.Ledger, err error) {
	err = s.readers.read(ctx, func(c *conn) error {
		thing, err := thingID(ctx, c, gateway)
		if err != nil {
			return err
		}
		query := "SELECT id, name, blocks, samples, repeats, filtered, held FROM epoch WHERE thing = ? ORDER BY id"
		var ids []int64
		err = c.each(ctx, query, []any{thing}, func(scan func(...any) error) error {
			var e cloud.EpochLedger
			var id int64
			err := scan(&id, &e.Epoch, &e.StoredBlocks, &e.StoredSamples, &e.Repeats, &e.Filtered, &e.Held)
			ids, ledger.Epochs = append(ids, id), append(ledger.Epochs, e)
			return err
		})
		for i := 0; err == nil && i < len(ids); i++ {
			err = account(ctx, c, ids[i], &ledger.Epochs[i])
		}
		return err
	})
	if err != nil {
		return cloud.Ledger{}, fmt.Errorf("ledger of %s: %w", gateway, err)
	}
	return ledger, nil
}

// Incomplete implements cloud.LedgerStore. All that is accounted for is one run from 1 where nothing is missing, and a number that was
// declared lost is not accounted for.
func (s *Store) Incomplete(ctx context.Context) (names []string, err error) {
	query := "SELECT name FROM thing WHERE id IN (SELECT thing FROM epoch WHERE id IN (SELECT epoch FROM stored WHERE first > 1 UNION SELECT epoch FROM loss UNION SELECT epoch FROM thinned UNION SELECT epoch FROM given_up)) ORDER BY name"
	err = s.readers.read(ctx, func(c *conn) error {
		return c.each(ctx, query, nil, func(scan func(...any) error) error {
			names = append(names, "")
			return scan(&names[len(names)-1])
		})
	})
	if err != nil {
		return nil, fmt.Errorf("look for incomplete ledgers: %w", err)
	}
	return names, nil
}

// account fills in what is stored and what is not.
func account(ctx context.Context, c *conn, epoch int64, e *cloud.EpochLedger) error {
	known, err := runs(ctx, c, "SELECT first, last, 0, '', '' FROM stored WHERE epoch = ? ORDER BY first", epoch)
	if err != nil {
		return err
	}
	losses, err := runs(ctx, c, "SELECT first, last, samples, reason, class FROM loss WHERE epoch = ? ORDER BY first", epoch)
	if err != nil {
		return err
	}
	thinned, err := runs(ctx, c, "SELECT first, last, samples, reason, class FROM thinned WHERE epoch = ? ORDER BY first", epoch)
	if err != nil {
		return err
	}
	e.Gaps, e.Thinned, e.GivenUp = gaps(known, losses), join(thinned), []cloud.GivenUp{}
	err = c.each(ctx, "SELECT reason, samples FROM given_up WHERE epoch = ? ORDER BY reason", []any{epoch}, func(scan func(...any) error) error {
		var g cloud.GivenUp
		err := scan(&g.Reason, &g.Samples)
		e.GivenUp = append(e.GivenUp, g)
		return err
	})
	if err != nil {
		return err
	}
	if len(known) == 0 {
		return nil
	}
	e.FirstSeq, e.LastSeq = known[0].From, known[len(known)-1].To
	var last uint64 // what was never for this cloud comes before what was
	err = c.one(ctx, "SELECT last FROM filtered WHERE epoch = ? AND first = ?", []any{epoch, int64(e.FirstSeq)}, &last)
	switch {
	case err == nil:
		e.FirstSeq = last + 1
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	return nil
}

func runs(ctx context.Context, c *conn, query string, args ...any) (found []cloud.Gap, err error) {
	err = c.each(ctx, query, args, func(scan func(...any) error) error {
		var g cloud.Gap
		err := scan(&g.From, &g.To, &g.Samples, &g.Reason, &g.Class)
		found = append(found, g)
		return err
	})
	return found, err
}

// Declare implements cloud.LedgerStore.
func (s *Store) Declare(ctx context.Context, gateway string, losses []cloud.Loss) error {
	for _, l := range losses {
		if err := checkLoss(l); err != nil {
			return fmt.Errorf("losses of %s: %w", gateway, err)
		}
	}
	return s.writer.write(ctx, func(c *conn) error {
		thing, err := thingID(context.Background(), c, gateway)
		for i := 0; err == nil && i < len(losses); i++ {
			err = declare(c, thing, losses[i])
		}
		if err != nil {
			return fmt.Errorf("losses of %s: %w", gateway, err)
		}
		return nil
	})
}

// GiveUp implements cloud.LedgerStore.
func (s *Store) GiveUp(ctx context.Context, gateway string, given []cloud.GivenUp) error {
	for _, g := range given {
		if g.Epoch == "" || g.Reason == "" || g.Samples > math.MaxInt64 {
			return fmt.Errorf("%d samples of %s given up in epoch %q for the reason %q: a number with both words is needed", g.Samples, gateway, g.Epoch, g.Reason)
		}
	}
	return s.writer.write(ctx, func(c *conn) error {
		thing, err := thingID(context.Background(), c, gateway)
		for i := 0; err == nil && i < len(given); i++ {
			err = giveUp(c, thing, given[i])
		}
		if err != nil {
			return fmt.Errorf("what %s gave up: %w", gateway, err)
		}
		return nil
	})
}

func giveUp(c *conn, thing int64, g cloud.GivenUp) error {
	epoch, err := epochID(c, thing, g.Epoch)
	if err == nil {
		_, err = c.exec(context.Background(), "INSERT INTO given_up (epoch, reason, samples) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET samples = max(samples, excluded.samples)",
			epoch, g.Reason, int64(g.Samples))
	}
	return err
}

func checkLoss(l cloud.Loss) error {
	switch {
	case l.Epoch == "":
		return fmt.Errorf("a loss of %d to %d names no epoch", l.From, l.To)
	case l.From < 1 || l.To < l.From || l.To > math.MaxInt64:
		return fmt.Errorf("a loss of %d to %d is no run of sequence numbers", l.From, l.To)
	case l.Samples > math.MaxInt64:
		return fmt.Errorf("a loss of %d samples is more than can be", l.Samples)
	case l.Reason == "" || l.Reason == cloud.Missing:
		return fmt.Errorf("a loss %q: want a reason such as evicted or damaged", l.Reason)
	}
	return nil
}

// declare records one loss.
func declare(c *conn, thing int64, l cloud.Loss) error {
	epoch, err := epochID(c, thing, l.Epoch)
	if err != nil {
		return err
	}
	run := cloud.Gap{From: l.From, To: l.To, Samples: l.Samples, Reason: l.Reason, Class: l.Class}
	if l.Reason == wire.LossDownsampled {
		return thinnings.declare(c, epoch, run)
	}
	if err := unskip(c, epoch, int64(l.From), int64(l.To)); err != nil { // an explicit word counts more
		return err
	}
	return lost.declare(c, epoch, run)
}

// lossesOf are the declared runs that overlap from..to.
func lossesOf(ctx context.Context, c *conn, epoch int64, from, to uint64) ([]cloud.Gap, error) {
	return runs(ctx, c, lost.overlap, epoch, int64(to), int64(from))
}

// arrived takes a block that came after all out of what was declared lost, with its samples.
func arrived(c *conn, epoch int64, seq uint64, samples int) error {
	known, err := lossesOf(context.Background(), c, epoch, seq, seq)
	if err != nil || len(known) == 0 {
		return err
	}
	return lost.replace(c, epoch, known, carve(known, seq, seq, uint64(samples)))
}

// declarations is a table of runs that were declared; those of one epoch do not overlap.
type declarations struct{ overlap, remove, insert string }

var (
	lost      = declarationsOf("loss")
	thinnings = declarationsOf("thinned")
)

func declarationsOf(table string) declarations {
	return declarations{
		// No more runs overlap than begin inside, and the one before: a walk back along the key, not through all of the epoch's.
		overlap: "SELECT first, last, samples, reason, class FROM " + table + " WHERE epoch = ?1 AND first <= ?2 AND last >= ?3 AND first >= " +
			"coalesce((SELECT max(first) FROM " + table + " WHERE epoch = ?1 AND first <= ?3), ?3) ORDER BY first",
		remove: "DELETE FROM " + table + " WHERE epoch = ? AND first = ?",
		insert: "INSERT INTO " + table + " (epoch, first, last, samples, reason, class) VALUES (?, ?, ?, ?, ?, ?)",
	}
}

// declare records one run. Of what is declared twice the later word counts.
func (d declarations) declare(c *conn, epoch int64, run cloud.Gap) error {
	known, err := runs(context.Background(), c, d.overlap, epoch, int64(run.To), int64(run.From))
	if err != nil || len(known) == 1 && known[0] == run {
		return err
	}
	return d.replace(c, epoch, known, append(carve(known, run.From, run.To, run.Samples), run))
}

func (d declarations) replace(c *conn, epoch int64, old, fresh []cloud.Gap) error {
	bg := context.Background()
	for _, g := range old {
		if _, err := c.exec(bg, d.remove, epoch, int64(g.From)); err != nil {
			return err
		}
	}
	for _, g := range fresh {
		if _, err := c.exec(bg, d.insert, epoch, int64(g.From), int64(g.To), int64(g.Samples), g.Reason, g.Class); err != nil {
			return err
		}
	}
	return nil
}
