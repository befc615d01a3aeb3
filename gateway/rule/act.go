package rule

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// act makes an action of the moment: it fills in what the action needs.
type act func(m *moment, a *action) error

var errNoValue = errors.New("what it is made of has no value just now: a point is bad or has not been read")

// acts compiles what a rule does.
func (p *plan) acts(c config.Actions, ofRow bool) (all []act, err error) {
	var errs []error
	add := func(a act, err error) {
		all, errs = append(all, a), append(errs, err)
	}
	for _, s := range c.Set {
		add(p.assign(kindSet, s, ofRow))
	}
	for _, s := range c.Write {
		add(p.assign(kindWrite, s, ofRow))
	}
	if c.Publish != nil {
		add(p.publish(c.Publish, ofRow))
	}
	if c.Scan != nil {
		add(p.hurry(c.Scan))
	}
	if c.Exec != nil {
		add(p.run(c.Exec, ofRow))
	}
	return all, errors.Join(errs...)
}

func (p *plan) assign(k kind, c config.Assignment, ofRow bool) (act, error) {
	point, err := p.use(c.Point)
	if err != nil {
		return nil, err
	}
	t, err := p.compileText(c.Value, ofRow)
	if err != nil {
		return nil, err
	}
	name := point.FullName()
	return func(m *moment, a *action) error {
		v, err := t.value(m, point)
		if err != nil {
			return err
		}
		s := telemetry.Sample{Value: v, Time: m.now.UnixNano()}
		if v.IsNone() {
			if k == kindWrite {
				return fmt.Errorf("write %s: %w", name, errNoValue)
			}
			s.Quality = telemetry.Bad
		}
		a.Kind, a.Point, a.Value = k, name, keep(s)
		return nil
	}, nil
}

func (p *plan) publish(c *config.Publish, ofRow bool) (act, error) {
	topic, err := p.compileText(c.Topic, ofRow)
	if err != nil {
		return nil, err
	}
	payload, err := p.compileText(c.Payload, ofRow)
	if err != nil {
		return nil, err
	}
	return func(m *moment, a *action) error {
		t, err := topic.expand(m)
		if err != nil {
			return fmt.Errorf("publish: topic: %w", err)
		}
		if err := checkTopic(t); err != nil {
			return err
		}
		a.Kind, a.Topic = kindPublish, p.fullTopic(t)
		if payload.src == "" && m.row != nil {
			a.Payload, err = m.row.Payload()
			return err
		}
		body, err := payload.expand(m)
		a.Payload = []byte(body)
		return err
	}, nil
}

func checkTopic(t string) error {
	if t == "" || len(t) > maxTopic || strings.ContainsAny(t, "+#\x00") {
		return fmt.Errorf("publish: %.80q is no topic: 1 to %d bytes without + and #; a point in the template may be bad", t, maxTopic)
	}
	return nil
}

const maxTopic = 1024 // bytes

// fullTopic puts a topic below the gateway's own, unless it is one of those that have a meaning of their own.
func (p *plan) fullTopic(t string) string {
	for _, own := range []string{"dt/", "cmd/", "$aws/"} {
		if strings.HasPrefix(t, own) {
			return t
		}
	}
	return "dt/" + p.gateway + "/" + t
}

func (p *plan) hurry(c *config.Hurry) (act, error) {
	var names []string
	for _, id := range c.Points {
		point, err := p.use(id)
		if err != nil {
			return nil, err
		}
		names = append(names, point.FullName())
	}
	return func(_ *moment, a *action) error {
		a.Kind, a.Points, a.Scan, a.For = kindScan, names, c.Scan, c.For
		return nil
	}, nil
}

func (p *plan) run(c *config.Exec, ofRow bool) (act, error) {
	if len(c.Command) == 0 || !slices.Contains(p.exec, c.Command[0]) {
		return nil, fmt.Errorf("exec: %q is not in the list of programs that rules may run: add it to exec:", c.Command)
	}
	words := make([]text, len(c.Command))
	for i, word := range c.Command {
		var err error
		if words[i], err = p.compileText(word, ofRow); err != nil {
			return nil, err
		}
	}
	return func(m *moment, a *action) error {
		a.Kind, a.For, a.Command = kindExec, c.Timeout, []string{c.Command[0]}
		for _, word := range words[1:] {
			s, err := word.expand(m)
			if err != nil {
				return fmt.Errorf("exec %s: %w", c.Command[0], err)
			}
			a.Command = append(a.Command, s)
		}
		return nil
	}, nil
}

// tell compiles a rule's alarm.
func (p *plan) tell(c *config.Alarm, on bool) (act, error) {
	t, err := p.compileText(c.Text, false)
	return func(m *moment, a *action) error {
		a.Kind, a.On = kindAlarm, on
		var err error
		if a.Text, err = t.expand(m); err != nil {
			a.Text = t.src // the alarm matters more than its text
		}
		return nil
	}, err
}
