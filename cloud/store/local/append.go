package local

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/penstock-edge/penstock/cloud"
)

// Append implements cloud.TelemetryStore. The blocks are kept as they came; compaction makes chunks of them later.
func (s *Store) Append(ctx context.Context, batches ...cloud.Batch) ([]bool, error) {
	for i := range batches {
		if err := checkBatch(&batches[i]); err != nil {
			return nil, fmt.Errorf("append to %s: %w", batches[i].Thing, err)
		}
	}
	stored := make([]bool, len(batches))
	rows := make([]rawRow, len(batches))
	err := s.writer.write(ctx, func(c *conn) (err error) {
		for i := range batches {
			if stored[i], rows[i], err = appendBatch(c, &batches[i]); err != nil {
				return fmt.Errorf("append to %s: %w", batches[i].Thing, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		if stored[i] {
			s.appended(&batches[i], row)
		}
	}
	return stored, nil
}

// appended is called once a batch is on disk.
func (s *Store) appended(b *cloud.Batch, row rawRow) {
	if row.settled {
		s.backlog.add(row.thing, pile{blocks: 1, samples: row.samples, since: time.Now()})
	}
	if b.Inbox != nil {
		s.arrived.signal()
	}
}

func checkBatch(b *cloud.Batch) error {
	switch {
	case (b.Epoch == "") != (b.Seq == 0):
		return fmt.Errorf("epoch %q with sequence number %d: a block has both, any other message neither", b.Epoch, b.Seq)
	case b.Seq > math.MaxInt64:
		return fmt.Errorf("sequence number %d is beyond 2^63-1", b.Seq)
	case b.Oldest > math.MaxInt64:
		return fmt.Errorf("the oldest number %d is beyond 2^63-1", b.Oldest)
	case b.Skipped >= max(b.Seq, 1):
		return fmt.Errorf("%d numbers below number %d are more than there are", b.Skipped, b.Seq)
	case len(b.Block) == 0:
		return errors.New("the block is empty")
	}
	return nil
}

// rawRow is what compaction wants to know of a block that came in.
type rawRow struct {
	thing   int64
	samples int
	settled bool // its times are not in doubt, so it may become chunks
}

func appendBatch(c *conn, b *cloud.Batch) (stored bool, row rawRow, err error) {
	row = rawRow{samples: b.Samples, settled: true}
	if row.thing, err = thingID(context.Background(), c, b.Thing); err != nil {
		return false, row, err
	}
	var epoch, seq any
	if b.Seq != 0 {
		id, err := epochID(c, row.thing, b.Epoch)
		if err != nil {
			return false, row, err
		}
		if fresh, err := record(c, id, place{b.Seq, b.Skipped, b.Oldest}, b.Samples); !fresh || err != nil {
			return false, row, err
		}
		epoch, seq = id, int64(b.Seq)
	}
	if b.Stamp.Doubted() {
		row.settled, err = putDoubtful(c, row.thing, epoch, seq, b)
	} else {
		err = putRaw(c, row.thing, epoch, seq, b)
	}
	if err == nil && b.Inbox != nil {
		err = putInbox(c, b.Inbox)
	}
	return err == nil, row, err
}

func putRaw(c *conn, thing int64, epoch, seq any, b *cloud.Batch) error {
	_, err := c.exec(context.Background(), "INSERT INTO raw (thing, epoch, seq, received, first, last, samples, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		thing, epoch, seq, nanos(b.Received), b.From, b.To, b.Samples, b.Block)
	return err
}
