package alarm

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Condition is what a rule says of the plant now.
type Condition int

// The conditions. Undefined (no reading, a bad one) changes nothing: what was last known holds, and delays run on.
const (
	Undefined Condition = iota
	Off
	On
)

// Input is what a step is told.
type Input struct {
	Condition Condition
	Level     Severity // with On: the severity of the condition as it is now; 0: Config's. A rise asks to be acknowledged again
}

// Alarm is one alarm. One goroutine uses it at a time. What it knows is in its memory, which Encode stores.
type Alarm struct {
	config Config
	m      memory
}

// memory is what is stored; FORMAT.md draws it.
type memory struct {
	Format     int    `json:"format"`
	Name       string `json:"alarm"`
	Sequence   uint64 `json:"sequence"`             // of the last event
	Occurrence uint64 `json:"occurrence,omitempty"` // 0 when normal
	Asked      uint64 `json:"asked,omitempty"`      // the Sequence with which it last asked to be acknowledged

	Now   time.Time `json:"now"` // of the last step: time never runs backwards here
	On    bool      `json:"on,omitempty"`
	Since time.Time `json:"since,omitzero"`  // when On last changed
	Input Severity  `json:"input,omitempty"` // the condition's level as it was told last
	Level Severity  `json:"level,omitempty"` // the same once the delays are over: what counts

	Active    bool             `json:"active,omitempty"`  // On, after the delays
	Waiting   bool             `json:"waiting,omitempty"` // to be acknowledged
	Clock     time.Time        `json:"clock,omitzero"`    // what escalation and re-alarm count from
	Escalated int              `json:"escalated,omitempty"`
	Ack       *Acknowledgement `json:"acknowledgement,omitempty"` // the last of this occurrence

	ShelvedUntil time.Time `json:"shelved_until,omitzero"`
	Suppressed   bool      `json:"suppressed,omitempty"`
	OutOfService bool      `json:"out_of_service,omitempty"`
}

// New is an alarm in its normal state. Its sequence starts from the time, so that it goes on growing when the memory was lost.
func New(name string, config Config, now time.Time) (*Alarm, error) {
	if err := check(name, config); err != nil {
		return nil, err
	}
	return &Alarm{config.full(), memory{Format: formatVersion, Name: name, Sequence: uint64(max(now.UnixMilli(), 0)), Now: now.UTC()}}, nil
}

func check(name string, config Config) error {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		return fmt.Errorf("alarm name of %d bytes: use 1 to %d, in UTF-8", len(name), maxName)
	}
	if err := config.Validate(); err != nil {
		return fmt.Errorf("alarm %s: %w", name, err)
	}
	return nil
}

// Name is the alarm's.
func (a *Alarm) Name() string { return a.m.Name }

// State is where the alarm is.
func (a *Alarm) State() State {
	switch {
	case a.m.OutOfService:
		return OutOfService
	case a.m.Suppressed:
		return Suppressed
	case !a.m.ShelvedUntil.IsZero():
		return Shelved
	}
	return a.below()
}

// below is the state that hiding hides.
func (a *Alarm) below() State {
	switch {
	case a.m.Active && a.m.Waiting:
		return Unacknowledged
	case a.m.Active:
		return Acknowledged
	case a.m.Waiting:
		return Returned
	}
	return Normal
}

// Severity is the alarm's now; 0 when it is normal or hidden.
func (a *Alarm) Severity() Severity {
	if s := a.State(); s == Normal || s.Hidden() {
		return 0
	}
	severity := a.level()
	for _, e := range a.config.Escalate[:min(a.m.Escalated, len(a.config.Escalate))] {
		severity = max(severity, e.Severity)
	}
	return severity
}

func (a *Alarm) level() Severity {
	if a.m.Level == 0 {
		return a.config.Severity
	}
	return a.m.Level
}

// Acknowledgement is the last one of this occurrence, for the other side; nil when there is none.
func (a *Alarm) Acknowledgement() *Acknowledgement {
	if a.m.Ack == nil {
		return nil
	}
	ack := *a.m.Ack
	return &ack
}

// Step tells the alarm what the condition is at now, and has the clock do what it was to do until then. Call it when the
// condition changes, and at Next; more often changes nothing.
func (a *Alarm) Step(now time.Time, in Input) []Event {
	now, events := a.advance(now)
	if in.Condition == Undefined {
		return events
	}
	if on := in.Condition == On; on != a.m.On {
		a.m.On, a.m.Since = on, now
	}
	if a.m.On {
		events = append(events, a.setLevel(now, min(max(in.Level, 0), Critical))...)
	}
	_, late := a.advance(now) // delays of 0
	return append(events, late...)
}

// setLevel changes the severity with the condition's. A rise of what somebody had acknowledged asks again.
func (a *Alarm) setLevel(now time.Time, level Severity) []Event {
	before := a.level()
	a.m.Input = level
	if level == a.m.Level || !a.m.Active {
		return nil
	}
	kind := Deescalated
	return a.change(now, Who{}, func() Kind {
		a.m.Level = level
		if a.level() > before {
			kind = Escalated
			if !a.m.Waiting {
				a.ask(now)
			}
		}
		return kind
	})
}

// ask makes the alarm wait to be acknowledged by somebody who has seen the event that follows.
func (a *Alarm) ask(now time.Time) {
	a.m.Waiting, a.m.Asked, a.m.Ack = true, a.m.Sequence+1, nil
	a.restart(now)
}

// restart begins to count for escalation and re-alarm.
func (a *Alarm) restart(now time.Time) { a.m.Clock, a.m.Escalated = now, 0 }

// change carries out one step and makes its event, if it showed.
func (a *Alarm) change(now time.Time, who Who, step func() Kind) []Event {
	from, severity := a.State(), a.Severity()
	kind := step()
	to, after := a.State(), a.Severity()
	if a.m.Occurrence == 0 && a.below() != Normal {
		a.m.Occurrence = a.m.Sequence + 1
	}
	e := Event{Alarm: a.m.Name, Sequence: a.m.Sequence + 1, Occurrence: a.m.Occurrence, Kind: kind, From: from, To: to, Severity: after, Time: now, Who: who}
	if after == 0 {
		e.Severity = severity
	}
	if a.below() == Normal {
		a.m.Occurrence, a.m.Asked, a.m.Ack = 0, 0, nil
	}
	if from == to && severity == after && who == (Who{}) {
		return nil
	}
	a.m.Sequence++
	return []Event{e}
}

// cut bounds what people write, and keeps it UTF-8.
func (w Who) cut() Who {
	cut := func(s string, most int) string {
		if len(s) > most {
			s = s[:most]
		}
		return strings.ToValidUTF8(s, "")
	}
	w.Name, w.Comment = cut(w.Name, maxName), cut(w.Comment, maxComment)
	if w == (Who{}) {
		w.Name = "unknown"
	}
	return w
}
