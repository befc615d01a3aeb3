package gateway

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/sync/session"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// livePace is the shortest time between two messages of watched points: an eye sees no more. What comes between is told by the newest of each point.
const livePace = 100 * time.Millisecond

// watch is what a cloud looks at: changes of these points go there at once, beside the blocks, until the lease has run out. Nothing is kept of them, and nothing
// is counted. While nobody looks it costs one atomic read.
type watch struct {
	target config.Target
	all    []config.Point // by PointID
	ids    map[string]telemetry.PointID
	active atomic.Bool
	wake   chan struct{} // one token: something is to be sent

	mu      sync.Mutex
	until   time.Time
	points  []bool             // by PointID
	told    []telemetry.Sample // the value told last, with a Time other than 0
	pending map[telemetry.PointID]telemetry.Sample
}

func newWatch(cfg *config.Config, c config.Target, ids map[string]telemetry.PointID) *watch {
	return &watch{target: c, all: cfg.Points, ids: ids, wake: make(chan struct{}, 1), pending: map[telemetry.PointID]telemetry.Sample{}}
}

// ask takes what the cloud looks at now, in place of what it looked at before.
func (w *watch) ask(a wire.Watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(a.Points) == 0 || a.Lease <= 0 {
		w.end()
		return
	}
	if w.points == nil {
		w.told = make([]telemetry.Sample, len(w.all))
	}
	w.points = make([]bool, len(w.all))
	for _, name := range a.Points {
		if id, there := w.ids[name]; there {
			w.points[id] = w.target.Takes(id)
		}
		for id := 0; name == wire.EveryPoint && id < len(w.points); id++ {
			w.points[id] = w.target.Takes(telemetry.PointID(id))
		}
	}
	w.until = time.Now().Add(a.Lease)
	w.active.Store(true)
}

// end forgets everything. It holds w.mu.
func (w *watch) end() {
	w.points, w.told = nil, nil
	clear(w.pending)
	w.active.Store(false)
}

// put sees every sample that is read.
func (w *watch) put(samples []telemetry.Sample) {
	if !w.active.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.points == nil || time.Now().After(w.until) {
		w.end()
		return
	}
	fresh := false
	for _, s := range samples {
		if last := &w.told[s.Point]; w.points[s.Point] && (last.Time == 0 || last.Value != s.Value || last.Quality != s.Quality) {
			*last = s
			w.pending[s.Point] = s
			fresh = true
		}
	}
	if fresh {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// run sends what is watched until ctx ends. What does not arrive is not sent again.
func (w *watch) run(ctx context.Context, gateway string, link *session.Session) error {
	encoder := wire.NewEncoder(wire.Fastest)
	var names []string // made when somebody looks for the first time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
		}
		if names == nil {
			names = namesOf(w.all)
		}
		if samples := w.take(); len(samples) > 0 {
			block, err := encoder.AppendBlock(nil, names, samples)
			if err == nil {
				_ = link.Send(ctx, session.Message{Topic: wire.LiveTopic(gateway), ContentType: wire.ContentBlock, Payload: block, Fleeting: true})
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(livePace):
		}
	}
}

// namesOf are the full names by PointID.
func namesOf(points []config.Point) []string {
	names := make([]string, len(points))
	for i := range points {
		names[i] = points[i].FullName()
	}
	return names
}

func (w *watch) take() (samples []telemetry.Sample) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.pending {
		samples = append(samples, s)
	}
	clear(w.pending)
	return samples
}
