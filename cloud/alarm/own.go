package alarm

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/audit"
	"github.com/penstock-edge/penstock/sync/wire"
)

// Raise is an alarm that a rule of the cloud raises on a thing.
type Raise struct {
	Thing    string
	Name     string // of the alarm, one of the thing's
	Rule     string
	Severity isa.Severity // 0: medium
	Text     string
	Time     time.Time // of what the rule saw
}

// Raise has an alarm wait to be acknowledged, which ends it: what a rule sees in a message is over with the message. One that waits already stays
// as it is, and so does one that changed after r.Time: a rule that comes again after a crash raises nothing twice. cloud.ErrNotFound,
// cloud.ErrConflict when the thing is a gateway with an alarm of this name.
func (d *Desk) Raise(ctx context.Context, r Raise) error {
	a, changed, err := d.o.Store.StepAlarm(ctx, r.Thing, r.Name, func(memory []byte) ([]byte, []wire.AlarmEvent, error) {
		own, err := remember(r.Name, memory, latched, r.Time)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", cloud.ErrInvalid, err)
		}
		if s := own.State(); s == isa.Unacknowledged || s == isa.Returned {
			return nil, nil, nil
		}
		events := own.Step(r.Time, isa.Input{Condition: isa.On, Level: r.Severity})
		events = append(events, own.Step(r.Time, isa.Input{Condition: isa.Off})...)
		if len(events) > 0 && events[0].Time.After(r.Time.Round(0)) {
			return nil, nil, nil // it changed after what the rule saw
		}
		return own.Encode(), r.told(events), nil
	})
	if changed {
		d.o.Tell(cloud.Live{Thing: r.Thing, Alarms: []cloud.Alarm{a}})
	}
	return err
}

// Condition is one that the cloud itself watches on a thing.
type Condition struct {
	Raise
	On bool
}

// Follow has an alarm follow a condition: it clears by itself when that is over, whether anybody has acknowledged it or not. Errors as Raise's.
func (d *Desk) Follow(ctx context.Context, c Condition) error {
	a, changed, err := d.o.Store.StepAlarm(ctx, c.Thing, c.Name, func(memory []byte) ([]byte, []wire.AlarmEvent, error) {
		own, err := remember(c.Name, memory, isa.Config{}, c.Time)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", cloud.ErrInvalid, err)
		}
		in := isa.Input{Condition: isa.Off}
		if c.On {
			in = isa.Input{Condition: isa.On, Level: c.Severity}
		}
		events := own.Step(c.Time, in)
		return own.Encode(), c.told(events), nil
	})
	if changed {
		d.o.Tell(cloud.Live{Thing: c.Thing, Alarms: []cloud.Alarm{a}})
	}
	return err
}

// latched is what a rule raises: it stays until somebody acknowledges it.
var latched = isa.Config{Latch: true}

// remember is an alarm from its memory, or a new one.
func remember(name string, memory []byte, config isa.Config, now time.Time) (*isa.Alarm, error) {
	if memory == nil {
		return isa.New(name, config, now)
	}
	return isa.Decode(memory, config)
}

// told are events as gateways tell theirs.
func (r *Raise) told(events []isa.Event) (told []wire.AlarmEvent) {
	text := r.Text
	if len(text) > wire.MaxAlarmText {
		text = strings.ToValidUTF8(text[:wire.MaxAlarmText], "")
	}
	for _, e := range events {
		w := wire.AlarmEvent{Thing: r.Thing, Rule: r.Rule, Text: text, Alarm: e.Alarm, Sequence: e.Sequence, Occurrence: e.Occurrence,
			Kind: string(e.Kind), From: string(e.From), To: string(e.To), Time: e.Time, Who: wire.AlarmWho(e.Who)}
		if e.Severity != 0 {
			w.Severity = e.Severity.String()
		}
		told = append(told, w)
	}
	return told
}

// acknowledgeOwn ends an alarm that lives here: no gateway has to be told.
func (d *Desk) acknowledgeOwn(ctx context.Context, a cloud.Alarm, ack isa.Acknowledgement, line audit.Entry) (cloud.Alarm, error) {
	raise := Raise{Thing: a.Thing, Rule: a.Rule}
	a, changed, err := d.o.Store.StepAlarm(ctx, a.Gateway, a.Name, func(memory []byte) ([]byte, []wire.AlarmEvent, error) {
		own, err := remember(a.Name, memory, latched, ack.Time)
		if err != nil {
			return nil, nil, err
		}
		events := own.Apply(ack.Time, ack)
		return own.Encode(), raise.told(events), nil
	}, line)
	switch {
	case err != nil:
		return a, err
	case !changed:
		return a, fmt.Errorf("nothing waits to be acknowledged: %w", cloud.ErrConflict)
	}
	d.o.Tell(cloud.Live{Thing: a.Gateway, Alarms: []cloud.Alarm{a}})
	return a, nil
}
