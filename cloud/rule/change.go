package rule

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/audit"
)

// Person is who changes a rule, and the way they came by, for the audit log.
type Person struct{ Name, From string }

// maxRules bounds how many rules there are.
const maxRules = 1000

// Create makes a rule. cloud.ErrExists; an error that wraps cloud.ErrInvalid says what is wrong with the document.
func (e *Engine) Create(ctx context.Context, by Person, name string, document []byte) error {
	if err := e.check(name, document); err != nil {
		return err
	}
	return e.change(ctx, name, func(old *cloud.Rule) (*cloud.Rule, []audit.Entry, error) {
		switch {
		case old != nil:
			return nil, nil, fmt.Errorf("the rule %s: %w", name, cloud.ErrExists)
		case len(e.known) >= maxRules:
			return nil, nil, fmt.Errorf("there are %d rules: %w", maxRules, cloud.ErrTooMany)
		}
		now := time.Now().UTC()
		return &cloud.Rule{Name: name, Document: document, Created: now, Changed: now}, by.line("rule.create", name, document), nil
	})
}

// Replace gives a rule another document. cloud.ErrNotFound.
func (e *Engine) Replace(ctx context.Context, by Person, name string, document []byte) error {
	if err := e.check(name, document); err != nil {
		return err
	}
	return e.edit(ctx, name, func(r *cloud.Rule) ([]audit.Entry, error) {
		r.Document = document
		return by.line("rule.replace", name, document), nil
	})
}

// Enable turns a rule on or off. One that is on already is no error.
func (e *Engine) Enable(ctx context.Context, by Person, name string, on bool) error {
	return e.edit(ctx, name, func(r *cloud.Rule) (_ []audit.Entry, err error) {
		r.Document, err = enabled(r.Document, on)
		if on {
			return by.line("rule.enable", name, nil), err
		}
		return by.line("rule.disable", name, nil), err
	})
}

// Delete takes a rule away. What its actions have still to do is done.
func (e *Engine) Delete(ctx context.Context, by Person, name string) error {
	return e.change(ctx, name, func(old *cloud.Rule) (*cloud.Rule, []audit.Entry, error) {
		if old == nil {
			return nil, nil, notThere(name)
		}
		return nil, by.line("rule.delete", name, nil), nil
	})
}

func notThere(name string) error { return fmt.Errorf("the rule %.128s: %w", name, cloud.ErrNotFound) }

func (e *Engine) edit(ctx context.Context, name string, edit func(*cloud.Rule) ([]audit.Entry, error)) error {
	return e.change(ctx, name, func(old *cloud.Rule) (*cloud.Rule, []audit.Entry, error) {
		if old == nil {
			return nil, nil, notThere(name)
		}
		next := *old
		next.Changed = time.Now().UTC()
		lines, err := edit(&next)
		return &next, lines, err
	})
}

// change stores a change. While that is under way, messages are kept that the rule wants to see as it was or as it will be, so that none is
// missed; which of both sees a message is decided by the change's place in the inbox, so that never both do.
func (e *Engine) change(ctx context.Context, name string, change func(*cloud.Rule) (*cloud.Rule, []audit.Entry, error)) error {
	e.changing.Lock()
	defer e.changing.Unlock()
	var next *cloud.Rule
	err := e.o.Store.ChangeRule(ctx, name, func(old *cloud.Rule) (_ *cloud.Rule, lines []audit.Entry, err error) {
		if next, lines, err = change(old); err == nil && next != nil {
			e.filters.Store(newFilters(append(e.list(), *next)))
		}
		return next, lines, err
	})
	switch {
	case err != nil:
	case next == nil:
		delete(e.known, name)
	default:
		e.known[name] = *next
	}
	e.filters.Store(newFilters(e.list()))
	return err
}

func (e *Engine) list() []cloud.Rule { return slices.Collect(maps.Values(e.known)) }

// check finds what is wrong with a rule, its actions included.
func (e *Engine) check(name string, text []byte) error {
	err := validName(name)
	if err == nil {
		var d *document
		if d, err = parseDocument(text); err == nil {
			_, err = e.compile(d)
		}
	}
	if err != nil {
		return invalid{err}
	}
	return nil
}

// invalid is an error of a document, in its own words.
type invalid struct{ error }

func (i invalid) Unwrap() []error { return []error{i.error, cloud.ErrInvalid} }

func (p Person) line(action, name string, document []byte) []audit.Entry {
	entry := audit.Entry{Time: time.Now().UTC(), Who: p.Name, From: p.From, Action: action, Object: name, Outcome: audit.Done}
	if document != nil {
		entry.Details = map[string]string{"document": clip(string(document))}
	}
	return []audit.Entry{entry}
}

// Retry has an execution that failed done once more. cloud.ErrNotFound; cloud.ErrInvalid when there is nothing to try: its templates gave nothing.
func (e *Engine) Retry(ctx context.Context, by Person, name string, id uint64) error {
	list, err := e.o.Store.DeadItems(ctx, name, id+1, 1)
	switch {
	case err != nil:
		return err
	case len(list) == 0 || list[0].ID != id:
		return fmt.Errorf("nothing of the rule %.128s failed under the id %d: %w", name, id, cloud.ErrNotFound)
	case len(list[0].Call) == 0:
		return invalid{fmt.Errorf("it cannot be tried: %s", list[0].Error)}
	}
	item, err := e.o.Store.Revive(ctx, name, id, by.line("rule.retry", name, []byte(list[0].Key))...)
	if err == nil {
		e.pumps.put([]cloud.OutboxItem{item})
	}
	return err
}
