package rule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	isa "github.com/penstock-edge/penstock/sync/alarm"
)

// Alarm is what an alarm action raises.
type Alarm struct {
	Thing    string       `json:"thing"`
	Name     string       `json:"name"`
	Rule     string       `json:"rule"`
	Severity isa.Severity `json:"-"`
	Level    string       `json:"severity,omitempty"` // Severity in words
	Text     string       `json:"text,omitempty"`
	Time     time.Time    `json:"time"`
}

// raising raises an alarm on a thing.
type raising struct{ thing, name, severity, text text }

func (k *kinds) newRaising(m *maker) (action, error) {
	var s struct {
		Thing    string `json:"thing"`
		Name     string `json:"name"`
		Severity string `json:"severity"`
		Text     string `json:"text"`
	}
	m.read(&s)
	m.needs("name", s.Name)
	a := &raising{m.text("thing", s.Thing), m.text("name", s.Name), m.text("severity", s.Severity), m.text("text", s.Text)}
	if m.err == nil && a.severity.template == nil {
		_, m.err = severity(s.Severity)
	}
	if m.err == nil && k.o.Raise == nil {
		m.err = errors.New("no alarms are kept here")
	}
	return a, m.err
}

func severity(word string) (s isa.Severity, err error) {
	if word == "" {
		return 0, nil
	}
	if err := s.UnmarshalText([]byte(word)); err != nil {
		return 0, fmt.Errorf("severity: %w", err)
	}
	return s, nil
}

func (a *raising) kind() string     { return kindAlarm }
func (a *raising) resource() string { return a.name.constant }

func (a *raising) call(o *occasion) (any, error) {
	c := Alarm{Thing: o.thing, Rule: o.rule, Time: o.at}
	var err [4]error
	if a.thing.constant != "" {
		c.Thing, err[0] = a.thing.must(o, "thing")
	}
	c.Name, err[1] = a.name.must(o, "name")
	c.Level, err[2] = a.severity.expand(o)
	c.Text, err[3] = a.text.expand(o)
	if err := errors.Join(err[:]...); err != nil {
		return nil, err
	}
	if c.Thing == "" {
		return nil, errors.New("thing is missing, and the topic names none: say whose alarm it is")
	}
	_, bad := severity(c.Level)
	return c, bad
}

func (e *Engine) raise(ctx context.Context, item *cloud.OutboxItem) (st cloud.Settlement, err error) {
	var a Alarm
	if err := json.Unmarshal(item.Call, &a); err != nil {
		return st, refuse("read what to raise: %w", err)
	}
	if a.Severity, err = severity(a.Level); err != nil {
		return st, refusal{err}
	}
	return st, e.o.Raise(ctx, a)
}
