package shadow

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/penstock-edge/penstock/gateway/config"
	doc "github.com/penstock-edge/penstock/sync/shadow"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Order asks for a desired value to be written to a point.
type Order struct {
	Point telemetry.PointID
	Value telemetry.Value
	Thing string
	Key   string // one setting of one value: the same however often it is delivered
}

// Result is what came of an order.
type Result struct {
	Done   bool
	Value  telemetry.Value // what the point reads, when Done
	Retry  bool            // it may be different later
	Code   string
	Reason string
}

// Options are what a mirror stands on and its bounds.
type Options struct {
	Gateway string
	// Write carries out an order and returns when it is known what came of it. It is called for several points at a time.
	Write func(ctx context.Context, o Order) Result
	// Publish sends a request to the cloud; nil when there is none. It may wait for a connection until ctx ends.
	Publish func(ctx context.Context, topic string, payload []byte) error
	Sync    doc.Sync
	Every   time.Duration // how often what was read is reported at most; default 1 s
	Now     func() time.Time
	Log     *slog.Logger
}

func (o *Options) defaults() {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Sync = o.Sync.Full()
}

// Mirror is the gateway's shadows. Every method may be called from any goroutine.
type Mirror struct {
	o     Options
	plan  *plan
	store store
	desk  doc.Desk
	pace  *rate.Limiter // of requests to the cloud
	local local
	locks locks

	reports reports
	orders  orders
	queue   queue
	talk    exchange
}

// New makes the mirror of a configuration's points and of what the shelf knows.
func New(cfg *config.Config, shelves Shelves, o Options) (*Mirror, error) {
	o.defaults()
	if err := o.Sync.Validate(); err != nil {
		return nil, fmt.Errorf("shadows: %w", err)
	}
	s := store{shelves}
	m := &Mirror{
		o: o, plan: newPlan(cfg, o.Gateway), store: s, desk: doc.Desk{Store: s, Limits: o.Sync.Limits},
		pace:  limiter(o.Sync.Outbound),
		local: local{all: limiter(o.Sync.Local), each: o.Sync.Thing, things: map[string]*rate.Limiter{}},
		queue: newQueue(), orders: newOrders(), talk: newExchange(),
	}
	m.reports = newReports(m.plan)
	return m, nil
}

// Run reports, carries out what is desired and keeps the shadows one with the cloud's until ctx ends.
func (m *Mirror) Run(ctx context.Context) error {
	ids, err := m.store.ids()
	if err != nil {
		return fmt.Errorf("shadows: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return m.report(ctx) })
	g.Go(func() error { return m.syncAll(ctx) })
	m.orders.begin(ctx)
	for _, id := range ids {
		m.desired(id) // what was desired before the gateway stopped
	}
	err = g.Wait()
	m.orders.end()
	return err
}

// Answer carries out a local request; what it changed is synced and, where it is a point's, written.
func (m *Mirror) Answer(ctx context.Context, c doc.Call) (doc.Reply, error) {
	if !m.local.allow(c.ID.Thing) {
		return doc.Refuse(c, doc.TooManyRequests(), m.o.Now()), nil
	}
	defer m.locks.lock(c.ID)()
	reply, err := m.desk.Answer(ctx, c, m.o.Now())
	if err == nil && reply.Refused == nil && c.Op != doc.OpGet {
		m.queue.add(c.ID)
		m.desired(c.ID)
	}
	return reply, err
}

func limiter(perSecond float64) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(perSecond), max(int(perSecond), 1))
}

// local bounds what programs on this machine may ask for.
type local struct {
	all  *rate.Limiter
	each float64

	mu     sync.Mutex
	things map[string]*rate.Limiter
}

// maxThings bounds what is remembered of who asked: beyond it everybody begins anew.
const maxThings = 10_000

func (l *local) allow(thing string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.things[thing]
	if own == nil {
		if len(l.things) >= maxThings {
			clear(l.things)
		}
		own = limiter(l.each)
		l.things[thing] = own
	}
	return own.Allow() && l.all.Allow()
}

// locks serialise what happens to one shadow.
type locks struct {
	mu   sync.Mutex
	held map[doc.ID]*turn
}

type turn struct {
	sync.Mutex
	users int
}

func (l *locks) lock(id doc.ID) (unlock func()) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[doc.ID]*turn{}
	}
	t := l.held[id]
	if t == nil {
		t = &turn{}
		l.held[id] = t
	}
	t.users++
	l.mu.Unlock()
	t.Lock()
	return func() {
		t.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(l.held, id)
		}
	}
}
