package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// ErrNotOpen is what the error of a write or a reading out of turn wraps when there is no connection: nothing reached the equipment.
var ErrNotOpen = errors.New("no connection")

// errand is something for the connection's goroutine to do between two readings.
type errand struct {
	ctx  context.Context
	do   func(context.Context, adapters.Adapter) (telemetry.Sample, error)
	done chan fetched
}

type fetched struct {
	sample telemetry.Sample
	err    error
}

// Write sends a value to the equipment and returns what the point reads afterwards. Whether the write is allowed is the caller's to
// know. An error means that it is not certain that the value arrived, unless it wraps ErrNotOpen.
func (p *Poller) Write(ctx context.Context, point adapters.Point, v telemetry.Value) (telemetry.Sample, error) {
	s, err := p.fetch(ctx, func(ctx context.Context, a adapters.Adapter) (telemetry.Sample, error) {
		return WriteBack(ctx, a, point, v)
	})
	if errors.Is(err, errBusy) || errors.Is(err, errSlow) {
		return s, fmt.Errorf("write %s.%s: %w", point.Device, point.Name, err)
	}
	return s, err
}

// Read asks the equipment for one point out of its turn.
func (p *Poller) Read(ctx context.Context, point adapters.Point) (telemetry.Sample, error) {
	s, err := p.fetch(ctx, func(ctx context.Context, a adapters.Adapter) (telemetry.Sample, error) { return ReadOne(ctx, a, point) })
	if err != nil {
		return s, fmt.Errorf("read %s.%s: %w", point.Device, point.Name, err)
	}
	return s, nil
}

var (
	errBusy = fmt.Errorf("%w: the connection is busy", ErrNotOpen)
	errSlow = errors.New("the equipment was not waited for")
)

// fetch hands an errand to Run's goroutine and waits for what came of it.
func (p *Poller) fetch(ctx context.Context, do func(context.Context, adapters.Adapter) (telemetry.Sample, error)) (telemetry.Sample, error) {
	e := errand{ctx: ctx, do: do, done: make(chan fetched, 1)}
	select {
	case p.errands <- e:
	case <-p.ended:
		return telemetry.Sample{}, fmt.Errorf("%w: the gateway is being stopped", ErrNotOpen)
	case <-ctx.Done():
		return telemetry.Sample{}, fmt.Errorf("%w: %w", errBusy, ctx.Err())
	}
	select {
	case r := <-e.done: // once taken, an errand is answered
		return r.sample, r.err
	case <-ctx.Done():
		return telemetry.Sample{}, fmt.Errorf("%w: %w", errSlow, ctx.Err())
	}
}

// serve runs in Run's goroutine.
func (p *Poller) serve(ctx context.Context, e errand) fetched {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	defer context.AfterFunc(e.ctx, cancel)()
	if p.adapter == nil {
		return fetched{err: p.notOpen()}
	}
	began := time.Now()
	sample, err := e.do(ctx, p.adapter)
	p.count(func(*State) { p.load.add(time.Now(), time.Since(began)) })
	if sample.Time != 0 {
		p.emit([]telemetry.Sample{sample})
	}
	return fetched{sample, err}
}

// notOpen says why there is nothing to write to, and when it is worth trying again.
func (p *Poller) notOpen() error {
	s := p.State()
	if p.opening != nil {
		return fmt.Errorf("%w: connection %s is down: %s; it is being opened just now", ErrNotOpen, s.Name, s.Why)
	}
	return fmt.Errorf("%w: connection %s is down: %s; next attempt in %s", ErrNotOpen, s.Name, s.Why, max(time.Until(s.RetryAt), 0).Round(100*time.Millisecond))
}

// WriteBack writes a value through an open adapter and reads the point again.
func WriteBack(ctx context.Context, a adapters.Adapter, p adapters.Point, v telemetry.Value) (telemetry.Sample, error) {
	writer, ok := a.(adapters.Writer)
	if !ok {
		return telemetry.Sample{}, errors.New("this protocol cannot write")
	}
	if err := writer.Write(ctx, p, v); err != nil {
		return telemetry.Sample{}, fmt.Errorf("write %s.%s at %s: %w", p.Device, p.Name, p.Spec, err)
	}
	got, err := ReadOne(ctx, a, p)
	if err != nil {
		return got, fmt.Errorf("written, not read back: %w", err)
	}
	return got, nil
}

// ReadOne reads one point through an open adapter.
func ReadOne(ctx context.Context, a adapters.Adapter, p adapters.Point) (got telemetry.Sample, err error) {
	reader, err := a.Prepare([]adapters.Point{p})
	if err == nil {
		err = reader.Read(ctx, func(s []telemetry.Sample) { got = s[0] })
	}
	return got, err
}
