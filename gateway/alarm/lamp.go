package alarm

import (
	"strings"
	"time"

	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/wire"
)

// lamp is one alarm on the panel. The panel's mu guards it.
type lamp struct {
	alarm *isa.Alarm
	account
	fresh bool      // it has no past
	dirty bool      // it is newer than on the shelf
	next  time.Time // when the clock has something to do here; zero: never
}

// account is what is known of an alarm besides its life. It is on the shelf.
type account struct {
	Name     string           `json:"name"`
	Thing    string           `json:"thing"`
	Text     string           `json:"text,omitempty"`     // as its condition came last
	Told     time.Time        `json:"told,omitzero"`      // when its rule said something last
	Occasion uint64           `json:"occasion,omitempty"` // and the number of that
	Since    time.Time        `json:"since,omitzero"`     // of its state
	Until    time.Time        `json:"until,omitzero"`     // of being shelved
	Last     *wire.AlarmEvent `json:"last,omitempty"`     // event
	Held     *wire.AlarmEvent `json:"held,omitempty"`     // events that came too fast, folded into one
	Spent    time.Time        `json:"spent,omitzero"`     // when all that it told has had its time (flood.go)
}

func (l *lamp) name() string { return l.account.Name }

// event is an event as others read it.
func (l *lamp) event(e isa.Event) wire.AlarmEvent {
	severity, _ := e.Severity.MarshalText() // sync/alarm makes no others
	w := wire.AlarmEvent{
		Thing: l.Thing, Alarm: e.Alarm, Rule: e.Alarm, Sequence: e.Sequence, Occurrence: e.Occurrence, Kind: string(e.Kind), From: string(e.From), To: string(e.To),
		Severity: string(severity), Time: e.Time, Who: wire.AlarmWho(e.Who), Text: l.Text,
	}
	if e.Kind == isa.Shelve {
		w.Until = l.Until
	}
	return w
}

// wake finds out when the clock has something to do.
func (l *lamp) wake() {
	l.next, _ = l.alarm.Next()
	if l.Held == nil {
		return
	}
	if at := l.release(); l.next.IsZero() || at.Before(l.next) {
		l.next = at
	}
}

// tell takes in what a step of an alarm's life came to. It holds p.mu.
func (p *Panel) tell(l *lamp, events []isa.Event, now time.Time) {
	for _, e := range events {
		w := l.event(e)
		w.Time = w.Time.Add(-p.o.Ahead())
		l.Last = &w
		if e.From != e.To {
			l.Since = e.Time
		}
		p.pass(l, w, now)
	}
	if l.alarm.State() != isa.Shelved && !l.Until.After(now) {
		l.Until = time.Time{}
	}
	l.dirty, l.fresh = true, false
	l.wake()
	p.changes++
	if !l.next.IsZero() && (p.armed.IsZero() || l.next.Before(p.armed)) {
		p.poke()
	}
}

// cut bounds a text, and keeps it UTF-8.
func cut(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "")
}
