package alarm

import (
	"errors"
	"fmt"
	"time"
)

// ErrShelf is what shelving until a time that is past, or too far off, comes to.
var ErrShelf = errors.New("shelve until a time to come, within ten years")

// Acknowledge says that who knows. Nothing happens when nothing waits for it.
func (a *Alarm) Acknowledge(now time.Time, who Who) []Event {
	now, events := a.advance(now)
	if !a.m.Waiting {
		return events
	}
	return append(events, a.apply(now, Acknowledgement{a.m.Name, a.m.Occurrence, a.seen(), now, who.cut()})...)
}

// Apply takes over an acknowledgement that was made on the other side. It does nothing if that was of another occurrence, or
// by somebody who had not seen that the alarm asked again. Of two for one alarm the one that saw more is kept.
func (a *Alarm) Apply(now time.Time, ack Acknowledgement) []Event {
	now, events := a.advance(now)
	if ack.Alarm != a.m.Name || a.m.Occurrence == 0 || ack.Occurrence != a.m.Occurrence || ack.Sequence < a.m.Asked || ack.Sequence > a.seen() {
		return events
	}
	ack.Who, ack.Time = ack.Who.cut(), ack.Time.UTC().Round(0)
	return append(events, a.apply(now, ack)...)
}

// seen is the most that anybody can have seen: the last event, or of an alarm that was raised hidden, the one to come.
func (a *Alarm) seen() uint64 { return max(a.m.Sequence, a.m.Asked) }

func (a *Alarm) apply(now time.Time, ack Acknowledgement) []Event {
	if a.m.Ack == nil || Latest(ack, *a.m.Ack) == ack {
		a.m.Ack = &ack
	}
	if !a.m.Waiting {
		return nil
	}
	return a.change(now, ack.Who, func() Kind {
		a.m.Waiting = false
		a.restart(now)
		if !a.m.Active {
			a.m.Level = 0
		}
		return Acked
	})
}

// Shelve hides the alarm until a time; again, until another.
func (a *Alarm) Shelve(now, until time.Time, who Who) ([]Event, error) {
	now, events := a.advance(now)
	until = until.UTC().Round(0)
	if !until.After(now) || until.After(now.Add(maxDuration)) {
		return events, fmt.Errorf("shelve alarm %s until %v: %w", a.m.Name, until, ErrShelf)
	}
	return append(events, a.change(now, who.cut(), func() Kind {
		a.m.ShelvedUntil = until
		return Shelve
	})...), nil
}

// Unshelve ends shelving before its time.
func (a *Alarm) Unshelve(now time.Time, who Who) []Event {
	return a.switchTo(now, who, !a.m.ShelvedUntil.IsZero(), Unshelve, func() { a.m.ShelvedUntil = time.Time{} })
}

// Suppress hides the alarm by design, until Unsuppress. who is the logic that does it.
func (a *Alarm) Suppress(now time.Time, who Who) []Event {
	return a.switchTo(now, who, !a.m.Suppressed, Suppress, func() { a.m.Suppressed = true })
}

// Unsuppress ends Suppress.
func (a *Alarm) Unsuppress(now time.Time, who Who) []Event {
	return a.switchTo(now, who, a.m.Suppressed, Unsuppress, func() { a.m.Suppressed = false })
}

// OutOfService hides the alarm for maintenance, until InService.
func (a *Alarm) OutOfService(now time.Time, who Who) []Event {
	return a.switchTo(now, who, !a.m.OutOfService, Removed, func() { a.m.OutOfService = true })
}

// InService ends OutOfService.
func (a *Alarm) InService(now time.Time, who Who) []Event {
	return a.switchTo(now, who, a.m.OutOfService, Restored, func() { a.m.OutOfService = false })
}

// switchTo hides or shows, if that is something new once the clock has done what was due.
func (a *Alarm) switchTo(now time.Time, who Who, isNew bool, kind Kind, step func()) []Event {
	now, events := a.advance(now)
	if kind == Unshelve {
		isNew = !a.m.ShelvedUntil.IsZero() // it may just have ended by itself
	}
	if !isNew {
		return events
	}
	return append(events, a.change(now, who.cut(), func() Kind {
		a.show(now, step)
		return kind
	})...)
}

// show does a step and, if the alarm shows after it and did not before, has escalation and re-alarm count from now: nobody
// could have known before.
func (a *Alarm) show(now time.Time, step func()) {
	hidden := a.State().Hidden()
	step()
	if hidden && !a.State().Hidden() {
		a.restart(now)
	}
}
