package cloud

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/audit"
	"github.com/penstock-edge/penstock/sync/wire"
)

// AlarmBatch is the events of one message. Epoch, Seq, Skipped and Oldest are as a Batch's: the message is a record of the gateway's buffer as a block is.
type AlarmBatch struct {
	Gateway  string
	Epoch    string
	Seq      uint64
	Skipped  uint64
	Oldest   uint64
	Received time.Time
	Events   []wire.AlarmEvent
}

// AlarmRecord is an event as it is kept.
type AlarmRecord struct {
	Gateway  string    `json:"gateway"`
	Received time.Time `json:"received"`
	wire.AlarmEvent
	Place Place `json:"-"`
}

// Alarm is where one alarm is. Its name is its gateway's to give: Gateway and Name together are unique.
type Alarm struct {
	Gateway      string               `json:"gateway"` // who tells of it; the thing itself of one that lives in the cloud
	Thing        string               `json:"thing"`
	Name         string               `json:"name"`
	Rule         string               `json:"rule,omitempty"`
	State        isa.State            `json:"state"`
	Severity     isa.Severity         `json:"severity,omitempty"` // of one that is over: what it had
	Text         string               `json:"text,omitempty"`
	Since        time.Time            `json:"since,omitzero"` // when this occurrence began; zero when it is over
	Changed      time.Time            `json:"changed"`        // when the last event happened
	Until        time.Time            `json:"until,omitzero"` // of one that is shelved: when that ends
	Kind         isa.Kind             `json:"kind"`           // of the last event
	Occurrence   uint64               `json:"occurrence,omitempty"`
	Sequence     uint64               `json:"sequence"`               // of the last event
	Acknowledged *AlarmAcknowledged   `json:"acknowledged,omitempty"` // while nobody is asked again
	Own          bool                 `json:"own,omitempty"`          // it lives in the cloud: raised by a rule here
	Pending      *isa.Acknowledgement `json:"pending,omitempty"`      // made here, and its gateway has not shown that it knows
	Place        Place                `json:"-"`
}

// AlarmAcknowledged says who knows, and since when.
type AlarmAcknowledged struct {
	Who  isa.Who   `json:"who"`
	Time time.Time `json:"time"`
}

// Waits reports whether somebody is to acknowledge the alarm.
func (a *Alarm) Waits() bool { return a.State == isa.Unacknowledged || a.State == isa.Returned }

// Take moves the alarm on by an event. One that came late changes at most when its occurrence began, and
// whether an acknowledgement is pending.
func (a *Alarm) Take(e wire.AlarmEvent) (changed bool) {
	settled := a.settle(e)
	if e.Sequence <= a.Sequence {
		began := e.Occurrence != 0 && e.Occurrence == a.Occurrence && e.Sequence == e.Occurrence && !a.Since.IsZero()
		if began {
			a.Since = e.Time
		}
		return began || settled
	}
	to := isa.State(e.To)
	switch {
	case to == isa.Normal || e.Occurrence == 0:
		e.Occurrence, a.Since, a.Acknowledged = 0, time.Time{}, nil
	case e.Occurrence != a.Occurrence || a.Since.IsZero():
		a.Since, a.Acknowledged = e.Time, nil
	}
	switch {
	case e.Kind == string(isa.Acked) && to != isa.Normal:
		a.Acknowledged = &AlarmAcknowledged{Who: isa.Who(e.Who), Time: e.Time}
	case to == isa.Unacknowledged || to == isa.Returned:
		a.Acknowledged = nil
	}
	if e.Text != "" {
		a.Text = e.Text
	}
	a.Name, a.Thing, a.Rule, a.State, a.Severity = e.Alarm, e.Thing, e.Rule, to, severity(e.Severity)
	a.Changed, a.Until, a.Kind, a.Occurrence, a.Sequence = e.Time, e.Until, isa.Kind(e.Kind), e.Occurrence, e.Sequence
	return true
}

// severity reads a word; none of ours is none.
func severity(word string) (s isa.Severity) {
	_ = s.UnmarshalText([]byte(word)) // leaves it 0; the decoder let no other word through
	return s
}

// settle forgets an acknowledgement of ours once an event shows that it took effect, or never will: the occurrence is over, or the alarm
// asked again, which whoever acknowledged had not seen.
func (a *Alarm) settle(e wire.AlarmEvent) (settled bool) {
	if a.Pending == nil || e.Sequence <= a.Pending.Sequence {
		return false // it happened before what whoever acknowledged had seen
	}
	from, to := isa.State(e.From), isa.State(e.To)
	again := e.Kind == string(isa.Raised) || e.Kind == string(isa.ReAlarmed) || from == isa.Acknowledged && to == isa.Unacknowledged
	known := to == isa.Acknowledged || e.Kind == string(isa.Acked)
	if to == isa.Normal || e.Occurrence != a.Pending.Occurrence || known || again {
		a.Pending = nil
	}
	return a.Pending == nil
}

// AlarmView says which alarms a list has.
type AlarmView string

// The views.
const (
	AlarmsActive AlarmView = "active" // what an operator has to see: neither normal nor hidden
	AlarmsHidden AlarmView = "hidden" // shelved, suppressed, out of service
	AlarmsAll    AlarmView = "all"    // the normal ones too
)

// View is the narrowest view that has the alarm.
func (a *Alarm) View() AlarmView {
	switch {
	case a.State.Hidden():
		return AlarmsHidden
	case a.State == isa.Normal:
		return AlarmsAll
	}
	return AlarmsActive
}

// AlarmQuery asks for alarms, or for events of the past: the newest first.
type AlarmQuery struct {
	Thing  string    // a gateway with all that is behind it, or one device; every one when empty
	Name   string    // of the alarm; every one when empty
	View   AlarmView // of alarms only
	Before Place     // go on behind this one; zero: from the newest
	Max    int
}

// Place is where a list is read on: when it happened, and a number that tells apart what happened at one time.
type Place struct{ Time, ID int64 }

// String is the place as a word; empty for the zero one.
func (p Place) String() string {
	if p == (Place{}) {
		return ""
	}
	return strconv.FormatInt(p.Time, 10) + "." + strconv.FormatInt(p.ID, 10)
}

// ParsePlace reads what String wrote.
func ParsePlace(text string) (p Place, err error) {
	if text == "" {
		return p, nil
	}
	at, id, _ := strings.Cut(text, ".")
	if p.Time, err = strconv.ParseInt(at, 10, 64); err == nil {
		p.ID, err = strconv.ParseInt(id, 10, 64)
	}
	if err != nil || p.ID < 1 {
		return Place{}, fmt.Errorf("%.40q is no place in a list: give the one that the page before ended with", text)
	}
	return p, nil
}

// AlarmStore keeps the events of alarms, and where each alarm is.
type AlarmStore interface {
	// AppendAlarms stores a message once per (gateway, epoch, seq), and each event once per (gateway, alarm, sequence). stored tells whether
	// the message was new; changed are the alarms that it moved, each once. All of it is durable when it returns.
	AppendAlarms(ctx context.Context, b AlarmBatch) (changed []Alarm, stored bool, err error)
	// Alarm finds an alarm by its gateway or the thing it is about. ErrNotFound.
	Alarm(ctx context.Context, thing, name string) (Alarm, error)
	// Alarms lists alarms by their last event, the newest first.
	Alarms(ctx context.Context, q AlarmQuery) ([]Alarm, error)
	// AlarmHistory lists events by when they happened, the newest first.
	AlarmHistory(ctx context.Context, q AlarmQuery) ([]AlarmRecord, error)
}

// AcknowledgementStore keeps acknowledgements made here until their gateways show that they know.
type AcknowledgementStore interface {
	// Acknowledge keeps ack for its alarm, with the lines that tell of it, and gives the alarm as it is then. ErrConflict when the alarm does
	// not wait for it: it is over, of another occurrence, or acknowledged already.
	Acknowledge(ctx context.Context, gateway string, ack isa.Acknowledgement, entries ...audit.Entry) (Alarm, error)
	// Acknowledgements are those of a gateway that are still to be told.
	Acknowledgements(ctx context.Context, gateway string) ([]isa.Acknowledgement, error)
}

// OwnAlarmStore keeps alarms that live in the cloud.
type OwnAlarmStore interface {
	// StepAlarm hands step the memory of an alarm of a thing (nil: it is new) and stores what it gives back with its events and the lines that
	// tell of it, all in one transaction; changed is false when there are no events, and then nothing is stored. step must not call the store.
	// ErrNotFound when there is no such thing, ErrConflict when a gateway has an alarm of that name.
	StepAlarm(ctx context.Context, thing, name string, step AlarmStep, entries ...audit.Entry) (a Alarm, changed bool, err error)
}

// AlarmStep moves an alarm on: from its memory, as sync/alarm encodes it, to the next and the events on the way.
type AlarmStep func(memory []byte) (next []byte, events []wire.AlarmEvent, err error)
