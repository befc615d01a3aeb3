package alarm

import "time"

// stepped is the jump of the wall clock that counts, and ahead how far a stored time may lie ahead, before somebody must have set the clock.
const (
	stepped = time.Second
	ahead   = time.Minute
)

// now is the time. When somebody has set the clock since it was asked last, every alarm goes along: a delay that has 5 s to go still has
// them, whether the clock jumped over them or back by days. It holds p.mu.
func (p *Panel) now() time.Time {
	now := p.o.Now()
	by := wallClock(now).Sub(wallClock(p.seen)) - now.Sub(p.seen) // Sub goes by the monotonic clock, which nobody sets
	if !p.seen.IsZero() && by.Abs() >= stepped {
		for _, l := range p.lamps {
			l.shift(by)
		}
		p.changes++
	}
	p.seen = now
	return now
}

func wallClock(t time.Time) time.Time { return t.Round(0) }

// shift moves an alarm's life in time.
func (l *lamp) shift(by time.Duration) {
	l.alarm.Shift(by)
	for _, t := range []*time.Time{&l.Told, &l.Since, &l.Until, &l.Spent} {
		if !t.IsZero() {
			*t = t.Add(by)
		}
	}
	l.dirty = true
	l.wake()
}

// catchUp brings an alarm back that was stored by a clock that was ahead: its time would stand still until the clock has come round again.
func (l *lamp) catchUp(now time.Time) {
	if by := l.alarm.Last().Sub(wallClock(now)); by > ahead {
		l.shift(-by)
	}
}
