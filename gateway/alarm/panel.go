package alarm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/state"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/wire"
)

// Store is where the panel keeps what must survive: a *state.DB.
type Store interface {
	Update(room string, change func(state.Shelf) error) error
	View(room string, read func(state.Shelf) error) error
}

// Sink takes the events of alarms, as records of class Alarm whose bytes are what wire.EncodeAlarms writes: a *buffer.Queue. They are on disk
// when Append returns nil. After an error they come again, and after a crash some may: an event's alarm and sequence tell.
type Sink interface {
	Append(ctx context.Context, recs ...buffer.Record) (last uint64, err error)
}

// Options have a zero value that works.
type Options struct {
	Now   func() time.Time     // default time.Now
	Ahead func() time.Duration // what Now is ahead of the time that events are to bear: somebody has set the clock wrong; default 0
	// For says which targets are told of an event; when anyone is false none is. Default: all.
	For func(wire.AlarmEvent) (to buffer.Audience, anyone bool)
	Log *slog.Logger
}

// Errors of whoever operates an alarm.
var (
	ErrUnknown = errors.New("no rule has an alarm of that name")
	ErrBehind  = fmt.Errorf("%d events of alarms wait, and the buffer does not take them: make room on the gateway's disk, or raise buffer: {max_size: ...}", mostPending)
)

// Panel is all alarms of a gateway. It is safe for concurrent use. What a call that returned nil has done is on disk.
type Panel struct {
	store  Store
	sink   Sink
	o      Options
	opened time.Time

	poked chan struct{} // the clock has something earlier to do
	ripe  chan struct{} // events are on the shelf

	writing sync.Mutex // held over a transaction; taken before mu

	mu      sync.Mutex
	order   []string // as in the configuration
	lamps   map[string]*lamp
	floor   uint64    // the highest sequence of alarms that are gone: no new one begins below it
	pending []pending // events the sink does not have yet, oldest first
	last    uint64    // number of the last event that was pending
	gone    []string  // keys to take off the shelf
	changes uint64    // counts what is to be stored
	stored  uint64    // of changes
	ready   uint64    // pending events up to this number are on the shelf
	flushAt time.Time // when the shelf is to be tidied, or tried again; zero: not
	armed   time.Time // what the clock waits for
	seen    time.Time // when it was looked at last
	failing error     // why the shelf could not be written; nil: it could
}

// pending is an event on its way, with its number on the shelf.
type pending struct {
	n     uint64
	event wire.AlarmEvent
}

// New is the panel of a configuration's alarms as the shelf knows them. Those whose rule is gone end here.
func New(store Store, sink Sink, cfg *config.Config, o Options) (*Panel, error) {
	if o.For == nil {
		o.For = func(wire.AlarmEvent) (buffer.Audience, bool) { return 0, true }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Ahead == nil {
		o.Ahead = func() time.Duration { return 0 }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := &Panel{store: store, sink: sink, o: o, opened: o.Now(), poked: make(chan struct{}, 1), ripe: make(chan struct{}, 1)}
	known, err := p.load()
	if err != nil {
		return nil, fmt.Errorf("read the state of alarms: %w", err)
	}
	if err := p.adopt(cfg, known); err != nil {
		return nil, err
	}
	_ = p.settle() // it says so itself, and tries again
	return p, nil
}

// Swap puts another configuration's alarms in the place of these. One that is still there goes on, by its new delays; one that is not ends
// with an event that says so. After an error the old ones go on.
func (p *Panel) Swap(cfg *config.Config) error {
	p.mu.Lock()
	known := map[string]record{}
	for name, l := range p.lamps {
		known[name] = l.record()
	}
	err := p.adopt(cfg, known)
	p.mu.Unlock()
	if err != nil {
		return err
	}
	p.poke()
	return p.settle()
}

// adopt makes the lamps of a configuration from what is known of alarms. It holds p.mu, or nobody else knows p.
func (p *Panel) adopt(cfg *config.Config, known map[string]record) error {
	now := p.now()
	lamps, order := map[string]*lamp{}, []string{}
	things := thingsOf(cfg)
	for i := range cfg.Rules {
		r := &cfg.Rules[i]
		if r.Alarm == nil {
			continue
		}
		l, err := p.lamp(r, things(r), known, now)
		if err != nil {
			return fmt.Errorf("rule %s: %w", r.Name, err)
		}
		lamps[r.Name], order = l, append(order, r.Name)
	}
	p.lamps, p.order = lamps, order
	for _, r := range known {
		if l := lamps[r.name()]; l == nil || l.fresh {
			p.retire(r, now)
		}
	}
	p.changes++
	return nil
}

// lamp is one rule's alarm, with its past if it has one that can be gone on with.
func (p *Panel) lamp(r *config.Rule, thing string, known map[string]record, now time.Time) (*lamp, error) {
	if before, ok := known[r.Name]; ok && before.Thing == thing {
		a, err := isa.Decode(before.Memory, r.Alarm.Config)
		if err == nil {
			l := &lamp{alarm: a, dirty: true, account: before.account}
			l.wake()
			l.catchUp(now)
			return l, nil
		}
		p.o.Log.Error("what is stored of an alarm can't be read: it ends, and begins anew", "alarm", r.Name, "err", err)
	}
	began := now
	if floor := time.UnixMilli(int64(max(p.floor, known[r.Name].sequence()))); floor.After(now) {
		began = floor // the clock was set back, and no sequence may come twice
	}
	a, err := isa.New(r.Name, r.Alarm.Config, began)
	if err != nil {
		return nil, err
	}
	return &lamp{alarm: a, dirty: true, fresh: true, account: account{Name: r.Name, Thing: thing}}, nil
}

// retire ends an alarm that has no rule any more. One of which nobody ever heard just goes.
func (p *Panel) retire(r record, now time.Time) {
	if l := p.lamps[r.name()]; l == nil {
		p.gone = append(p.gone, alarmKey+r.name())
	}
	if r.Last == nil {
		return
	}
	if r.Held != nil {
		p.queue(*r.Held)
	}
	e := *r.Last
	e.Sequence, e.Kind, e.From, e.To, e.Time = e.Sequence+1, wire.AlarmRetired, e.To, string(isa.Normal), later(now, e.Time)
	e.Who, e.Until, e.Merged = wire.AlarmWho{}, time.Time{}, 0
	if e.From == string(isa.Normal) {
		e.Occurrence, e.Severity = 0, ""
	}
	p.floor = max(p.floor, e.Sequence)
	p.queue(e)
}

// queue leaves an event to be stored and delivered. It holds p.mu.
func (p *Panel) queue(e wire.AlarmEvent) {
	p.last++
	p.pending = append(p.pending, pending{p.last, e})
}

func later(a, b time.Time) time.Time {
	if a = a.UTC().Round(0); a.Before(b) {
		return b
	}
	return a
}
