package isolate

import (
	"context"
	"runtime"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// prepareLimit bounds what touches no wire.
const prepareLimit = 10 * time.Second

// Prepare has the process plan the reading of points.
func (a *Adapter) Prepare(points []adapters.Point) (adapters.Reader, error) {
	packed, err := packPoints(points)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), prepareLimit)
	defer cancel()
	_, number, err := a.numbered(ctx, kindPrepare, order{Points: packed}, nil)
	if err != nil {
		return nil, err
	}
	r := &reader{adapter: a, number: number, points: make([]telemetry.PointID, len(points))}
	for i, p := range points {
		r.points[i] = p.ID
	}
	// A reader that was made for one reading, to look at what was written, is gone at the next collection; the process's then goes, too.
	runtime.AddCleanup(r, func(number uint32) { _ = a.process.send(frame{kindRelease, number, nil}) }, number)
	return r, nil
}

// reader stands for one in the other process.
type reader struct {
	adapter *Adapter
	number  uint32
	points  []telemetry.PointID
	got     []telemetry.Sample // reused by every Read
}

// Read has the process read the group. What it does not come to say of a point is said here.
func (r *reader) Read(ctx context.Context, emit adapters.Emit) error {
	r.got = r.got[:0]
	_, err := r.adapter.call(ctx, kindRead, order{Reader: r.number}, func(samples []telemetry.Sample) {
		r.got = append(r.got, samples...)
	})
	if len(r.got) < len(r.points) {
		r.fill(lossOf(ctx))
	}
	emit(r.got)
	return err
}

func lossOf(ctx context.Context) telemetry.Quality {
	if ctx.Err() != nil {
		return telemetry.BadTimeout
	}
	return telemetry.BadNoCommunication
}

func (r *reader) fill(with telemetry.Quality) {
	said := make(map[telemetry.PointID]bool, len(r.got))
	for _, s := range r.got {
		said[s.Point] = true
	}
	now := time.Now().UnixNano()
	for _, id := range r.points {
		if !said[id] {
			r.got = append(r.got, telemetry.Sample{Point: id, Quality: with, Time: now})
		}
	}
}

// writer is the power to write.
type writer struct{ to *Adapter }

// Write has the process write one value.
func (w writer) Write(ctx context.Context, p adapters.Point, v telemetry.Value) error {
	packed, err := packPoints([]adapters.Point{p})
	if err != nil {
		return err
	}
	_, err = w.to.call(ctx, kindWrite, order{Points: packed, Value: appendSample(nil, telemetry.Sample{Value: v})}, nil)
	return err
}

// subscriber is the power to listen.
type subscriber struct{ to *Adapter }

// Subscribe has the process subscribe to the points.
func (s subscriber) Subscribe(ctx context.Context, points []adapters.Point, emit adapters.Emit) error {
	return s.since(ctx, points, nil, emit)
}

func (s subscriber) since(ctx context.Context, points []adapters.Point, since []int64, emit adapters.Emit) error {
	packed, err := packPoints(points)
	if err != nil {
		return err
	}
	_, err = s.to.call(ctx, kindSubscribe, order{Points: packed, Since: since}, emit)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// resumer is the power to listen on where one left off.
type resumer struct{ subscriber }

// Resume has the process subscribe to the points again.
func (r resumer) Resume(ctx context.Context, points []adapters.Point, since []int64, emit adapters.Emit) error {
	return r.since(ctx, points, since, emit)
}
