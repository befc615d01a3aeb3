package look

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/sync/wire"
)

// A gateway is asked again every so often, and goes on for a lease without hearing more: it stops by itself when the cloud is gone.
const (
	every = 5 * time.Second
	lease = 3 * every
)

// Options are required.
type Options struct {
	// Publish sends a message to whoever has subscribed; nobody is told when that is none.
	Publish func(ctx context.Context, topic string, payload []byte) error
	Log     *slog.Logger
}

// Desk knows who looks at what. It is safe for concurrent use.
type Desk struct {
	o    Options
	news chan struct{} // one token: somebody came or went

	mu     sync.Mutex
	things map[string]*thing // by gateway
}

// thing is what of one gateway is looked at.
type thing struct {
	points  map[string]int // by how many; wire.EveryPoint: all
	changed bool           // since it was asked last
}

// New makes a desk; Run asks.
func New(o Options) *Desk {
	return &Desk{o: o, news: make(chan struct{}, 1), things: map[string]*thing{}}
}

// Look says that somebody looks at points of a gateway until ctx ends; no points mean all.
func (d *Desk) Look(ctx context.Context, gateway string, points ...string) {
	if len(points) == 0 || len(points) > wire.MaxWatched {
		points = []string{wire.EveryPoint}
	}
	d.count(gateway, points, 1)
	context.AfterFunc(ctx, func() { d.count(gateway, points, -1) })
}

func (d *Desk) count(gateway string, points []string, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.things[gateway]
	if t == nil {
		t = &thing{points: map[string]int{}}
		d.things[gateway] = t
	}
	for _, p := range points {
		t.points[p] += n
		if t.points[p] == 0 {
			delete(t.points, p)
		}
	}
	t.changed = true
	select {
	case d.news <- struct{}{}:
	default:
	}
}

// Run asks gateways until ctx ends.
func (d *Desk) Run(ctx context.Context) error {
	again := time.NewTicker(every)
	defer again.Stop()
	for {
		all := false
		select {
		case <-ctx.Done():
			return nil
		case <-d.news:
		case <-again.C:
			all = true
		}
		for gateway, w := range d.due(all) {
			d.ask(ctx, gateway, w)
		}
	}
}

// due is what is to be asked now: of all that are looked at, or of those where something changed. Who is looked at no more is told once, and forgotten.
func (d *Desk) due(all bool) map[string]wire.Watch {
	d.mu.Lock()
	defer d.mu.Unlock()
	due := map[string]wire.Watch{}
	for gateway, t := range d.things {
		if !all && !t.changed {
			continue
		}
		t.changed = false
		due[gateway] = t.watch()
		if len(t.points) == 0 {
			delete(d.things, gateway)
		}
	}
	return due
}

func (t *thing) watch() wire.Watch {
	switch {
	case len(t.points) == 0:
		return wire.Watch{}
	case t.points[wire.EveryPoint] > 0 || len(t.points) > wire.MaxWatched:
		return wire.Watch{Points: []string{wire.EveryPoint}, Lease: lease}
	}
	return wire.Watch{Points: slices.Sorted(maps.Keys(t.points)), Lease: lease}
}

func (d *Desk) ask(ctx context.Context, gateway string, w wire.Watch) {
	payload, err := wire.EncodeWatch(w)
	if err == nil {
		err = d.o.Publish(ctx, wire.WatchTopic(gateway), payload)
	}
	if err != nil && ctx.Err() == nil {
		d.o.Log.Warn("a gateway is not asked for what somebody looks at", "gateway", gateway, "err", err)
	}
}
