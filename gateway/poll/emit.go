package poll

import (
	"context"
	"errors"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// unlessStopped passes on what a reading gives. Once the gateway is told to stop, an answer that was not waited for says nothing of
// the device: only the points that had been read by then are passed on.
func (p *Poller) unlessStopped(ctx context.Context) adapters.Emit {
	return func(samples []telemetry.Sample) {
		if !errors.Is(ctx.Err(), context.Canceled) {
			p.emit(samples)
			return
		}
		for i, s := range samples {
			if !s.Quality.IsBad() || !s.Value.IsNone() {
				p.emit(samples[i : i+1])
			}
		}
	}
}

// renew has readings end a minute from now at the latest, half a minute at the soonest.
func (p *Poller) renew(ctx context.Context) {
	if p.limit != nil && p.limit.Err() == nil && time.Until(p.limitEnds) > readLimit/2 {
		return
	}
	if p.limitEnd != nil {
		p.limitEnd()
	}
	p.limitEnds = time.Now().Add(readLimit)
	p.limit, p.limitEnd = context.WithDeadline(ctx, p.limitEnds)
	p.limitEmit = p.unlessStopped(p.limit)
}
