package poll

import (
	"context"
	"sync"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// heard is when the equipment last said something of each point that it sends by itself, by the sample's own time. It outlives a connection, so that the
// next can ask for what was recorded since.
type heard struct {
	mu sync.Mutex
	at map[telemetry.PointID]int64
}

// listen subscribes to the points that are pushed, from where the connection before left off.
func (p *Poller) listen(ctx context.Context, s adapters.Subscriber) error {
	r, ok := s.(adapters.Resumer)
	if !ok {
		return s.Subscribe(ctx, p.pushed, p.emit)
	}
	return r.Resume(ctx, p.pushed, p.heard.since(p.pushed), func(samples []telemetry.Sample) {
		p.heard.note(samples)
		p.emit(samples)
	})
}

func (h *heard) since(points []adapters.Point) []int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	since := make([]int64, len(points))
	for i, p := range points {
		since[i] = h.at[p.ID]
	}
	return since
}

// note leaves out what was said for want of anything from the equipment.
func (h *heard) note(samples []telemetry.Sample) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.at == nil {
		h.at = map[telemetry.PointID]int64{}
	}
	for _, s := range samples {
		if s.Quality != telemetry.BadWaitingForData && s.Time > h.at[s.Point] {
			h.at[s.Point] = s.Time
		}
	}
}
