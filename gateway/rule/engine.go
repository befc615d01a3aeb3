package rule

import (
	"log/slog"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/gateway/config"
	sql "github.com/penstock-edge/penstock/sync/rule"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Options are an engine's bounds and what it can do without. The zero value works.
type Options struct {
	Now    func() time.Time     // default time.Now
	Ahead  func() time.Duration // what Now is ahead of the time by which samples go: somebody has set the clock wrong; default 0
	Flush  time.Duration        // what a crash takes of delays and windows; default 1 s. Occasions to act are never taken
	Writes int                  // a second, of each rule; default 10
	// Latest is a point's newest sample, for rules that are new and ask for points that may not come again soon. It is called from New
	// and Swap; nil: rules wait for the next sample.
	Latest func(telemetry.PointID) (telemetry.Sample, bool)
}

func (o *Options) defaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Ahead == nil {
		o.Ahead = func() time.Duration { return 0 }
	}
	if o.Flush <= 0 {
		o.Flush = time.Second
	}
	if o.Writes <= 0 {
		o.Writes = 10
	}
	if o.Latest == nil {
		o.Latest = func(telemetry.PointID) (telemetry.Sample, bool) { return telemetry.Sample{}, false }
	}
}

// Bounds of what waits to be done.
const (
	maxHops   = 8       // sets that lead to one another before the cause has had its effect
	maxOutbox = 1 << 16 // actions that wait to be put on disk

	// soonest is a delay after which time counts as a cause of its own: rules may blink, but not as fast as they can.
	soonest = 100 * time.Millisecond
)

// Engine runs the rules of a gateway.
type Engine struct {
	o     Options
	log   *slog.Logger
	store Store
	hands Hands
	lanes *lanes
	wake  chan struct{} // one token: something is to be stored or done, or a timer is due sooner

	setting sync.Mutex // one set at a time, so that its samples are known by their point

	mu        sync.Mutex
	plan      *plan
	cause     cause             // of what is being evaluated
	outbox    []*action         // fired, not on disk yet
	done      []string          // keys of actions that are on disk and done
	values    map[string]*kept  // virtual points, set and not on disk yet
	armed     time.Time         // Run sleeps until then
	flushAt   time.Time         // zero: nothing waits to be stored
	settled   *action           // the set whose sample is on its way in; nil: none
	settledAt telemetry.PointID // and its point
	finished  bool              // something was done whose end is worth storing at once
	resuming  bool              // samples that come in are virtual points as they were before: no statement sees them

	programs chan struct{}      // a place for each that may run
	restored []*action          // left by the run before; Run's first work
	virtual  []telemetry.Sample // virtual points as they were; likewise
	failing  bool               // the disk refused the last time; only Run's goroutine
}

// cause is what makes rules act just now: a sample, or the time.
type cause struct {
	now   time.Time
	topic string
	hop   uint8
}

// New makes the engine of a configuration's rules, with what the shelf knows of them.
func New(cfg *config.Config, store Store, hands Hands, o Options, log *slog.Logger) (*Engine, error) {
	o.defaults()
	e := &Engine{o: o, log: log, store: store, hands: hands, wake: make(chan struct{}, 1), values: map[string]*kept{}, programs: make(chan struct{}, maxPrograms)}
	e.lanes = newLanes(e)
	p, err := compile(cfg)
	if err != nil {
		return nil, err
	}
	e.plan = p
	e.adopt(p, nil)
	return e, e.load()
}

// Put takes samples as they were read, from any goroutine. What a rule does about them is done by Run.
func (e *Engine) Put(samples []telemetry.Sample) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.plan.slots == nil {
		return
	}
	e.cause = cause{}
	for i := range samples {
		if w := e.plan.at(samples[i].Point); w != nil {
			e.see(w, samples[i])
		}
	}
}

// see shows a sample to the rules that look at its point.
func (e *Engine) see(w *watched, s telemetry.Sample) {
	w.latest, w.has = s, true
	if len(w.by) == 0 {
		return
	}
	if e.cause.now.IsZero() {
		e.cause.now = e.o.Now()
	}
	e.cause.hop = e.arrived(s)
	for _, by := range w.by {
		r := by.rule
		r.stats.seen++
		if r.statement == nil {
			s := r.judge(e.cause.now)
			r.hop = e.cause.hop
			e.take(r, s)
			e.mind(r)
			continue
		}
		if !e.resuming || !e.plan.points[w.id].Virtual() {
			e.row(r, s, by.place)
		}
	}
}

// row shows a sample to a statement.
func (e *Engine) row(r *running, s telemetry.Sample, place telemetry.PointID) {
	s.Point = place
	e.cause.topic = r.bound[place].Topic
	if err := r.statement.Sample(e.cause.now.Add(-e.o.Ahead()), s, r.emit); err != nil {
		e.complain(r, e.cause.now, err)
	}
	r.stale = true
	e.mind(r)
}

// emitter is what a statement's rows are given to.
func (e *Engine) emitter(r *running) func(sql.Row) {
	return func(row sql.Row) {
		m := moment{now: e.cause.now, topic: e.cause.topic, row: &row}
		r.stats.fired++
		e.fire(r, r.do, &m)
	}
}

// take does what a rule with when has decided.
func (e *Engine) take(r *running, s step) {
	switch s {
	case comeOn:
		r.stats.fired++
		e.fire(r, r.do, &moment{now: e.cause.now})
	case actAgain:
		r.stats.fired++
		e.fire(r, r.again, &moment{now: e.cause.now})
	case goOff:
		e.fire(r, r.end, &moment{now: e.cause.now})
	case tellOff:
		if r.off != nil {
			e.fire(r, []act{r.off}, &moment{now: e.cause.now})
		}
	}
}

// fire makes the actions of one occasion and leaves them for Run.
func (e *Engine) fire(r *running, acts []act, m *moment) {
	if e.cause.hop >= maxHops {
		e.stop(r)
		return
	}
	if r.stale = true; len(acts) == 0 {
		return
	}
	r.N++
	r.fired = true
	for i, fill := range acts {
		a := &action{of: r.fingerprint, Rule: r.cfg.Name, Key: actionKey(r.cfg.Name, r.N, i), N: r.N, At: m.now, Hop: e.cause.hop}
		if err := fill(m, a); err != nil {
			e.complain(r, m.now, err)
			continue
		}
		if len(e.outbox) >= maxOutbox {
			r.stats.dropped++
			continue
		}
		e.outbox = append(e.outbox, a)
	}
	e.poke()
}

// stop ends a round: a rule that sets a point that makes it act that sets the point.
func (e *Engine) stop(r *running) {
	r.stats.dropped++
	r.stale = true
	if !r.stats.looped {
		r.stats.looped = true
		e.log.Warn("rules go round: what one sets makes the other act; the round was stopped", "rule", r.cfg.Name, "after", maxHops)
	}
}

// mind makes sure that Run wakes in time for what the rule waits for, and stores what it knows.
func (e *Engine) mind(r *running) {
	if r.stale && e.flushAt.IsZero() {
		e.flushAt = e.cause.now.Add(e.o.Flush)
		if e.flushAt.Before(e.armed) {
			e.poke()
		}
	}
	if at := r.wakes(e.o.Ahead()); !at.IsZero() && at.Before(e.armed) {
		e.poke()
	}
}

// poke wakes Run.
func (e *Engine) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// tick does what time brings. It holds e.mu.
func (e *Engine) tick(now time.Time) {
	for _, r := range e.plan.rules {
		at := r.wakes(e.o.Ahead())
		if at.IsZero() || now.Before(at) {
			continue
		}
		e.cause = cause{now: now}
		if r.cfg.For < soonest {
			e.cause.hop = r.hop
		}
		if r.statement == nil {
			e.take(r, r.due(now))
			continue
		}
		r.ticked, r.stale = now, true
		if err := r.statement.Tick(now.Add(-e.o.Ahead()), r.emit); err != nil {
			e.complain(r, now, err)
		}
	}
}

// next is when Run has something to do by time alone. It holds e.mu.
func (e *Engine) next(now time.Time) time.Time {
	next := now.Add(time.Hour)
	if !e.flushAt.IsZero() && e.flushAt.Before(next) {
		next = e.flushAt
	}
	for _, r := range e.plan.rules {
		if at := r.wakes(e.o.Ahead()); !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	return next
}
