package local

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// settleAtOnce is how many blocks are put right in one transaction: others wait for it.
const settleAtOnce = 64

// PutRight implements cloud.ClockStore. The verdict is written first: from then on nothing is added to what was in doubt.
func (s *Store) PutRight(ctx context.Context, gateway string, verdicts []wire.Verdict) error {
	for _, v := range verdicts {
		var thing int64
		err := s.writer.write(ctx, func(c *conn) (err error) {
			if thing, err = thingID(context.Background(), c, gateway); err != nil {
				return err
			}
			_, err = c.exec(context.Background(), "INSERT OR IGNORE INTO verdict (thing, boot, doubt, known_by, lost) VALUES (?, ?, ?, ?, ?)",
				thing, v.Boot.String(), v.Doubt, v.Offset, v.Lost)
			return err
		})
		for more := true; err == nil && more; {
			more, err = s.settleSome(ctx, thing, v)
		}
		if err != nil {
			return fmt.Errorf("put times of %s right: %w", gateway, err)
		}
	}
	return nil
}

// settleSome makes blocks of a doubt blocks like any others, as if they came now, and says whether there may be more.
func (s *Store) settleSome(ctx context.Context, thing int64, v wire.Verdict) (more bool, err error) {
	var moved pile
	err = s.writer.write(ctx, func(c *conn) error {
		moved = pile{since: time.Now()} // it may be tried again
		verdict, known, err := verdictOn(c, thing, wire.Stamp{Boot: v.Boot, Doubt: v.Doubt})
		if err != nil || !known {
			return err
		}
		ids, err := doubtfulOf(c, thing, v)
		for _, id := range ids {
			samples, err := moveDoubtful(c, id, verdict)
			if err != nil {
				return err
			}
			moved.blocks++
			moved.samples += samples
		}
		return err
	})
	if err == nil && moved.blocks > 0 {
		s.backlog.add(thing, moved)
	}
	return moved.blocks == settleAtOnce, err
}

func doubtfulOf(c *conn, thing int64, v wire.Verdict) (ids []int64, err error) {
	query := "SELECT id FROM doubtful WHERE thing = ? AND boot = ? AND doubt = ? ORDER BY id LIMIT ?"
	err = c.each(context.Background(), query, []any{thing, v.Boot.String(), v.Doubt, settleAtOnce}, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

func moveDoubtful(c *conn, id int64, v wire.Verdict) (samples int, err error) {
	bg := context.Background()
	var data []byte
	if err := c.one(bg, "SELECT samples, data FROM doubtful WHERE id = ?", []any{id}, &samples, &data); err != nil {
		return 0, err
	}
	block, first, last, err := judged(data, v)
	if err != nil {
		return 0, fmt.Errorf("block %d in doubt: %w", id, err)
	}
	_, err = c.exec(bg, `INSERT INTO raw (thing, epoch, seq, received, first, last, samples, data)
		SELECT thing, epoch, seq, received, ?, ?, samples, ? FROM doubtful WHERE id = ?`, first, last, block, id)
	if err == nil {
		_, err = c.exec(bg, "DELETE FROM doubtful WHERE id = ?", id)
	}
	return samples, err
}

// judged is a block after the verdict on its times. One that is lost keeps its stamp, and so its marks.
func judged(block []byte, v wire.Verdict) (after []byte, first, last int64, err error) {
	after = block
	if !v.Lost {
		if after, err = wire.Settle(block, v.Offset); errors.Is(err, wire.ErrDamaged) {
			after = block // its times cannot be moved so far: they stay, marked
		}
	}
	sum, err := wire.Peek(after)
	return after, sum.From, sum.To, err
}

func verdictOn(c *conn, thing int64, s wire.Stamp) (v wire.Verdict, known bool, err error) {
	v = wire.Verdict{Boot: s.Boot, Doubt: s.Doubt}
	err = c.one(context.Background(), "SELECT known_by, lost FROM verdict WHERE thing = ? AND boot = ? AND doubt = ?", []any{thing, s.Boot.String(), s.Doubt}, &v.Offset, &v.Lost)
	if errors.Is(err, sql.ErrNoRows) {
		return v, false, nil
	}
	return v, err == nil, err
}

// putDoubtful stores a new block whose times are in doubt: put right when the verdict came before it, which settled then says, else apart.
func putDoubtful(c *conn, thing int64, epoch, seq any, b *cloud.Batch) (settled bool, err error) {
	v, known, err := verdictOn(c, thing, b.Stamp)
	if err != nil {
		return false, err
	}
	if known {
		block, first, last, err := judged(b.Block, v)
		if err == nil {
			err = putRaw(c, thing, epoch, seq, &cloud.Batch{Received: b.Received, From: first, To: last, Samples: b.Samples, Block: block})
		}
		return true, err
	}
	_, err = c.exec(context.Background(), "INSERT INTO doubtful (thing, epoch, seq, received, first, last, samples, boot, doubt, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		thing, epoch, seq, nanos(b.Received), b.From, b.To, b.Samples, b.Stamp.Boot.String(), b.Stamp.Doubt, b.Block)
	return false, err
}

// latestDoubtful is how many blocks in doubt are looked at for the latest values.
const latestDoubtful = 64

// overlay puts what came last in doubt over what is known of the points. Their times say nothing of the order, so the order of arrival does.
func overlay(ctx context.Context, c *conn, m *merger, thing int64, points map[string]telemetry.Sample) (map[string]telemetry.Sample, error) {
	fresh := map[string]telemetry.Sample{}
	query := "SELECT data FROM doubtful WHERE thing = ? AND id > (SELECT coalesce(max(id), 0) FROM doubtful WHERE thing = ?1) - ? ORDER BY id"
	err := c.each(ctx, query, []any{thing, latestDoubtful}, func(scan func(...any) error) error {
		var data []byte
		if err := scan(&data); err != nil {
			return err
		}
		return m.dec.Decode(data, func(name string, smp telemetry.Sample) bool {
			fresh[name] = smp
			return true
		})
	})
	if err != nil || len(fresh) == 0 {
		return points, err
	}
	for name, smp := range points {
		if _, doubtful := fresh[name]; !doubtful {
			fresh[name] = smp
		}
	}
	return fresh, nil
}
