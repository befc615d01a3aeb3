package clock

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// Options of a clock. The zero value is this machine's, judged as Auto.
type Options struct {
	Machine Machine
	Mode    config.Clock
	Targets []string      // who is told the verdicts
	Reached func() bool   // whether a target is reached now, or there is none. While there is no way out no time service can help, so nothing is to be concluded
	Wait    time.Duration // how long a time service may take once a target is reached, before the clock is taken as it is; default 10 min
	Changed func()        // called when a doubt has ended or the clock was stepped, from Run's goroutine
	Log     *slog.Logger
}

func (o *Options) defaults() {
	if o.Machine == nil {
		o.Machine = Kernel{}
	}
	if o.Reached == nil {
		o.Reached = func() bool { return true }
	}
	if o.Wait <= 0 {
		o.Wait = 10 * time.Minute
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Clock is the machine's clock and what is thought of it. It is safe for concurrent use.
type Clock struct {
	o       Options
	db      *state.DB
	boot    wire.Boot
	changed chan struct{} // one token: Changed is to be called

	mu     sync.Mutex
	eras   []era // what the wall clock was ahead by lately; the last is now
	seen   int64 // up, when it was looked at last
	right  int64 // what it is ahead by when it is right, as far as anybody knows; never in doubt unless doubt says so
	doubt  uint32
	book   book
	why    string // of the trust, or of the doubt
	waited time.Duration
	steps  uint64
	last   Step

	vouched bool // in this boot the kernel said that the clock is right; then `right` outlives a step that nobody vouches for
	kernel  bool // it says so now
	judged  bool
}

// Step is one setting of the wall clock.
type Step struct {
	At time.Time // by the clock after it
	By time.Duration
}

// State is what to tell people.
type State struct {
	Synchronised bool   // the kernel says that a time service keeps the clock right
	Doubt        bool   // samples are marked as uncertain
	Why          string // a sentence
	Steps        uint64 // since the start
	Last         Step   // zero: none
}

// stepSize is the least jump that counts: below it lies what reading two clocks may miss by.
const stepSize = int64(10 * time.Millisecond)

// set is 2020: a clock that shows less was never set.
const set = 1577836800_000000000

// New takes up what is known of this boot, and gives every doubt that an earlier boot left open up for lost.
func New(db *state.DB, o Options) (*Clock, error) {
	o.defaults()
	c := &Clock{o: o, db: db, changed: make(chan struct{}, 1)}
	var err error
	if c.boot, err = o.Machine.Boot(); err != nil {
		o.Log.Warn("the machine's boot has no name: doubts about the clock do not outlive this process", "err", err)
		_, _ = rand.Read(c.boot[:]) // never fails
	}
	if err := c.load(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin()
	return c, nil
}

// begin is the first look. It holds c.mu.
func (c *Clock) begin() {
	wall, up, _ := c.o.Machine.Now()
	c.eras, c.seen = []era{{offset: wall - up, since: up}}, up
	stepped := false
	if c.vouched {
		stepped = abs(wall-up-c.right) > stepSize // while nobody looked
	} else {
		c.right = wall - up
	}
	c.judge(stepped)
}

// Run watches the clock until ctx ends.
func (c *Clock) Run(ctx context.Context) error {
	tick, keep := time.NewTicker(time.Second), time.NewTicker(10*time.Minute)
	defer tick.Stop()
	defer keep.Stop()
	c.keepTime()
	for {
		select {
		case <-ctx.Done():
			c.keepTime()
			return nil
		case <-c.changed:
			c.o.Changed()
		case <-keep.C:
			c.keepTime()
		case <-tick.C:
			c.look(time.Second)
		}
	}
}

// look judges the clock anew, and counts how long a time service has had its chance.
func (c *Clock) look(since time.Duration) {
	reached := c.o.Reached()
	c.mu.Lock()
	defer c.mu.Unlock()
	if reached && c.doubt != 0 {
		c.waited += since
	}
	if _, stepped := c.observe(); !stepped {
		c.judge(false)
	}
}

// Stamp puts the times that this machine gave to samples, just now, right as far as it knows how, and returns the stamp under which they are
// to be kept: none when they are not in doubt. The equipment's own times stay as they are and need no stamp.
func (c *Clock) Stamp(samples []telemetry.Sample) wire.Stamp {
	if c.o.Mode == config.ClockMachine {
		return wire.Stamp{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	up, _ := c.observe()
	if len(c.eras) > 1 || c.eras[0].offset != c.right {
		for i := range samples {
			if s := &samples[i]; !s.Sourced {
				s.Time += c.right - c.eraOf(s.Time, up).offset
			}
		}
	}
	if c.doubt == 0 {
		return wire.Stamp{}
	}
	return wire.Stamp{Boot: c.boot, Doubt: c.doubt, Offset: c.right}
}

// Settle gives the right offset for a stamp, if it is known.
func (c *Clock) Settle(s wire.Stamp) (offset int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.book.find(s.Boot, s.Doubt)
	if e == nil || e.Open || e.Lost {
		return 0, false
	}
	return e.Offset, true
}

// Now is the time, as well as it is known: once the kernel has vouched for the clock in this boot, whatever somebody sets the wall clock to
// afterwards does not change it until somebody vouches for that.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	up, _ := c.observe()
	return time.Unix(0, up+c.right)
}

// Ahead is what the wall clock is ahead of Now.
func (c *Clock) Ahead() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Duration(c.eras[len(c.eras)-1].offset - c.right)
}

// Set tells whether the clock can be right at all: one that was never set shows a time before 2020.
func (c *Clock) Set() bool { return c.Now().UnixNano() >= set }

// State is what to tell people.
func (c *Clock) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return State{Synchronised: c.kernel, Doubt: c.doubt != 0, Why: c.why, Steps: c.steps, Last: c.last}
}
