package local

import (
	"context"
	"errors"
	"fmt"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/audit"
)

// Rule implements cloud.RuleStore.
func (s *Store) Rule(ctx context.Context, name string) (r cloud.Rule, err error) {
	err = s.readers.read(ctx, func(c *conn) error {
		r, err = loadRule(ctx, c, name)
		return err
	})
	if err != nil {
		return r, fmt.Errorf("rule %s: %w", name, err)
	}
	return r, nil
}

func loadRule(ctx context.Context, c *conn, name string) (cloud.Rule, error) {
	r := cloud.Rule{Name: name}
	var created, changed int64
	err := c.one(ctx, "SELECT document, created, changed FROM rule WHERE name = ?", []any{name}, &r.Document, &created, &changed)
	r.Created, r.Changed = moment(created), moment(changed)
	return r, notFound(err)
}

// Rules implements cloud.RuleStore.
func (s *Store) Rules(ctx context.Context) (list []cloud.Rule, err error) {
	err = s.readers.read(ctx, func(c *conn) error {
		return c.each(ctx, "SELECT name, document, created, changed FROM rule ORDER BY name", nil, func(scan func(...any) error) error {
			var r cloud.Rule
			var created, changed int64
			err := scan(&r.Name, &r.Document, &created, &changed)
			r.Created, r.Changed = moment(created), moment(changed)
			list = append(list, r)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list rules: %w", err)
	}
	return list, nil
}

// ChangeRule implements cloud.RuleStore.
func (s *Store) ChangeRule(ctx context.Context, name string, change func(*cloud.Rule) (*cloud.Rule, []audit.Entry, error)) error {
	var refused error
	err := s.writer.write(ctx, func(c *conn) error {
		var old *cloud.Rule
		if r, err := loadRule(context.Background(), c, name); err == nil {
			old = &r
		} else if !errors.Is(err, cloud.ErrNotFound) {
			return err
		}
		next, entries, err := change(old)
		if err != nil {
			refused = err
			return err
		}
		return errors.Join(putRule(c, name, next), appendAudit(c, entries...))
	})
	switch {
	case refused != nil:
		return refused
	case err != nil:
		return fmt.Errorf("change the rule %s: %w", name, err)
	}
	s.arrived.signal()
	return nil
}

// putRule stores a rule, or its end when r is nil, with the change's place in the inbox.
func putRule(c *conn, name string, r *cloud.Rule) (err error) {
	bg, item := context.Background(), cloud.InboxItem{Kind: cloud.InboxChange, Rule: name}
	if r == nil {
		_, err = c.exec(bg, "DELETE FROM rule WHERE name = ?", name)
	} else {
		item.Payload, item.Received = r.Document, r.Changed
		_, err = c.exec(bg, "INSERT INTO rule (name, document, created, changed) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET document = excluded.document, changed = excluded.changed",
			name, r.Document, nanos(r.Created), nanos(r.Changed))
	}
	if err != nil {
		return err
	}
	return putInbox(c, &item)
}
