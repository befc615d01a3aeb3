package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// write is a request to the connection's goroutine: equipment is written between two readings, never during one.
type write struct {
	ctx   context.Context
	point adapters.Point
	value telemetry.Value
	done  chan written
}

type written struct {
	sample telemetry.Sample
	err    error
}

// Write sends a value to the equipment and returns what the point reads afterwards. Whether the write is allowed is the caller's to
// know. An error means that it is not certain that the value arrived.
func (p *Poller) Write(ctx context.Context, point adapters.Point, v telemetry.Value) (telemetry.Sample, error) {
	w := write{ctx: ctx, point: point, value: v, done: make(chan written, 1)}
	select {
	case p.writes <- w:
	case <-ctx.Done():
		return telemetry.Sample{}, fmt.Errorf("write %s.%s: the connection is busy: %w", point.Device, point.Name, ctx.Err())
	}
	select {
	case r := <-w.done:
		return r.sample, r.err
	case <-ctx.Done():
		return telemetry.Sample{}, fmt.Errorf("write %s.%s: %w", point.Device, point.Name, ctx.Err())
	}
}

// write runs in Run's goroutine.
func (p *Poller) write(ctx context.Context, w write) written {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	defer context.AfterFunc(w.ctx, cancel)()
	if p.adapter == nil {
		return written{err: p.notOpen()}
	}
	sample, err := WriteBack(ctx, p.adapter, w.point, w.value)
	if sample.Time != 0 {
		p.emit([]telemetry.Sample{sample})
	}
	return written{sample, err}
}

// notOpen says why there is nothing to write to, and when it is worth trying again.
func (p *Poller) notOpen() error {
	s := p.State()
	if p.opening != nil {
		return fmt.Errorf("connection %s is down: %s; it is being opened just now", s.Name, s.Why)
	}
	return fmt.Errorf("connection %s is down: %s; next attempt in %s", s.Name, s.Why, max(time.Until(s.RetryAt), 0).Round(100*time.Millisecond))
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
	reader, err := a.Prepare([]adapters.Point{p})
	if err != nil {
		return telemetry.Sample{}, fmt.Errorf("written, not read back: %w", err)
	}
	var got telemetry.Sample
	err = reader.Read(ctx, func(s []telemetry.Sample) { got = s[0] })
	if err != nil {
		return got, fmt.Errorf("written, not read back: %w", err)
	}
	return got, nil
}
