package shadow

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
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
	Done  bool
	Value telemetry.Value // what the point reads, when Done
	// Repeated: it was done before, and is not done again. Value is of then.
	Repeated bool
	Retry    bool // it may be different later
	Code     string
	Reason   string
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
	sight   sight
}

// New makes the mirror of a configuration's points and of what the shelf knows.
func New(cfg *config.Config, shelves Shelves, o Options) (*Mirror, error) {
	o.defaults()
	if err := o.Sync.Validate(); err != nil {
		return nil, fmt.Errorf("shadows: %w", err)
	}
	s := store{shelves: shelves, now: o.Now}
	m := &Mirror{
		o: o, plan: newPlan(cfg, o.Gateway), store: s, desk: doc.Desk{Store: s, Limits: o.Sync.Limits},
		pace:  limiter(o.Sync.Outbound),
		local: local{all: limiter(o.Sync.Local), each: o.Sync.Thing, things: map[string]*rate.Limiter{}},
		queue: newQueue(), orders: newOrders(), talk: newExchange(), sight: newSight(),
	}
	m.reports = newReports(m.plan)
	if n := m.plan.left; n > 0 && o.Publish != nil {
		o.Log.Warn("the shadows of some devices stay here: a session has room for the topics of "+strconv.Itoa(maxSynced)+" things", "devices", n)
	}
	return m, nil
}

// Run reports, carries out what is desired and keeps the shadows one with the cloud's until ctx ends.
func (m *Mirror) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	m.orders.begin(ctx)
	defer m.orders.end()
	ids, err := m.store.ids()
	if err != nil {
		return fmt.Errorf("shadows: %w", err)
	}
	if err := m.store.forget(ids, m.o.Sync.Limits.Remember); err != nil {
		return fmt.Errorf("shadows: %w", err)
	}
	g.Go(func() error { return m.report(ctx) })
	g.Go(func() error { return m.syncAll(ctx) })
	for _, id := range ids {
		m.desired(id) // what was desired before the gateway stopped
	}
	return g.Wait()
}

// Answer carries out a local request; what it changed is synced and, where it is a point's, written.
func (m *Mirror) Answer(ctx context.Context, c doc.Call) (doc.Reply, error) {
	if !m.local.allow(c.ID.Thing) {
		return doc.Refuse(c, doc.TooManyRequests(), m.o.Now()), nil
	}
	defer m.locks.lock(c.ID)()
	desk := m.desk
	if c.Op == doc.OpUpdate {
		req, _ := doc.ParseRequest(c.Payload, m.o.Sync.Limits) // the desk says what is wrong with it
		desk.Store = m.store.setting(req.Desired.Object)
	}
	reply, err := desk.Answer(ctx, c, m.o.Now())
	if err == nil && reply.Refused == nil && c.Op != doc.OpGet {
		m.changed(c.ID)
	}
	return reply, err
}

// changed has a shadow that was changed here synced, and what it wants written.
func (m *Mirror) changed(id doc.ID) {
	if m.plan.synced(id) {
		m.queue.add(id)
	}
	m.desired(id)
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
