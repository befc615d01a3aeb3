package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// ErrNotSent is what Site.Write wraps when it is certain that nothing reached the equipment: the connection is down, the value does not fit.
var ErrNotSent = errors.New("nothing was written")

// writeLimit is how long a write may take.
const writeLimit = 30 * time.Second

// write writes once and reads back until the point has what was written, for at most Settle: a drive may take its time.
func (d *Desk) write(ctx context.Context, v *visit) Result {
	limit := min(writeLimit, v.place.deadline(v.order).Sub(d.o.Now()))
	ctx, cancel := d.until(ctx, limit)
	defer cancel()
	got, err := v.plant.Write(ctx, v.place.ID, v.value)
	if errors.Is(err, ErrNotSent) {
		return Result{State: Failed, Code: WriteFailed, Reason: fmt.Sprintf("%v; nothing was written", err)}
	}
	if !v.reached(got) {
		since := max(got.Time, 0)
		if since == 0 {
			since = v.reads.Time
		}
		got = d.settled(ctx, v, got, since)
	}
	return v.verdict(got, err)
}

// until is a context of at most limit that ends with the desk and not with who asked.
func (d *Desk) until(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		select {
		case <-d.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(); <-gone }
}

// reached reports whether a sample shows that the point holds what was written.
func (v *visit) reached(s telemetry.Sample) bool { return same(v.held, s, v.place.Guard.Tolerance) }

// lookAgain is how long after a reading that differs the next is taken.
const lookAgain = 50 * time.Millisecond

// settled reads again until the point holds what was written, and gives the last reading. The write's own deadline does not bind it.
func (d *Desk) settled(ctx context.Context, v *visit, last telemetry.Sample, since int64) telemetry.Sample {
	ctx, cancel := d.until(ctx, d.o.Settle)
	defer cancel()
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return last
		case <-tick.C:
		}
		if s, ok := v.plant.look(ctx, v.place.ID, since); ok {
			if last = s; v.reached(s) {
				return s
			}
		}
	}
}

// look reads the equipment; where that cannot be asked for, it takes what was read since. The time is the equipment's own, so that only
// samples of one point are compared.
func (p *plant) look(ctx context.Context, id telemetry.PointID, since int64) (telemetry.Sample, bool) {
	if p.Read != nil {
		s, err := p.Read(ctx, id)
		return s, err == nil
	}
	s, ok := p.Latest(id)
	return s, ok && s.Time > since
}

// verdict says what came of a write that ended with an error or nil, by what the point reads.
func (v *visit) verdict(got telemetry.Sample, err error) Result {
	r := Result{State: Failed, Sample: got}
	reads := reading(got.Value, got.Quality)
	known := got.Time != 0 && !got.Quality.IsBad() && !got.Value.IsNone()
	switch {
	case v.reached(got):
		r.State = Done
	case err != nil && known:
		r.Code, r.Reason = WriteFailed, fmt.Sprintf("%v; %s reads %s", err, v.order.Point, reads)
	case err != nil:
		r.Code, r.Reason = Uncertain, fmt.Sprintf("%v; it is not certain whether it was written: look at the equipment before you ask again", err)
	case known:
		r.Code, r.Reason = Differs, fmt.Sprintf("written %s, reads %s: the equipment did not take it, or something else writes it too", clip(v.value.Short()), reads)
	default:
		r.Code, r.Reason = Uncertain, fmt.Sprintf("written %s, and it could not be read back (%s): look at the equipment before you ask again", clip(v.value.Short()), got.Quality)
	}
	return r
}
