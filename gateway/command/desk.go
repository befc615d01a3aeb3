package command

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Options of a desk. The zero value works.
type Options struct {
	Now    func() time.Time // default time.Now
	Log    *slog.Logger     // default none
	Settle time.Duration    // how long a point has to read what was written to it; default 2 s
	Resume time.Duration    // how long a point has to be read after a restart in the middle of a write; default 1 min
}

func (o *Options) defaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Settle <= 0 {
		o.Settle = 2 * time.Second
	}
	if o.Resume <= 0 {
		o.Resume = time.Minute
	}
}

// Desk takes orders. It is safe for concurrent use.
type Desk struct {
	o   Options
	log *Log

	site  sync.RWMutex // held for reading while an order is carried out: Swap waits for it
	plant *plant       // guarded by site

	mu      sync.Mutex // guards what follows
	flights map[string]*flight
	turns   map[string]turnstile // by the point's name
	wrote   map[string]time.Time // when a point was last written, by its name
	under   int                  // orders at the desk
	number  uint64               // of the orders without a key
	stats   Stats

	stopped bool          // guarded by mu
	stop    chan struct{} // closed with stopped
	idle    chan struct{} // closed when stopped and nothing is under way

	resumed []record // orders that a former process left in the middle; Run's
}

// New makes a desk for a site, with the orders that a former process left in the middle; Run finds out what became of them.
func New(log *Log, site Site, o Options) (*Desk, error) {
	o.defaults()
	p, err := site.plant()
	if err != nil {
		return nil, err
	}
	d := &Desk{
		o: o, log: log, plant: p, stats: newStats(), stop: make(chan struct{}), idle: make(chan struct{}),
		flights: map[string]*flight{}, turns: map[string]turnstile{}, wrote: map[string]time.Time{},
	}
	return d, d.load()
}

// Swap puts another configuration in place once the orders under way have ended; those that wait are judged by the new one.
func (d *Desk) Swap(site Site) error {
	p, err := site.plant()
	if err != nil {
		return err
	}
	d.site.Lock()
	defer d.site.Unlock()
	d.plant = p
	return nil
}

// Do carries out an order and returns when it is known what came of it; by then everything about it is in the audit log. Once the write has
// begun, the end of ctx no longer stops it.
func (d *Desk) Do(ctx context.Context, o Order) Result {
	now := d.o.Now()
	if o.Issued.IsZero() {
		o.Issued = now
	}
	if err := o.malformed(); err != nil {
		o.Key = clip(o.Key)
		return d.turnAway(o, err)
	}
	keyed := o.Key != ""
	if !keyed {
		o.Key = d.ownKey(now)
	}
	for {
		f, first := d.fly(o)
		if first {
			r := d.handle(ctx, o, keyed)
			d.land(o.id(), f, r)
			return r
		}
		if !f.is(o) {
			return d.turnAway(o, another(o))
		}
		if r, final := d.wait(ctx, f); final {
			return r
		}
	}
}

// ownKey names an order that came without a key, for the audit log and until it is done.
func (d *Desk) ownKey(now time.Time) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.number++
	return fmt.Sprintf("own-%x-%x", now.UnixNano(), d.number)
}
