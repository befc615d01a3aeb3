package clock

import "time"

// era is a time in which the wall clock was ahead of the time since boot by the same.
type era struct {
	offset int64
	since  int64 // up: it did not begin before
	until  int64 // up: it had ended by then; 0 while it lasts
}

// Bounds of what is remembered: a sample comes here within a minute of the moment it was stamped, a reading takes no longer.
const (
	remembered = int64(2 * time.Minute)
	maxEras    = 16
)

// observe reads the clocks and notes a step. It holds c.mu.
func (c *Clock) observe() (up int64, stepped bool) {
	wall, up, ok := c.o.Machine.Now()
	if !ok {
		return up, false
	}
	now := &c.eras[len(c.eras)-1]
	by := wall - up - now.offset
	if abs(by) > stepSize {
		now.until = up
		c.eras = append(c.eras, era{offset: wall - up, since: c.seen})
		c.stepped(time.Unix(0, wall), time.Duration(by))
		stepped = true
	}
	for len(c.eras) > 1 && (c.eras[0].until < up-remembered || len(c.eras) > maxEras) {
		c.eras = c.eras[1:]
	}
	c.seen = up
	if stepped {
		c.judge(true)
	}
	return up, stepped
}

func (c *Clock) stepped(at time.Time, by time.Duration) {
	c.steps++
	c.last = Step{at, by}
	c.waited = 0
	c.o.Log.Warn("the machine's clock was set", "by", by.Round(time.Millisecond), "to", at.UTC())
	c.tell()
}

// eraOf is the era in which this machine stamped a sample that comes now: the last in which its time could be read from the clock.
func (c *Clock) eraOf(t, up int64) era {
	for i := len(c.eras) - 1; i > 0; i-- {
		e := c.eras[i]
		if e.until == 0 {
			e.until = up
		}
		if taken := t - e.offset; taken >= e.since-stepSize && taken <= e.until+stepSize {
			return e
		}
	}
	// What fits nowhere else is the oldest's if that was its time at all, and else made of whole cloth: it goes by the clock as it is.
	if first := c.eras[0]; len(c.eras) == 1 || t-first.offset <= first.until+stepSize && t-first.offset >= up-remembered {
		return first
	}
	return c.eras[len(c.eras)-1]
}

func abs(n int64) int64 { return max(n, -n) }
