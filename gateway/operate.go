package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/gateway/alarm"
	"github.com/penstock-edge/penstock/gateway/status"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/audit"
)

// Alarms lists every alarm as it is.
func (g *Gateway) Alarms() []status.Alarm {
	list := []status.Alarm{}
	for _, a := range g.panel.List() {
		list = append(list, alarmStatus(a))
	}
	return list
}

func alarmStatus(a alarm.Status) status.Alarm {
	out := status.Alarm{Name: a.Name, State: string(a.State), Severity: a.Severity.String(), Text: a.Text, Since: moment(a.Since), Until: moment(a.Until)}
	if a.Severity == 0 {
		out.Severity = ""
	}
	if a.Acknowledged != nil && a.State == isa.Acknowledged {
		out.Acknowledged = a.Acknowledged.Who.Name
	}
	return out
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Operate acknowledges an alarm, or hides it; who did is on record.
func (g *Gateway) Operate(_ context.Context, o status.Operation) error {
	err := g.operate(o)
	if errors.Is(err, alarm.ErrUnknown) {
		return fmt.Errorf("%w: %q", status.ErrNoAlarm, o.Alarm)
	}
	entry := audit.Entry{Time: time.Now(), Who: o.Who, From: "local", Action: "alarm." + o.Do, Object: o.Alarm, Outcome: audit.Done}
	if o.Comment != "" {
		entry.Details = map[string]string{"comment": o.Comment}
	}
	if err != nil {
		entry.Outcome, entry.Reason = audit.Refused, err.Error()
	}
	return errors.Join(err, g.audit.Append(entry))
}

func (g *Gateway) operate(o status.Operation) error {
	who := isa.Who{Name: o.Who, Comment: o.Comment}
	switch o.Do {
	case "acknowledge":
		return g.panel.Acknowledge(o.Alarm, who)
	case "shelve":
		return g.panel.Shelve(o.Alarm, o.Until, who)
	case "unshelve":
		return g.panel.Unshelve(o.Alarm, who)
	case "out-of-service":
		return g.panel.OutOfService(o.Alarm, who)
	case "in-service":
		return g.panel.InService(o.Alarm, who)
	}
	return fmt.Errorf("an alarm cannot be told to %q: acknowledge, shelve, unshelve, out-of-service, in-service", o.Do)
}
