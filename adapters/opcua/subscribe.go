package opcua

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gopcua/opcua/ua"
	"golang.org/x/sync/errgroup"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// lifetime is how long a server keeps a subscription that nobody collects from.
const lifetime = time.Minute

// Subscribe lets the server sample the points and emits their changes until ctx ends (nil) or the
// connection is lost (an error). A point that the server refuses is emitted Bad with its code and costs
// the others nothing.
func (a *Adapter) Subscribe(ctx context.Context, points []adapters.Point, emit adapters.Emit) error {
	return a.Resume(ctx, points, make([]int64, len(points)), emit)
}

// Resume is Subscribe that first fills the gap since the points were last heard of, as far as the server keeps a history of them.
func (a *Adapter) Resume(ctx context.Context, points []adapters.Point, since []int64, emit adapters.Emit) error {
	if len(since) != len(points) {
		return fmt.Errorf("BUG: %d points, and %d times at which they were last heard of", len(points), len(since))
	}
	if !a.subscribed.CompareAndSwap(false, true) {
		return errors.New("BUG: this connection is subscribed already")
	}
	defer a.subscribed.Store(false)
	s := &subscription{adapter: a, emit: emit, items: make([]item, len(points)), heard: make(chan struct{}, 1)}
	for i, p := range points {
		s.items[i] = item{point: p, since: since[i]}
		s.holding = s.holding || since[i] > 0
	}
	err := s.run(ctx)
	if ctx.Err() != nil {
		return nil
	}
	return plain(err)
}

// subscription is one OPC UA subscription (OPC 10000-4, 5.14). The library's own keeps the keep-alives
// to itself, and they are what tells a quiet plant from a dead link; so the services are called here.
type subscription struct {
	adapter *Adapter
	emit    adapters.Emit

	mu    sync.Mutex // of what is in items beyond point, spec and node
	items []item     // by client handle
	turn  int        // which of them watch looked at last
	seen  uint64     // samples that came

	holding bool               // what is new waits until the gap is filled
	held    []telemetry.Sample // of it
	heard   chan struct{}      // one place: something has come

	id       uint32
	interval time.Duration // of publishing, as the server revised it
	silence  time.Duration // without any answer to a publish request this long, the subscription is dead

	expected uint32 // sequence number of the next notification
	lost     int    // notifications that never came
	overflow int    // samples whose queue in the server ran over
}

type item struct {
	point adapters.Point
	spec  *Spec
	node  *ua.NodeID // nil for one that this server can't have

	filter    *ua.ExtensionObject // deadband; nil for none
	monitored uint32              // the server's number for it
	done      bool                // refused, or something has come
	refused   bool                // the server does not sample it
	published bool                // something has come
	seen      uint64              // how often
	last      telemetry.Sample    // what came last, as far as it came from the server

	since  int64 // when it was last heard of before this subscription; 0 for never
	first  int64 // when it was heard of first in this one
	filled int   // samples from between the two

	counted   uint64 // seen, when watch looked at it last
	doubts    int    // how often in a row it read otherwise than what came last
	doubtedAt time.Time
	others    uint64 // seen of the subscription, then
	stale     bool   // it is to be subscribed to again
}

func (s *subscription) run(ctx context.Context) error {
	if err := s.create(ctx); err != nil {
		return fmt.Errorf("create the subscription: %w", err)
	}
	defer s.remove()
	if err := s.monitor(ctx); err != nil {
		return fmt.Errorf("subscribe to %d points: %w", len(s.items), err)
	}
	responses := make(chan *ua.PublishResponse)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.publish(ctx, responses) })
	g.Go(func() error { return s.collect(ctx, responses) })
	g.Go(func() error { return s.watch(ctx) })
	if s.holding {
		g.Go(func() error { return s.fill(ctx) })
	}
	return g.Wait()
}

func (s *subscription) create(ctx context.Context) error {
	settings := s.adapter.settings
	keepAlive := max(1, uint32(settings.Watch/settings.Publish))
	ctx, cancel := context.WithTimeout(ctx, settings.Timeout)
	defer cancel()
	response, err := exchange[*ua.CreateSubscriptionResponse](ctx, s.adapter.session, &ua.CreateSubscriptionRequest{
		RequestedPublishingInterval: float64(settings.Publish) / float64(time.Millisecond),
		RequestedMaxKeepAliveCount:  keepAlive,
		RequestedLifetimeCount:      max(3*keepAlive, uint32(lifetime/settings.Publish)),
		PublishingEnabled:           true,
	})
	if err != nil {
		return err
	}
	s.id = response.SubscriptionID
	s.interval = time.Duration(response.RevisedPublishingInterval * float64(time.Millisecond))
	s.silence = 3*time.Duration(max(1, response.RevisedMaxKeepAliveCount))*s.interval + settings.Timeout
	s.expected = 1
	if s.interval > settings.Publish {
		s.adapter.log.Info("the server publishes slower than asked", "asked", settings.Publish, "interval", s.interval)
	}
	return nil
}

// remove ends the subscription on the server; a server that can't hear it forgets it after its lifetime.
func (s *subscription) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	request := &ua.DeleteSubscriptionsRequest{SubscriptionIDs: []uint32{s.id}}
	if _, err := exchange[*ua.DeleteSubscriptionsResponse](ctx, s.adapter.session, request); err != nil {
		s.adapter.log.Debug("delete the subscription", "error", err)
	}
}

// emitWaiting tells of the points of which nothing has come yet.
func (s *subscription) emitWaiting() {
	now := time.Now()
	var samples []telemetry.Sample
	s.mu.Lock()
	for i := range s.items {
		if !s.items[i].done {
			s.items[i].done = true
			samples = append(samples, bad(s.items[i].point.ID, telemetry.BadWaitingForData, now))
		}
	}
	s.mu.Unlock()
	if len(samples) > 0 {
		s.emit(samples)
	}
}
