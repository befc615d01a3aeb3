package local

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/penstock-edge/penstock/cloud"
)

// maxPage is how many bytes of an inbox or outbox are read at once; one more item is, whatever its size.
const maxPage = 4 << 20

// PutInbox implements cloud.RuleInbox.
func (s *Store) PutInbox(ctx context.Context, items ...cloud.InboxItem) error {
	err := s.writer.write(ctx, func(c *conn) error {
		for i := range items {
			if err := putInbox(c, &items[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep a message for rules: %w", err)
	}
	s.arrived.signal()
	return nil
}

func putInbox(c *conn, item *cloud.InboxItem) error {
	head, err := json.Marshal(item)
	if err != nil {
		return err
	}
	_, err = c.exec(context.Background(), "INSERT INTO rule_inbox (kind, head, data) VALUES (?, ?, ?)", item.Kind, head, item.Payload)
	return err
}

// Arrived implements cloud.RuleInbox.
func (s *Store) Arrived() <-chan struct{} { return s.arrived }

// Inbox implements cloud.RuleInbox.
func (s *Store) Inbox(ctx context.Context, after uint64, max int) (items []cloud.InboxItem, err error) {
	size := 0
	err = s.readers.read(ctx, func(c *conn) error {
		query := "SELECT id, kind, head, data FROM rule_inbox WHERE id > ? ORDER BY id LIMIT ?"
		return c.each(ctx, query, []any{int64(after), max}, func(scan func(...any) error) error {
			var item cloud.InboxItem
			var head []byte
			if err := scan(&item.ID, &item.Kind, &head, &item.Payload); err != nil {
				return err
			}
			if err := json.Unmarshal(head, &item); err != nil {
				return err
			}
			items = append(items, item)
			if size += len(head) + len(item.Payload); size > maxPage {
				return errStop
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read what rules have to look at: %w", err)
	}
	return items, nil
}

// AppliedRules implements cloud.RuleInbox.
func (s *Store) AppliedRules(ctx context.Context) (list []cloud.AppliedRule, err error) {
	err = s.readers.read(ctx, func(c *conn) error {
		return c.each(ctx, "SELECT name, document, state FROM rule_applied ORDER BY name", nil, func(scan func(...any) error) error {
			var r cloud.AppliedRule
			err := scan(&r.Name, &r.Document, &r.State)
			list = append(list, r)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list the rules at work: %w", err)
	}
	return list, nil
}

// Step implements cloud.RuleInbox.
func (s *Store) Step(ctx context.Context, step *cloud.RuleStep) error {
	if step.Upto > math.MaxInt64 {
		return fmt.Errorf("step to %d: there is no such item", step.Upto)
	}
	out, err := outboxRows(step.Out)
	if err != nil {
		return fmt.Errorf("keep what rules say: %w", err)
	}
	err = s.writer.write(ctx, func(c *conn) error { return takeStep(c, step, out) })
	if err != nil {
		return fmt.Errorf("keep what rules say: %w", err)
	}
	return nil
}

func takeStep(c *conn, step *cloud.RuleStep, out []outboxRow) error {
	bg := context.Background()
	if _, err := c.exec(bg, "DELETE FROM rule_inbox WHERE id <= ?", int64(step.Upto)); err != nil {
		return err
	}
	for i := range step.Rules {
		if err := applyRule(c, &step.Rules[i]); err != nil {
			return err
		}
	}
	events := make([]int64, len(step.Events)+1)
	for i := range step.Events {
		id, err := insertEvent(c, &step.Events[i])
		if err != nil {
			return err
		}
		events[i+1] = id
	}
	for i, row := range out {
		row.event = events[step.Out[i].Event]
		id, err := row.insert(c)
		if err != nil {
			return err
		}
		step.Out[i].ID = uint64(id)
	}
	for i := range step.Dead {
		if err := insertDead(c, &step.Dead[i]); err != nil {
			return err
		}
	}
	return nil
}

func applyRule(c *conn, r *cloud.AppliedRule) (err error) {
	if len(r.Document) == 0 {
		_, err = c.exec(context.Background(), "DELETE FROM rule_applied WHERE name = ?", r.Name)
		return err
	}
	_, err = c.exec(context.Background(), "INSERT INTO rule_applied (name, document, state) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET document = excluded.document, state = excluded.state",
		r.Name, r.Document, r.State)
	return err
}
