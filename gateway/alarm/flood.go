package alarm

import (
	"time"

	"github.com/penstock-edge/penstock/sync/wire"
)

// An alarm that comes and goes all the time must not fill the buffer, which would give up telemetry for it: it may tell burst events at once
// and one each pace in the long run. What is beyond is folded into one event, which says how many it stands for. What people do is
// never folded.
const (
	burst = 30
	pace  = 6 * time.Second

	mostPending = 10_000 // events for the sink; while it takes none, everything beyond is folded
)

// pass queues an event, or holds it back. It holds p.mu.
func (p *Panel) pass(l *lamp, e wire.AlarmEvent, now time.Time) {
	if e.Who != (wire.AlarmWho{}) {
		if l.Held != nil {
			p.queue(*l.Held)
			l.Held = nil
		}
		p.queue(e)
		return
	}
	if l.Held != nil {
		e = fold(*l.Held, e)
	}
	l.Held = &e
	p.letGo(l, now)
}

// letGo queues what an alarm holds, if it may. It holds p.mu.
func (p *Panel) letGo(l *lamp, now time.Time) {
	if l.Spent.After(now.Add(burst * pace)) {
		l.Spent = time.Time{} // the clock was set back: nobody knows what was spent
	}
	if l.Held == nil || now.Before(l.release()) || len(p.pending) >= mostPending {
		return
	}
	if l.Spent.Before(now) {
		l.Spent = now.UTC().Round(0)
	}
	l.Spent = l.Spent.Add(pace)
	p.queue(*l.Held)
	l.Held, l.dirty = nil, true
}

// release is when another event may be told.
func (l *lamp) release() time.Time { return l.Spent.Add(-(burst - 1) * pace) }

// fold makes one event of two that follow each other.
func fold(first, second wire.AlarmEvent) wire.AlarmEvent {
	second.From = first.From
	second.Merged += first.Merged + 1
	return second
}
