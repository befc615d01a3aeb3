package local

import (
	"context"
	"fmt"
	"math"

	"github.com/penstock-edge/penstock/cloud"
)

// Ledger implements cloud.LedgerStore: epochs in the order in which they were first heard of.
func (s *Store) Ledger(ctx context.Context, gateway string) (ledger cloud.Ledger, err error) {
	err = s.readers.read(ctx, func(c *conn) error {
		thing, err := thingID(ctx, c, gateway)
		if err != nil {
			return err
		}
		query := "SELECT id, name, blocks, samples, repeats FROM epoch WHERE thing = ? ORDER BY id"
		var ids []int64
		err = c.each(ctx, query, []any{thing}, func(scan func(...any) error) error {
			var e cloud.EpochLedger
			var id int64
			err := scan(&id, &e.Epoch, &e.StoredBlocks, &e.StoredSamples, &e.Repeats)
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

// account fills in what is stored and what is not.
func account(ctx context.Context, c *conn, epoch int64, e *cloud.EpochLedger) error {
	stored, err := runs(ctx, c, "SELECT first, last, 0, '' FROM stored WHERE epoch = ? ORDER BY first", epoch)
	if err != nil {
		return err
	}
	losses, err := runs(ctx, c, "SELECT first, last, samples, reason FROM loss WHERE epoch = ? ORDER BY first", epoch)
	if err != nil {
		return err
	}
	if len(stored) > 0 {
		e.FirstSeq, e.LastSeq = stored[0].From, stored[len(stored)-1].To
	}
	e.Gaps = gaps(stored, losses)
	return nil
}

func runs(ctx context.Context, c *conn, query string, args ...any) (found []cloud.Gap, err error) {
	err = c.each(ctx, query, args, func(scan func(...any) error) error {
		var g cloud.Gap
		err := scan(&g.From, &g.To, &g.Samples, &g.Reason)
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

func checkLoss(l cloud.Loss) error {
	switch {
	case l.Epoch == "":
		return fmt.Errorf("a loss of %d to %d names no epoch", l.From, l.To)
	case l.From < 1 || l.To < l.From || l.To > math.MaxInt64:
		return fmt.Errorf("a loss of %d to %d is no run of sequence numbers", l.From, l.To)
	case l.Samples > math.MaxInt64:
		return fmt.Errorf("a loss of %d samples is more than can be", l.Samples)
	case l.Reason == "" || l.Reason == missing:
		return fmt.Errorf("a loss %q: want a reason such as evicted or damaged", l.Reason)
	}
	return nil
}

// declare records one loss. Of what is declared twice the wider run counts; what only overlaps is recorded for
// the numbers that nobody had declared.
func declare(c *conn, thing int64, l cloud.Loss) error {
	bg := context.Background()
	epoch, err := epochID(c, thing, l.Epoch)
	if err != nil {
		return err
	}
	known, err := runs(bg, c, "SELECT first, last, samples, reason FROM loss WHERE epoch = ? AND first <= ? AND last >= ? ORDER BY first",
		epoch, int64(l.To), int64(l.From))
	if err != nil {
		return err
	}
	add, drop := mergeLoss(known, cloud.Gap{From: l.From, To: l.To, Samples: l.Samples, Reason: l.Reason})
	for _, g := range drop {
		if _, err := c.exec(bg, "DELETE FROM loss WHERE epoch = ? AND first = ?", epoch, int64(g.From)); err != nil {
			return err
		}
	}
	for _, g := range add {
		if _, err := c.exec(bg, "INSERT INTO loss (epoch, first, last, samples, reason) VALUES (?, ?, ?, ?, ?)",
			epoch, int64(g.From), int64(g.To), int64(g.Samples), g.Reason); err != nil {
			return err
		}
	}
	return nil
}
