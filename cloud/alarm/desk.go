package alarm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/penstock-edge/penstock/cloud"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/audit"
	"github.com/penstock-edge/penstock/sync/wire"
)

// maxComment is how much a person may say, in bytes. sync/alarm keeps no more.
const maxComment = 1 << 10

// Store is the part of a cloud.Store that is used here.
type Store interface {
	cloud.AlarmStore
	cloud.AcknowledgementStore
	cloud.OwnAlarmStore
}

// Options are what the desk stands on. Store and Publish are required.
type Options struct {
	Store Store
	// Publish sends a message to whoever has subscribed. Nobody having done so is no error.
	Publish func(ctx context.Context, topic string, payload []byte) error
	Tell    func(cloud.Live) // those who watch; may be nil
	Log     *slog.Logger     // default slog.Default()
}

// Desk is where alarms are acknowledged. Every method may be called from any goroutine.
type Desk struct {
	o        Options
	reminder *cloud.Reminder
}

// New makes a desk. Run must be running for gateways to be told again.
func New(o Options) *Desk {
	if o.Tell == nil {
		o.Tell = func(cloud.Live) {}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Desk{o: o, reminder: cloud.NewReminder()}
}

// Acknowledge records that who knows of an alarm of a gateway or of a device behind one, and tells the gateway. from is the way the request
// came by, for the audit log. cloud.ErrNotFound, cloud.ErrConflict when the alarm does not wait for it, cloud.ErrInvalid.
func (d *Desk) Acknowledge(ctx context.Context, thing, name string, who isa.Who, from string) (cloud.Alarm, error) {
	if len(who.Comment) > maxComment || !utf8.ValidString(who.Comment) {
		return cloud.Alarm{}, fmt.Errorf("a comment of %d bytes is %w: at most %d, in UTF-8", len(who.Comment), cloud.ErrInvalid, maxComment)
	}
	a, err := d.o.Store.Alarm(ctx, thing, name)
	if err != nil {
		return a, err
	}
	ack := isa.Acknowledgement{Alarm: a.Name, Occurrence: a.Occurrence, Sequence: a.Sequence, Time: time.Now().UTC().Round(0), Who: who}
	if a.Own {
		return d.acknowledgeOwn(ctx, a, ack, line(a, ack, from))
	}
	if a, err = d.o.Store.Acknowledge(ctx, a.Gateway, ack, line(a, ack, from)); err != nil {
		return a, err
	}
	d.reminder.Later(a.Gateway)
	if err := d.publish(ctx, a.Gateway, ack); err != nil {
		d.o.Log.Warn("an acknowledgement is stored, and its gateway told later", "gateway", a.Gateway, "alarm", name, "err", err)
	}
	d.o.Tell(cloud.Live{Thing: a.Gateway, Alarms: []cloud.Alarm{a}})
	return a, nil
}

func line(a cloud.Alarm, ack isa.Acknowledgement, from string) audit.Entry {
	e := audit.Entry{Time: ack.Time, Who: ack.Who.Name, From: from, Action: "alarm.acknowledge", Object: a.Gateway + "/" + a.Name, Outcome: audit.Done,
		Details: map[string]string{"state": string(a.State), "severity": a.Severity.String(), "text": a.Text}}
	if ack.Who.Comment != "" {
		e.Details["comment"] = ack.Who.Comment
	}
	return e
}

// Connected has a gateway told what it has not shown to know. Call it for each of the gateway's connections.
func (d *Desk) Connected(gateway string) { d.reminder.Connected(gateway) }

// Gone says that a connection of a gateway ended.
func (d *Desk) Gone(gateway string) { d.reminder.Gone(gateway) }

// Run tells gateways again what they have not shown to know, until ctx ends.
func (d *Desk) Run(ctx context.Context) error { return d.reminder.Run(ctx, d.tell) }

// tell publishes what is left for a gateway, and says whether there was something.
func (d *Desk) tell(ctx context.Context, gateway string) (more bool) {
	acks, err := d.o.Store.Acknowledgements(ctx, gateway)
	for _, ack := range acks {
		err = errors.Join(err, d.publish(ctx, gateway, ack))
	}
	if err != nil && ctx.Err() == nil {
		d.o.Log.Warn("acknowledgements are told later", "gateway", gateway, "err", err)
	}
	return err != nil || len(acks) > 0
}

// publish sends an acknowledgement as sync/alarm has it.
func (d *Desk) publish(ctx context.Context, gateway string, ack isa.Acknowledgement) error {
	payload, err := json.Marshal(ack)
	if err == nil {
		err = d.o.Publish(ctx, wire.AcknowledgeTopic(gateway), payload)
	}
	if err != nil {
		return fmt.Errorf("tell that %s was acknowledged: %w", ack.Alarm, err)
	}
	return nil
}
