package alarm

import "time"

// deadline is something that the clock will do.
type deadline struct {
	at   time.Time
	step func(now time.Time) Kind
}

// Next is when Step has to be called at the latest, though the condition stays; false when the clock has nothing to do.
func (a *Alarm) Next() (time.Time, bool) {
	d, ok := a.next()
	return d.at, ok
}

// next is the earliest deadline; of two at one time the one that is listed first.
func (a *Alarm) next() (deadline, bool) {
	var first deadline
	for _, d := range []deadline{a.unshelving(), a.delay(), a.escalation(), a.reAlarm()} {
		if d.step != nil && (first.step == nil || d.at.Before(first.at)) {
			first = d
		}
	}
	return first, first.step != nil
}

// advance has the clock do what was due until now, each at its own time. Time that runs backwards stands still here.
func (a *Alarm) advance(now time.Time) (time.Time, []Event) {
	now = now.UTC().Round(0)
	if now.Before(a.m.Now) {
		now = a.m.Now
	}
	var events []Event
	for d, ok := a.next(); ok && !d.at.After(now); d, ok = a.next() {
		if d.at.Before(a.m.Now) { // a delay that was made shorter meanwhile
			d.at = a.m.Now
		}
		a.m.Now = d.at
		events = append(events, a.change(d.at, Who{}, func() Kind { return d.step(d.at) })...)
	}
	a.m.Now = now
	return now, events
}

func (a *Alarm) unshelving() deadline {
	if a.m.ShelvedUntil.IsZero() {
		return deadline{}
	}
	return deadline{at: a.m.ShelvedUntil, step: func(now time.Time) Kind {
		a.show(now, func() { a.m.ShelvedUntil = time.Time{} })
		return Unshelve
	}}
}

func (a *Alarm) delay() deadline {
	switch {
	case a.m.On && !a.m.Active:
		return deadline{at: a.m.Since.Add(a.config.OnDelay), step: a.raise}
	case !a.m.On && a.m.Active:
		return deadline{at: a.m.Since.Add(a.config.OffDelay), step: a.clear}
	}
	return deadline{}
}

func (a *Alarm) raise(now time.Time) Kind {
	a.m.Active, a.m.Level = true, a.m.Input
	a.ask(now)
	return Raised
}

func (a *Alarm) clear(now time.Time) Kind {
	a.m.Active = false
	if a.m.Waiting && a.config.Latch {
		return Gone
	}
	a.m.Waiting = false
	a.m.Level = 0
	a.restart(now)
	return Cleared
}

// escalation happens to what shows and waits.
func (a *Alarm) escalation() deadline {
	n := a.m.Escalated
	if !a.m.Waiting || a.State().Hidden() || n >= len(a.config.Escalate) {
		return deadline{}
	}
	return deadline{at: a.m.Clock.Add(a.config.Escalate[n].After), step: func(time.Time) Kind {
		a.m.Escalated++
		return Escalated
	}}
}

func (a *Alarm) reAlarm() deadline {
	if a.State() != Acknowledged || a.config.ReAlarm == 0 {
		return deadline{}
	}
	return deadline{at: a.m.Clock.Add(a.config.ReAlarm), step: func(now time.Time) Kind {
		a.ask(now)
		return ReAlarmed
	}}
}

// Last is when the last step was: time never runs backwards from there.
func (a *Alarm) Last() time.Time { return a.m.Now }

// Shift moves all that is past and to come in time, because somebody has set the clock: what is left of a delay stays what it is.
func (a *Alarm) Shift(by time.Duration) {
	for _, t := range []*time.Time{&a.m.Now, &a.m.Since, &a.m.Clock, &a.m.ShelvedUntil} {
		if !t.IsZero() {
			*t = t.Add(by)
		}
	}
}
