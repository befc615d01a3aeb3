package poll

import (
	"context"
	"errors"

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
