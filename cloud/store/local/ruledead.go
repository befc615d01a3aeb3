package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/audit"
)

// maxDead is how many dead items are kept, of all rules together.
const maxDead = 10_000

func insertDead(c *conn, item *cloud.OutboxItem) error {
	head, err := json.Marshal(item)
	if err != nil {
		return err
	}
	bg := context.Background()
	id, err := c.insert(bg, "INSERT INTO rule_dead (rule, queue, failed, head, data) VALUES (?, ?, ?, ?, ?)", item.Rule, item.Queue, nanos(time.Now()), head, item.Payload)
	if err != nil {
		return err
	}
	_, err = c.exec(bg, "DELETE FROM rule_dead WHERE id <= ?", id-maxDead)
	return err
}

// DeadItems implements cloud.RuleDead.
func (s *Store) DeadItems(ctx context.Context, rule string, before uint64, max int) (items []cloud.DeadItem, err error) {
	if before == 0 || before > 1<<62 {
		before = 1 << 62
	}
	err = s.readers.read(ctx, func(c *conn) error {
		query := "SELECT id, queue, failed, head, data FROM rule_dead WHERE rule = ? AND id < ? ORDER BY id DESC LIMIT ?"
		return c.each(ctx, query, []any{rule, int64(before), max}, func(scan func(...any) error) error {
			item, err := scanDead(scan)
			items = append(items, item)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list what the rule %s could not do: %w", rule, err)
	}
	return items, nil
}

func scanDead(scan func(...any) error) (d cloud.DeadItem, err error) {
	var failed int64
	var head []byte
	var queue string
	var data []byte
	if err := scan(&d.ID, &queue, &failed, &head, &data); err != nil {
		return d, err
	}
	err = json.Unmarshal(head, &d.OutboxItem)
	d.Failed, d.Queue, d.Payload = moment(failed), queue, data
	return d, err
}

// Revive implements cloud.RuleDead. Nobody waits for the item any more: its error action has been told.
func (s *Store) Revive(ctx context.Context, rule string, id uint64, entries ...audit.Entry) (item cloud.OutboxItem, err error) {
	err = s.writer.write(ctx, func(c *conn) error {
		bg := context.Background()
		var d cloud.DeadItem
		found := cloud.ErrNotFound
		err := c.each(bg, "SELECT id, queue, failed, head, data FROM rule_dead WHERE rule = ? AND id = ?", []any{rule, int64(id & (1<<63 - 1))}, func(scan func(...any) error) error {
			found = nil
			d, err = scanDead(scan)
			return err
		})
		if err = errors.Join(err, found); err != nil {
			return err
		}
		if _, err := c.exec(bg, "DELETE FROM rule_dead WHERE id = ?", int64(d.ID)); err != nil {
			return err
		}
		item = d.OutboxItem
		item.Event, item.Tries, item.Created = 0, 0, time.Now()
		made := &settling{}
		if err := made.put(c, item); err != nil {
			return err
		}
		item = made.made[0]
		return appendAudit(c, entries...)
	})
	if err != nil {
		return item, fmt.Errorf("try %d of the rule %s again: %w", id, rule, err)
	}
	return item, nil
}
