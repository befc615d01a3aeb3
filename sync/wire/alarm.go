package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// AlarmEvent is one step in an alarm's life, as sync/alarm has it, with what people read. Alarm, of one gateway, and Sequence together
// never come twice: who gets an event again knows it.
type AlarmEvent struct {
	Thing      string    `json:"thing"` // whose condition it is: plant7, or plant7:press when it is about one device only
	Alarm      string    `json:"alarm"` // its name, one of a gateway's
	Sequence   uint64    `json:"sequence"`
	Occurrence uint64    `json:"occurrence,omitempty"` // the same from raised to normal
	Kind       string    `json:"kind"`                 // raised, cleared, acknowledged ...: sync/alarm's, and retired
	From       string    `json:"from"`                 // states of ISA-18.2, in sync/alarm's words
	To         string    `json:"to"`
	Severity   string    `json:"severity,omitempty"` // low, medium, high, critical
	Time       time.Time `json:"time"`
	Until      time.Time `json:"until,omitzero"` // of shelved: when that ends
	Who        AlarmWho  `json:"who,omitzero"`   // zero: nobody, the clock or the condition did it
	Text       string    `json:"text,omitempty"` // what it says, with the values of the moment its condition came
	Rule       string    `json:"rule,omitempty"` // the rule that raises it

	// Merged is how many events before this one are told by it: those of an alarm that comes and goes too often are folded into one, from the
	// first one's From to the last one's To. They had the Merged sequence numbers before this one's.
	Merged uint64 `json:"merged,omitempty"`
}

// AlarmWho is a person, or what acts for one.
type AlarmWho struct {
	Name    string `json:"name"`
	Comment string `json:"comment,omitempty"`
}

// AlarmRetired is the kind of an alarm's last event: its rule was taken out of the configuration.
const AlarmRetired = "retired"

// Bounds of one message of alarms, and of what is in it, in bytes.
const (
	MaxAlarmEvents  = 64
	MaxAlarmMessage = 64 << 10
	MaxAlarmText    = 1 << 10
	maxAlarmName    = 256 // of an alarm, a rule, a person
	maxAlarmWord    = 32  // of a kind, a state
)

// ErrAlarm is what every error about a message of alarms wraps.
var ErrAlarm = errors.New("no alarm events that are understood")

type alarmEvents struct {
	Events []AlarmEvent `json:"events"`
}

// EncodeAlarms writes a message of as many of the events as one takes, from the first on, and says how many those are: at least one.
func EncodeAlarms(events []AlarmEvent) (payload []byte, n int, err error) {
	events = events[:min(len(events), MaxAlarmEvents)]
	if err := checkAlarms(events); err != nil {
		return nil, 0, fmt.Errorf("encode alarm events: %w", err)
	}
	for n = len(events); ; n = n / 2 {
		payload, err = json.Marshal(alarmEvents{events[:n]})
		if err != nil {
			return nil, 0, fmt.Errorf("encode alarm events: %w: %w", ErrAlarm, err)
		}
		if len(payload) <= MaxAlarmMessage || n == 1 { // one within its bounds always fits
			return payload, n, nil
		}
	}
}

// DecodeAlarms reads what EncodeAlarms wrote.
func DecodeAlarms(payload []byte) ([]AlarmEvent, error) {
	if len(payload) > MaxAlarmMessage {
		return nil, fmt.Errorf("decode alarm events: %w: %d bytes, at most %d", ErrAlarm, len(payload), MaxAlarmMessage)
	}
	var m alarmEvents
	if err := json.Unmarshal(payload, &m); err != nil {
		return nil, fmt.Errorf("decode alarm events: %w: %w", ErrAlarm, err)
	}
	if err := checkAlarms(m.Events); err != nil {
		return nil, fmt.Errorf("decode alarm events: %w", err)
	}
	return m.Events, nil
}

func checkAlarms(events []AlarmEvent) error {
	if len(events) == 0 || len(events) > MaxAlarmEvents {
		return fmt.Errorf("%w: %d in one message; 1 to %d are allowed", ErrAlarm, len(events), MaxAlarmEvents)
	}
	for i := range events {
		if err := events[i].check(); err != nil {
			return fmt.Errorf("%w: event %d: %w", ErrAlarm, i, err)
		}
	}
	return nil
}

func (e *AlarmEvent) check() error {
	for _, f := range []struct {
		name, text  string
		least, most int
	}{
		{"alarm", e.Alarm, 1, maxAlarmName}, {"rule", e.Rule, 0, maxAlarmName}, {"kind", e.Kind, 1, maxAlarmWord}, {"from", e.From, 1, maxAlarmWord}, {"to", e.To, 1, maxAlarmWord},
		{"text", e.Text, 0, MaxAlarmText}, {"who.name", e.Who.Name, 0, maxAlarmName}, {"who.comment", e.Who.Comment, 0, MaxAlarmText},
	} {
		if n := len(f.text); n < f.least || n > f.most || !utf8.ValidString(f.text) {
			return fmt.Errorf("its %s has %d bytes; %d to %d are allowed, in UTF-8", f.name, n, f.least, f.most)
		}
	}
	switch {
	case !ValidName(e.Thing):
		return fmt.Errorf("its thing is %.80q; 1 to %d of a-z A-Z 0-9 : _ - are allowed", e.Thing, MaxThing)
	case !slices.Contains([]string{"", "low", "medium", "high", "critical"}, e.Severity):
		return fmt.Errorf("its severity is %q; use low, medium, high or critical", e.Severity)
	case e.Sequence == 0 || e.Sequence > 1<<53 || e.Occurrence > e.Sequence || e.Merged >= e.Sequence:
		return fmt.Errorf("its numbers do not fit together: sequence %d, occurrence %d, merged %d", e.Sequence, e.Occurrence, e.Merged)
	case outside(e.Time) || !e.Until.IsZero() && outside(e.Until):
		return fmt.Errorf("its time is %v, or it is shelved until %v", e.Time, e.Until)
	}
	return nil
}

// outside says that a time is none that an alarm's clock shows.
func outside(t time.Time) bool { return t.Year() < 1970 || t.Year() > 5000 }
