package clock

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/penstock-edge/penstock/sync/wire"
)

// shelf is the room's place in the gateway's state.
const shelf = "clock"

// maxDoubts is how many are remembered; the oldest go first.
const maxDoubts = 64

// book is what must survive a restart.
type book struct {
	Doubts []doubt // oldest first
	Newest int64   // the time when it was last believed, and looked at
	Boot   wire.Boot
	Right  int64 // in Boot, for which the kernel vouched
}

// doubt is one time in which the clock was not believed, and what came out.
type doubt struct {
	wire.Verdict
	Open bool     // nothing yet
	Told []string // the targets that know
}

func (b *book) find(boot wire.Boot, n uint32) *doubt {
	for i := range b.Doubts {
		if d := &b.Doubts[i]; d.Boot == boot && d.Doubt == n {
			return d
		}
	}
	return nil
}

// open begins a doubt, or goes on with the one that this boot has open.
func (b *book) open(boot wire.Boot) (n uint32) {
	for _, d := range b.Doubts {
		if d.Boot == boot && d.Open {
			return d.Doubt
		}
		if d.Boot == boot {
			n = d.Doubt
		}
	}
	b.Doubts = append(b.Doubts, doubt{Verdict: wire.Verdict{Boot: boot, Doubt: n + 1}, Open: true})
	if over := len(b.Doubts) - maxDoubts; over > 0 {
		b.Doubts = slices.Delete(b.Doubts, 0, over)
	}
	return n + 1
}

// load reads the book. Doubts of other boots that are open are lost: nobody can say any more how long ago they began.
func (c *Clock) load() error {
	data, err := c.db.Get(shelf, "book")
	if err == nil && data != nil {
		err = json.Unmarshal(data, &c.book)
	}
	if err != nil {
		return fmt.Errorf("read what is known of the clock: %w", err)
	}
	c.vouched = c.book.Boot == c.boot
	c.right = c.book.Right
	kept := c.book.Doubts[:0]
	for _, d := range c.book.Doubts {
		if d.Boot != c.boot && d.Open {
			d.Open, d.Lost = false, true
			c.o.Log.Warn("the machine was booted again before its clock was right; the samples taken until then stay marked uncertain", "boot", d.Boot)
		}
		done := d.Boot != c.boot && !slices.ContainsFunc(c.o.Targets, func(t string) bool { return !slices.Contains(d.Told, t) })
		if done {
			continue
		}
		if d.Boot == c.boot && d.Open {
			c.doubt = d.Doubt
		}
		kept = append(kept, d)
	}
	c.book.Doubts = kept
	return nil
}

// keepBook writes the book. A disk that fails costs nothing as long as the machine is not booted again.
func (c *Clock) keepBook() {
	data, err := json.Marshal(c.book)
	if err == nil {
		err = c.db.Put(shelf, "book", data)
	}
	if err != nil {
		c.o.Log.Error("what is known of the clock is not on disk: if the machine boots again, times taken in doubt stay uncertain", "err", err)
	}
}

// keepRight notes what the kernel vouches for.
func (c *Clock) keepRight() {
	c.book.Boot, c.book.Right = c.boot, c.right
	c.keepBook()
}

// keepTime notes the time, so that a clock that is behind after the next boot is known to be.
func (c *Clock) keepTime() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.doubt == 0 {
		c.book.Newest = c.seen + c.right
		c.keepBook()
	}
}

// Verdicts are those that a target was not told yet.
func (c *Clock) Verdicts(target string) (list []wire.Verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.book.Doubts {
		if !d.Open && !slices.Contains(d.Told, target) && len(list) < wire.MaxVerdicts {
			list = append(list, d.Verdict)
		}
	}
	return list
}

// Told notes that a target knows verdicts. One that is told twice does no harm.
func (c *Clock) Told(target string, list []wire.Verdict) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range list {
		if d := c.book.find(v.Boot, v.Doubt); d != nil && d.Verdict == v {
			d.Told = append(d.Told, target)
		}
	}
	data, err := json.Marshal(c.book)
	return errors.Join(err, c.db.Put(shelf, "book", data))
}
