package poll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// A device that has not answered this often in a row is asked again only when its back-off allows a probe.
const silentAfter = 2

// Bounds of what one call into an adapter may take. An adapter's own time-outs are shorter; these end one that hangs.
const (
	openLimit = 30 * time.Second
	readLimit = 60 * time.Second
)

// openPatience is how long readings that are due wait for a connection that is being opened, before they say that there is none.
const openPatience = 2 * time.Second

// Poller reads the points of one connection.
type Poller struct {
	conn    config.Connection
	emit    adapters.Emit
	log     *slog.Logger
	groups  []*group
	pushed  []adapters.Point
	share   float64 // of a scan, by which readings are staggered
	errands chan errand
	ended   chan struct{} // closed when Run has returned: nobody takes errands any more

	memory Memory // nil: what is learned is forgotten

	hurried chan struct{} // one token: something is to be read faster

	mu    sync.Mutex
	state State
	took  latency
	load  load
	asked []hurry // by Hurry, not yet seen by Run

	// Only Run's goroutine touches what is below.
	adapter    adapters.Adapter
	opening    chan opened // nil unless an attempt to open is under way
	patience   time.Time   // until then its outcome is waited for
	reopenAt   time.Time
	reopen     backoff
	probeFrom  time.Time       // no silent device is asked before
	limit      context.Context // of readings; one serves many, since making it costs more than a small reading
	limitEnds  time.Time
	limitEnd   context.CancelFunc
	limitEmit  adapters.Emit
	kept       time.Time     // when what was learned was last looked for
	lost       chan error    // brings the reason when the subscription ends
	subscribed chan struct{} // closed when its goroutine has gone
	stopSub    context.CancelFunc
	heard      heard // by points that are pushed, when each was last heard of
}

// New makes the Poller of one connection. points is the gateway's table.
func New(conn config.Connection, points []config.Point, emit adapters.Emit, log *slog.Logger) *Poller {
	p := &Poller{
		conn: conn, emit: emit, log: log.With("connection", conn.Name), errands: make(chan errand), ended: make(chan struct{}), hurried: make(chan struct{}, 1),
		state:  State{Name: conn.Name, Kind: conn.Kind, State: "down", Why: "not opened yet"},
		reopen: backoff{first: 500 * time.Millisecond, most: 10 * time.Second}, // one that was lost is there again in a second where it can be, and 11 s after its equipment at the latest
	}
	p.groups, p.pushed = arrange(conn, points)
	return p
}

// stagger spreads the devices of the connection over each scan, as it does connections: a bus has no rush hour then.
func (p *Poller) stagger(start time.Time) {
	p.count(func(*State) { p.load.start(start) })
	for _, g := range p.groups {
		g.due = start
		share := p.share + float64(g.device.place)/float64(max(1, len(p.conn.Devices)))
		if _, share = math.Modf(share); share > 0 {
			g.grid = start.Add(time.Duration(share * float64(g.scan)))
		}
	}
}

// Stagger has the readings of this connection, the i-th of n, fall between those of the others: a hundred devices that are read in one moment
// would keep everything else waiting for that long. The first reading is at once all the same. It is called before Run.
func (p *Poller) Stagger(i, n int) { p.share = float64(i) / float64(n) }

// Run reads until ctx ends. It returns only then: what goes wrong on a connection is said in the samples, the state and the log.
func (p *Poller) Run(ctx context.Context) error {
	defer close(p.ended)
	defer p.close()
	defer func() {
		if p.limitEnd != nil {
			p.limitEnd()
		}
	}()
	defer func() {
		if p.opening != nil { // its context has ended with ours
			p.adapter = (<-p.opening).adapter
		}
	}()
	p.stagger(time.Now())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-p.errands:
			e.done <- p.serve(ctx, e)
		case o := <-p.opening:
			p.opening = nil
			p.opened(ctx, o)
		case err := <-p.lost:
			p.down(fmt.Errorf("subscription: %w", err))
		case <-p.hurried:
			p.hurry()
		case <-timer.C:
			p.work(ctx)
		}
		timer.Reset(time.Until(p.next()))
	}
}

// work does what is due first: opening, and one reading. Run comes back for the next, and looks after errands between them.
func (p *Poller) work(ctx context.Context) {
	if p.idle() && !time.Now().Before(p.reopenAt) {
		p.open(ctx)
	}
	now := time.Now()
	p.slowDown(now)
	if g := p.choose(now); g != nil && ctx.Err() == nil {
		p.turn(ctx, g, now)
		p.keep(false)
	}
}

// choose finds what is to be read now: of the readings that are due, the one that must be done first, so that a long row of slow ones does not
// hold up a fast one; or else a probe. Points of which nothing can be read are told so on the way.
func (p *Poller) choose(now time.Time) (first *group) {
	for _, g := range p.groups {
		if now.Before(p.dueOf(g)) {
			continue
		}
		switch {
		case g.reader == nil:
			p.emit(g.allBad(telemetry.BadNoCommunication, now))
			g.advance(now)
		case g.device.quiet():
			p.emit(g.allBad(telemetry.BadTimeout, now))
			g.advance(now)
		case first == nil || g.deadline().Before(first.deadline()):
			first = g
		}
	}
	probe := p.probe(now)
	if probe != nil && (first == nil || now.Sub(p.probeAfter(probe.device)) > probePatience) {
		return probe
	}
	return first
}

// turn reads one group and sets the time of its next reading. A device that answers a probe is read as a whole at once.
func (p *Poller) turn(ctx context.Context, g *group, now time.Time) {
	probed := g.device.quiet()
	p.read(ctx, g, now)
	if !probed {
		if missed := g.advance(time.Now()); missed > 0 {
			p.count(func(s *State) { s.Overruns += missed })
		}
		return
	}
	if g.device.quiet() {
		p.spare(time.Since(now))
		return
	}
	for _, other := range p.groups {
		if other.device == g.device {
			other.due = time.Now()
		}
	}
	g.advance(time.Now())
}

// idle: there is no connection, and none is being opened.
func (p *Poller) idle() bool { return p.adapter == nil && p.opening == nil }

// next is when there is something to do.
func (p *Poller) next() time.Time {
	next := time.Now().Add(time.Minute)
	if p.idle() && p.reopenAt.Before(next) {
		next = p.reopenAt
	}
	for _, g := range p.groups {
		if due := p.dueOf(g); due.Before(next) {
			next = due
		}
		if g.reader == nil || !g.device.quiet() {
			continue
		}
		if at := p.probeAfter(g.device); at.Before(next) {
			next = at
		}
	}
	return next
}

func (p *Poller) dueOf(g *group) time.Time {
	if p.opening != nil && g.due.Before(p.patience) {
		return p.patience
	}
	return g.due
}

// read reads one group.
func (p *Poller) read(ctx context.Context, g *group, now time.Time) {
	d := g.device
	p.renew(ctx)
	err := g.reader.Read(p.limit, p.limitEmit)
	took := time.Since(now)
	p.count(func(s *State) {
		s.Requests++
		if err != nil {
			s.Errors++
		}
		p.took.add(took)
		p.load.add(now.Add(took), took)
	})
	switch {
	case err == nil:
		p.answered(d)
	case errors.Is(err, adapters.ErrNoAnswer):
		p.noAnswer(d, err)
	case ctx.Err() == nil:
		p.down(err)
	}
}

func (p *Poller) answered(d *device) {
	wasQuiet := d.quiet()
	d.heard = true
	if d.silent == 0 {
		return
	}
	if wasQuiet {
		p.log.Info("device answers again", "device", d.name, "unanswered", d.silent)
	}
	d.silent = 0
	d.retry.reset()
	p.degraded()
}

func (p *Poller) noAnswer(d *device, err error) {
	wasQuiet := d.quiet()
	d.silent++
	if !d.quiet() {
		return
	}
	if !wasQuiet {
		p.log.Warn("device does not answer", "device", d.name, "err", err)
	}
	d.probeAt = time.Now().Add(d.retry.next())
	p.degraded()
}

// degraded says which devices keep silent.
func (p *Poller) degraded() {
	var silent []string
	for _, g := range p.groups {
		if g.device.quiet() && !slices.Contains(silent, g.device.name) {
			silent = append(silent, g.device.name)
		}
	}
	p.count(func(s *State) {
		s.State, s.Why = "up", ""
		if len(silent) > 0 {
			s.State, s.Why = "degraded", "no answer from "+strings.Join(silent, ", ")
		}
	})
}

// count changes the state that others see.
func (p *Poller) count(change func(*State)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.state)
}
