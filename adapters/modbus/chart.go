package modbus

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// stretch is registers (or bits) from start up to, not including, end.
type stretch struct{ start, end int }

func (s stretch) holds(o stretch) bool { return s.start <= o.start && o.end <= s.end }

// refusal is a stretch that the device will not read, however it is asked.
type refusal struct {
	stretch
	doubt bool          // it may have been the length of the request: the stretch is asked for by itself when there is time
	again time.Time     // when a point there is tried once more: the device's program may have been changed
	wait  time.Duration // that went before
}

// chart is what one table of a device has been found to be: what was read, what was refused, and how much one request may ask for.
type chart struct {
	good    []stretch // that were read, in order and apart
	refused []refusal // by start, none of which holds another
	longest int       // request that was answered
	tooLong int       // shortest request that was refused for nothing but its length; 0: none was
}

// Times between attempts at a point that the device does not have.
const (
	firstAgain = 10 * time.Second
	lastAgain  = time.Hour
)

// accept learns from a request that was answered, and reports whether that was news.
func (c *chart) accept(s stretch) (news bool) {
	if !c.known(s) {
		c.add(s)
		news = true
	}
	if had := len(c.refused); had > 0 {
		c.refused = slices.DeleteFunc(c.refused, func(r refusal) bool { return s.holds(r.stretch) })
		news = news || len(c.refused) < had
	}
	if n := s.end - s.start; n > c.longest {
		c.longest, news = n, true
	}
	if c.tooLong > 0 && c.longest >= c.tooLong {
		c.tooLong, news = 0, true
	}
	return news
}

// add joins a stretch to those that were read.
func (c *chart) add(s stretch) {
	from := sort.Search(len(c.good), func(i int) bool { return c.good[i].end >= s.start })
	to := sort.Search(len(c.good), func(i int) bool { return c.good[i].start > s.end })
	if from < to {
		s.start, s.end = min(s.start, c.good[from].start), max(s.end, c.good[to-1].end)
	}
	c.good = slices.Replace(c.good, from, to, s)
}

// forget takes a stretch out of those that were read.
func (c *chart) forget(s stretch) {
	var left []stretch
	for _, g := range c.good {
		if g.end <= s.start || g.start >= s.end {
			left = append(left, g)
			continue
		}
		if g.start < s.start {
			left = append(left, stretch{g.start, s.start})
		}
		if g.end > s.end {
			left = append(left, stretch{s.end, g.end})
		}
	}
	c.good = left
}

// known reports whether every place of the stretch was read before.
func (c *chart) known(s stretch) bool {
	i := sort.Search(len(c.good), func(i int) bool { return c.good[i].end >= s.end })
	return i < len(c.good) && c.good[i].holds(s)
}

// refuse learns that nothing but the place can be the reason.
func (c *chart) refuse(s stretch, doubt bool, now time.Time) {
	r := refusal{stretch: s, doubt: doubt, wait: firstAgain}
	for _, old := range c.refused {
		if old.stretch == s {
			r.wait = min(2*old.wait, lastAgain)
		} else if s.holds(old.stretch) {
			return // that was the reason
		}
	}
	r.again = now.Add(r.wait)
	if !doubt {
		c.forget(s)
	}
	c.refused = slices.DeleteFunc(c.refused, func(old refusal) bool { return old.holds(s) })
	c.refused = append(c.refused, r)
	slices.SortFunc(c.refused, func(a, b refusal) int { return cmp.Compare(a.start, b.start) })
}

// shorten learns that a request was refused for its length.
func (c *chart) shorten(n int) {
	if c.tooLong == 0 || n < c.tooLong {
		c.tooLong = n
	}
	c.longest = min(c.longest, c.tooLong-1) // if it was answered once, that is over
}

// refusing is the refusal within a stretch; nil when none is known.
func (c *chart) refusing(s stretch) *refusal {
	for i := range c.refused {
		if s.holds(c.refused[i].stretch) {
			return &c.refused[i]
		}
	}
	return nil
}

// hopeless reports whether a request is known to be refused.
func (c *chart) hopeless(s stretch) bool {
	return c.tooLong > 0 && s.end-s.start >= c.tooLong || c.refusing(s) != nil
}

// reach is how far a request that begins at start may go before it holds what is refused: its end must be less.
func (c *chart) reach(start int) int {
	end := 1 << 17
	for i := range c.refused {
		if c.refused[i].start >= start {
			end = min(end, c.refused[i].end)
		}
	}
	return end
}

// most is how many places a request should ask for, of at most so many: half-way between what was answered and what was too long, until the
// limit is found.
func (c *chart) most(limit int) int {
	if c.tooLong == 0 {
		return limit
	}
	return max(1, min(limit, (c.longest+c.tooLong)/2))
}
