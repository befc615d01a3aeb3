package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/penstock-edge/penstock/cloud"
)

// outboxRow is an item as it is stored, encoded before the writer's turn.
type outboxRow struct {
	queue string
	event int64
	due   int64
	head  []byte
	data  []byte
}

func outboxRows(items []cloud.OutboxItem) (rows []outboxRow, err error) {
	rows = make([]outboxRow, len(items))
	for i := range items {
		if rows[i], err = newOutboxRow(&items[i]); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func newOutboxRow(item *cloud.OutboxItem) (outboxRow, error) {
	head, err := json.Marshal(item)
	return outboxRow{queue: item.Queue, event: int64(item.Event), due: nanos(item.Due), head: head, data: item.Payload}, err
}

func (r outboxRow) insert(c *conn) (id int64, err error) {
	return c.insert(context.Background(), "INSERT INTO rule_outbox (queue, event, due, head, data) VALUES (?, ?, ?, ?, ?)", r.queue, r.event, r.due, r.head, r.data)
}

// Queues implements cloud.RuleOutbox.
func (s *Store) Queues(ctx context.Context) (queues map[string]int, err error) {
	queues = map[string]int{}
	err = s.readers.read(ctx, func(c *conn) error {
		return c.each(ctx, "SELECT queue, count(*) FROM rule_outbox GROUP BY queue", nil, func(scan func(...any) error) error {
			var queue string
			var n int
			err := scan(&queue, &n)
			queues[queue] = n
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("count what actions have to do: %w", err)
	}
	return queues, nil
}

// Outbox implements cloud.RuleOutbox.
func (s *Store) Outbox(ctx context.Context, queue string, max int) (items []cloud.OutboxItem, err error) {
	size := 0
	err = s.readers.read(ctx, func(c *conn) error {
		query := "SELECT id, event, due, head, data FROM rule_outbox WHERE queue = ? ORDER BY id LIMIT ?"
		return c.each(ctx, query, []any{queue, max}, func(scan func(...any) error) error {
			item := cloud.OutboxItem{Queue: queue}
			var due int64
			var head []byte
			if err := scan(&item.ID, &item.Event, &due, &head, &item.Payload); err != nil {
				return err
			}
			if err := json.Unmarshal(head, &item); err != nil {
				return err
			}
			item.Due = moment(due)
			items = append(items, item)
			if size += len(head) + len(item.Payload); size > maxPage {
				return errStop
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read what actions have to do: %w", err)
	}
	return items, nil
}

// Settle implements cloud.RuleOutbox.
func (s *Store) Settle(ctx context.Context, list []cloud.Settlement, failed func(cloud.RuleEvent) *cloud.OutboxItem) ([]cloud.OutboxItem, error) {
	book := &settling{failed: failed, rows: make([]rawRow, len(list))}
	for i := range list {
		if b := list[i].Batch; b != nil {
			if err := checkBatch(b); err != nil {
				return nil, fmt.Errorf("store what a rule says of %s: %w: %w", b.Thing, cloud.ErrInvalid, err)
			}
		}
	}
	err := s.writer.write(ctx, func(c *conn) error {
		for i := range list {
			if err := book.settle(c, i, &list[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("keep what actions have done: %w", err)
	}
	for i := range list {
		if list[i].Batch != nil {
			s.appended(list[i].Batch, book.rows[i])
		}
		if list[i].Chain != nil {
			s.arrived.signal()
		}
	}
	return book.made, nil
}

// settling is one call of Settle.
type settling struct {
	failed func(cloud.RuleEvent) *cloud.OutboxItem
	rows   []rawRow // of the batches stored
	made   []cloud.OutboxItem
}

func (k *settling) settle(c *conn, i int, st *cloud.Settlement) (err error) {
	bg := context.Background()
	if !st.Later.IsZero() {
		head, err := json.Marshal(&st.Item)
		if err == nil {
			_, err = c.exec(bg, "UPDATE rule_outbox SET due = ?, head = ? WHERE id = ?", nanos(st.Later), head, int64(st.Item.ID))
		}
		return err
	}
	if n, err := c.exec(bg, "DELETE FROM rule_outbox WHERE id = ?", int64(st.Item.ID)); err != nil || n == 0 {
		return errors.Join(err, there(n, st.Item.ID))
	}
	if st.Batch != nil {
		if _, k.rows[i], err = appendBatch(c, st.Batch); err != nil {
			return err
		}
	}
	if st.Chain != nil {
		if err := putInbox(c, st.Chain); err != nil {
			return err
		}
	}
	if st.Failure != nil {
		if err := insertDead(c, &st.Item); err != nil {
			return err
		}
	}
	return k.event(c, st)
}

// there is the error of an item that was not there: two of us would execute it.
func there(n int64, id uint64) error {
	if n > 0 {
		return nil
	}
	return fmt.Errorf("item %d is not in the outbox: does a second server use this store?", id)
}

// event tells the event of an item that this one is over.
func (k *settling) event(c *conn, st *cloud.Settlement) error {
	if st.Item.Event == 0 {
		return nil
	}
	bg, id := context.Background(), int64(st.Item.Event)
	var data []byte
	ev := cloud.RuleEvent{ID: st.Item.Event}
	err := c.one(bg, "SELECT open, data FROM rule_event WHERE id = ?", []any{id}, &ev.Open, &data)
	if err == nil {
		err = json.Unmarshal(data, &ev)
	}
	if err != nil {
		return fmt.Errorf("what waits for an action: %w", err)
	}
	ev.Open--
	if st.Failure != nil {
		ev.Failures = append(ev.Failures, *st.Failure)
	}
	if ev.Open > 0 {
		if data, err = json.Marshal(&ev); err == nil {
			_, err = c.exec(bg, "UPDATE rule_event SET open = ?, data = ? WHERE id = ?", ev.Open, data, id)
		}
		return err
	}
	if _, err := c.exec(bg, "DELETE FROM rule_event WHERE id = ?", id); err != nil || len(ev.Failures) == 0 {
		return err
	}
	if item := k.failed(ev); item != nil {
		return k.put(c, *item)
	}
	return nil
}

func (k *settling) put(c *conn, item cloud.OutboxItem) error {
	row, err := newOutboxRow(&item)
	if err != nil {
		return err
	}
	id, err := row.insert(c)
	item.ID = uint64(id)
	k.made = append(k.made, item)
	return err
}

func insertEvent(c *conn, ev *cloud.RuleEvent) (id int64, err error) {
	data, err := json.Marshal(ev)
	if err != nil {
		return 0, err
	}
	return c.insert(context.Background(), "INSERT INTO rule_event (open, data) VALUES (?, ?)", ev.Open, data)
}
