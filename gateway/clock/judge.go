package clock

import (
	"time"

	"github.com/penstock-edge/penstock/gateway/config"
)

// judge decides whether the clock is believed. It holds c.mu.
//
// What the kernel vouches for is believed. A clock that was believed is believed on when the time service goes silent: it drifts by seconds a
// day, it does not jump. What is set by nobody knows whom is not, until somebody vouches for it or time goes by.
func (c *Clock) judge(stepped bool) {
	c.kernel = c.o.Machine.Synchronised()
	first := !c.judged
	c.judged = true
	offset := c.eras[len(c.eras)-1].offset
	switch {
	case c.kernel:
		if !c.vouched || c.right != offset {
			c.vouched, c.right = true, offset
			c.keepRight()
		}
		c.trust("synchronised")
	case c.o.Mode == config.ClockMachine:
		c.right = offset
		c.trust("taken as it is, as configured")
	case c.doubt == 0 && !stepped && !first:
	case c.vouched && first && !stepped:
		c.trust("synchronised earlier in this boot")
	default:
		c.unvouched(offset)
	}
}

// unvouched is a clock that was set, or looked at first, and nobody says that it is right.
func (c *Clock) unvouched(offset int64) {
	if !c.vouched {
		c.right = offset // nothing better is known
	}
	late := c.waited >= c.o.Wait
	wall := c.seen + offset
	service := c.o.Machine.Service()
	switch {
	case wall < set:
		c.disbelieve("it was never set: it shows " + time.Unix(0, wall).UTC().Format(time.RFC3339))
	case c.o.Mode == config.ClockSynchronised:
		c.disbelieve("not synchronised yet")
	case late:
		c.right = offset
		c.trust("taken as it is: no time service has synchronised it")
	case c.vouched:
		c.disbelieve("it was set, and is not synchronised again yet")
	case service != "":
		c.disbelieve("not synchronised yet; " + service + " runs")
	case wall < c.book.Newest && c.steps == 0:
		c.disbelieve("it is behind: this gateway has seen " + time.Unix(0, c.book.Newest).UTC().Format(time.RFC3339))
	default:
		c.trust("taken as it is: there is no time service here")
	}
}

func (c *Clock) trust(why string) {
	c.why = why
	if c.doubt == 0 {
		return
	}
	e := c.book.find(c.boot, c.doubt)
	e.Open, e.Offset = false, c.right
	c.doubt = 0
	c.keepBook()
	c.o.Log.Info("the machine's clock is believed from now on; times taken before are put right", "why", why, "now", time.Unix(0, c.seen+c.right).UTC())
	c.tell()
}

func (c *Clock) disbelieve(why string) {
	c.why = why
	if c.doubt != 0 {
		return
	}
	c.doubt = c.book.open(c.boot)
	c.waited = 0
	c.keepBook()
	c.o.Log.Warn("the machine's clock is in doubt: samples are marked uncertain, and put right when the time is known", "why", why)
}

// tell has Changed called.
func (c *Clock) tell() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}
