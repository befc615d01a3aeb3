package alarm

import (
	"time"

	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/wire"
)

// Condition is what a rule says of its alarm's condition.
type Condition struct {
	Rule  string
	Is    isa.Condition
	Level isa.Severity // 0: as configured
	Text  string       // what the alarm says, with the values of this moment
	At    time.Time

	// Occasion counts what the rule has said, where it counts; 0 otherwise. A rule that was cut off by a crash says its last words again: what
	// is no later than what was heard last, by At and by Occasion, is not heard twice.
	Occasion uint64
}

// Condition takes in what a rule says. It is on disk when Condition returns nil; after an error it counts all the same and is stored as soon
// as the disk takes it. Calls of different rules come side by side and share transactions.
func (p *Panel) Condition(c Condition) error {
	p.mu.Lock()
	now := p.now()
	c.At = now.Add(c.At.Sub(now)) // as the clock shows it now: somebody may have set it since
	l := p.lamps[c.Rule]
	if l == nil {
		p.mu.Unlock()
		return ErrUnknown
	}
	if l.heard(c, p.opened) {
		p.mu.Unlock()
		return p.settle() // it may be that what was heard is not on disk
	}
	l.Told, l.Occasion = c.At.UTC().Round(0), c.Occasion
	if text := cut(c.Text, wire.MaxAlarmText); c.Is == isa.On || l.Text == "" {
		l.Text = text
	}
	p.tell(l, l.alarm.Step(c.At, isa.Input{Condition: c.Is, Level: c.Level}), now)
	p.mu.Unlock()
	return p.settle()
}

// heard says whether this was said before. Without a number, only what was said before this start can have been, and of two at one time both
// count.
func (l *lamp) heard(c Condition, opened time.Time) bool {
	switch at := c.At.UTC().Round(0); {
	case l.Told.IsZero() || at.After(l.Told):
		return false
	case c.Occasion == 0:
		return at.Before(l.Told) && at.Before(opened)
	default:
		return c.Occasion <= l.Occasion
	}
}
