package isolate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

var (
	errClosed = errors.New("the connection is closed")
	errHung   = errors.New("the process that runs this connection does not answer and was ended")
)

// How often the process is asked whether it is alive, and how long it may take to say so.
const (
	pingEvery = 5 * time.Second
	pingLimit = 10 * time.Second
)

// grace is how long a call that was cancelled, or whose time is up, may go on in the other process before that is ended.
const grace = 4 * time.Second

// Adapter is a connection that another process has open. It is an adapters.Adapter.
type Adapter struct {
	process *process
	log     *slog.Logger
	ended   chan struct{} // closed when the process has, and every call was told

	mu    sync.Mutex
	calls map[uint32]*call
	last  uint32
	cause error // why nothing can be asked any more; nil while it can
}

// call is one that the process was asked for and has not ended.
type call struct {
	done chan result // one place
	lost chan error  // one place

	mu   sync.Mutex // held while emit runs, so that nothing is emitted once the caller has gone
	emit adapters.Emit
}

func newAdapter(p *process, log *slog.Logger) *Adapter {
	a := &Adapter{process: p, log: log, ended: make(chan struct{}), calls: map[uint32]*call{}}
	go a.listen()
	go a.watch()
	return a
}

// with gives the adapter the powers that the one in the process has.
func (a *Adapter) with(r result) adapters.Adapter {
	switch {
	case r.Writes && r.Resumes:
		return struct {
			*Adapter
			writer
			resumer
		}{a, writer{a}, resumer{subscriber{a}}}
	case r.Writes && r.Subscribes:
		return struct {
			*Adapter
			writer
			subscriber
		}{a, writer{a}, subscriber{a}}
	case r.Writes:
		return struct {
			*Adapter
			writer
		}{a, writer{a}}
	case r.Subscribes:
		return struct {
			*Adapter
			subscriber
		}{a, subscriber{a}}
	}
	return a
}

// call asks for something and waits until it is done, ctx ends, or the process does.
func (a *Adapter) call(ctx context.Context, what kind, o order, emit adapters.Emit) (result, error) {
	r, _, err := a.numbered(ctx, what, o, emit)
	return r, err
}

// numbered is call, and says under which number it went.
func (a *Adapter) numbered(ctx context.Context, what kind, o order, emit adapters.Emit) (result, uint32, error) {
	if err := ctx.Err(); err != nil {
		return result{}, 0, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		o.Within = time.Until(deadline)
	}
	payload, err := json.Marshal(o)
	if err != nil {
		return result{}, 0, err
	}
	if len(payload) > maxFrame {
		return result{}, 0, fmt.Errorf("%d points are more than one connection can have in a process of its own", len(o.Points))
	}
	c := &call{done: make(chan result, 1), lost: make(chan error, 1), emit: emit}
	number, err := a.enter(c)
	if err != nil {
		return result{}, 0, err
	}
	if err := a.process.send(frame{what, number, payload}); err != nil {
		a.end(errHung)
	}
	r, err := a.await(ctx, c, number)
	return r, number, err
}

func (a *Adapter) await(ctx context.Context, c *call, number uint32) (result, error) {
	select {
	case r := <-c.done:
		return r, r.err()
	case err := <-c.lost:
		return result{}, err
	case <-ctx.Done():
	}
	if err := a.process.send(frame{kindCancel, number, nil}); err != nil {
		a.end(errHung)
	}
	patience := time.NewTimer(afterwards)
	defer patience.Stop()
	select {
	case r := <-c.done:
		return r, r.err()
	case err := <-c.lost:
		return result{}, err
	case <-patience.C:
	}
	c.mute()
	time.AfterFunc(grace, func() { a.endIfPending(number) })
	return result{}, ctx.Err()
}

// afterwards is how long a caller whose context has ended is kept for the last words of the adapter.
const afterwards = 250 * time.Millisecond

// mute waits for an emit that is under way, and lets no other begin.
func (c *call) mute() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.emit = nil
}

func (a *Adapter) enter(c *call) (uint32, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cause != nil {
		return 0, a.cause
	}
	a.last++
	a.calls[a.last] = c
	return a.last, nil
}

// leave takes a call out; nil when it is not there.
func (a *Adapter) leave(number uint32) *call {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.calls[number]
	delete(a.calls, number)
	return c
}

func (a *Adapter) pending(number uint32) *call {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls[number]
}

func (a *Adapter) endIfPending(number uint32) {
	if a.pending(number) != nil {
		a.end(errHung)
	}
}

// end ends the process for a reason; listen tells everybody once it is gone. One that is taking its leave is let be.
func (a *Adapter) end(why error) {
	a.mu.Lock()
	leaving := errors.Is(a.cause, errClosed)
	if a.cause == nil {
		a.cause = why
	}
	a.mu.Unlock()
	if !leaving {
		a.process.kill()
	}
}

// listen takes what the process says until it has ended.
func (a *Adapter) listen() {
	defer close(a.ended)
	in := frameReader{from: a.process.out}
	var samples []telemetry.Sample
	for {
		f, err := in.next()
		if err != nil {
			break // it has ended, or closed what it speaks through
		}
		if samples, err = a.take(f, samples); err != nil {
			a.end(fmt.Errorf("BUG: the process that runs this connection said what can't be understood: %w", err))
			break
		}
	}
	a.process.kill()
	how := a.process.wait()
	a.mu.Lock()
	if a.cause == nil {
		a.cause = how
	}
	why, calls := a.cause, a.calls
	a.calls = nil
	a.mu.Unlock()
	if !errors.Is(why, errClosed) {
		a.log.Warn("the process of a connection ended", "err", why)
		a.log.Debug("the process of a connection ended", "it_said", a.process.said.String())
	}
	for _, c := range calls {
		c.lost <- why
	}
}

func (a *Adapter) take(f frame, space []telemetry.Sample) ([]telemetry.Sample, error) {
	switch f.kind {
	case kindSamples:
		samples, err := decodeSamples(f.payload, space)
		if c := a.pending(f.call); c != nil && err == nil {
			c.deliver(samples)
		}
		clear(samples) // texts are not kept alive by the space
		return samples, err
	case kindDone:
		var r result
		err := json.Unmarshal(f.payload, &r)
		if c := a.leave(f.call); c != nil {
			c.done <- r
		}
		return space, err
	case kindLog:
		return space, a.write(f.payload)
	}
	return space, fmt.Errorf("a frame of kind %d", f.kind)
}

func (c *call) deliver(samples []telemetry.Sample) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.emit != nil && len(samples) > 0 {
		c.emit(samples)
	}
}

// write puts a line of the adapter into the log here.
func (a *Adapter) write(payload []byte) error {
	var l line
	if err := json.Unmarshal(payload, &l); err != nil {
		return err
	}
	var with []any
	for i := 0; i+1 < len(l.With); i += 2 {
		with = append(with, slog.String(l.With[i], l.With[i+1]))
	}
	a.log.Log(context.Background(), l.Level, l.Text, with...)
	return nil
}

// watch asks the process now and then whether it is there at all: one that was stopped, or has lost itself, neither ends nor answers.
func (a *Adapter) watch() {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-a.ended:
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), pingLimit)
		_, err := a.call(ctx, kindPing, order{}, nil)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			a.end(errHung)
		}
	}
}

// Close has the process take its leave of the equipment, and returns when it has ended.
func (a *Adapter) Close() error {
	a.mu.Lock()
	if a.cause == nil {
		a.cause = errClosed
	}
	a.mu.Unlock()
	defer a.process.leave().Stop()
	<-a.ended
	return nil
}
