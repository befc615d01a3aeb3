package alarm

import (
	"strconv"
	"time"
)

// Kind is what happened.
type Kind string

// The kinds of events.
const (
	Raised      Kind = "raised"
	Cleared     Kind = "cleared" // the condition is gone, and nothing is asked of anybody
	Gone        Kind = "gone"    // the condition is gone, and the alarm waits to be acknowledged
	Acked       Kind = "acknowledged"
	Escalated   Kind = "escalated"
	Deescalated Kind = "deescalated"
	ReAlarmed   Kind = "re-alarmed"
	Shelve      Kind = "shelved"
	Unshelve    Kind = "unshelved"
	Suppress    Kind = "suppressed"
	Unsuppress  Kind = "unsuppressed"
	Removed     Kind = "out of service"
	Restored    Kind = "in service"
)

// Event is one step in an alarm's life. Alarm and Sequence together never come twice, so that who gets an event again knows it.
type Event struct {
	Alarm      string    `json:"alarm"`
	Sequence   uint64    `json:"sequence"`   // grows by one with each event of the alarm
	Occurrence uint64    `json:"occurrence"` // the same from raised to normal: the Sequence of its first event
	Kind       Kind      `json:"kind"`
	From       State     `json:"from"`
	To         State     `json:"to"`
	Severity   Severity  `json:"severity,omitempty"` // after the event; of what ended, before it
	Time       time.Time `json:"time"`               // of what happened, which a late Step does not change
	Who        Who       `json:"who,omitzero"`       // zero: nobody, the clock or the condition did it
}

// ID names the event.
func (e Event) ID() string { return e.Alarm + "/" + strconv.FormatUint(e.Sequence, 10) }

// Who is a person, or what acts for one.
type Who struct {
	Name    string `json:"name"`              // at most 256 bytes are kept
	Comment string `json:"comment,omitempty"` // at most 1 KiB is kept
}

const (
	maxName    = 256
	maxComment = 1 << 10
)
