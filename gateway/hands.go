package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/penstock-edge/penstock/gateway/alarm"
	"github.com/penstock-edge/penstock/gateway/command"
	"github.com/penstock-edge/penstock/gateway/rule"
	"github.com/penstock-edge/penstock/gateway/status"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/session"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// hands are what the gateway's rules act through.
type hands struct{ *Gateway }

// Set gives virtual points values, as if they had been read.
func (h hands) Set(samples []telemetry.Sample) { h.flow.Put(samples) }

// Write goes the way of all writes.
func (h hands) Write(ctx context.Context, o rule.Order) error {
	return h.desk.Do(ctx, command.Order{
		Point: h.cfg.Points[o.Point].FullName(), Value: o.Value, Who: "rule:" + o.Rule, From: "rule", Channel: command.Rule, Key: o.Key, Issued: o.At.Add(-h.clock.Ahead()),
	}).Err()
}

var errNoCloud = errors.New("there is no cloud to publish to: add a target under cloud:")

// Publish waits until the cloud has taken the message.
func (h hands) Publish(ctx context.Context, topic string, payload []byte) error {
	if h.lead == nil {
		return errNoCloud
	}
	return h.lead.session.Publish(ctx, session.Message{Topic: topic, Payload: payload})
}

// Hurry asks every connection; each looks for the points that are its own.
func (h hands) Hurry(points []telemetry.PointID, scan, d time.Duration) {
	for _, p := range h.pollers {
		p.Hurry(points, scan, d)
	}
}

// Alarm tells the panel. What the disk refuses is told all the same, and logged by the panel.
func (h hands) Alarm(a rule.Alarm) {
	is := isa.Off
	if a.On {
		is = isa.On
	}
	if err := h.panel.Condition(alarm.Condition{Rule: a.Rule, Is: is, Text: a.Text, At: a.At, Occasion: a.Occasion}); err != nil {
		h.log.Error("an alarm is not on disk yet", "rule", a.Rule, "err", err)
	}
}

// ruleStatus is how the rules fare.
func (g *Gateway) ruleStatus() []status.Rule {
	list := []status.Rule{}
	for _, s := range g.rules.Stats() {
		list = append(list, status.Rule{Name: s.Rule, On: s.On, Seen: s.Seen, Fired: s.Fired, Errors: s.Errors, Dropped: s.Dropped, Why: s.LastError})
	}
	return list
}
