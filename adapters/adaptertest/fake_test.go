package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// flaw is one law broken by a fake that keeps all the others.
type flaw string

// equipment is a fake device in memory: registers by name, and the ways it can be troubled.
type equipment struct {
	mu       sync.Mutex
	values   map[string]telemetry.Value
	silent   bool
	cut      bool
	received int64
	changed  chan struct{} // closed and replaced at every change
}

func newEquipment() *equipment {
	return &equipment{
		changed: make(chan struct{}),
		values: map[string]telemetry.Value{
			"level": telemetry.Float64(1.5), "count": telemetry.Int64(-7), "label": telemetry.String("A1"),
		},
	}
}

func (e *equipment) change(fn func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	fn()
	close(e.changed)
	e.changed = make(chan struct{})
}

// state is what an adapter can see of it.
func (e *equipment) state(at string) (v telemetry.Value, silent, cut bool, changed <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.values[at], e.silent, e.cut, e.changed
}

func (e *equipment) touch() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.received++
}

type fakeConnection struct {
	Address string            `yaml:"fake" required:"true"`
	Timeout time.Duration     `yaml:"timeout"`
	Labels  map[string]string `yaml:"labels"`
	to      *equipment
	flaw    flaw
}

func (c *fakeConnection) NewDevice() adapters.Device { return &fakeDevice{} }

func (c *fakeConnection) Validate() error {
	var errs []error
	if c.Address == "" {
		errs = append(errs, &adapters.KeyError{Key: "fake", Err: errors.New("no address")})
	}
	if c.Timeout < 0 && !(c.flaw == "validate stops at the first" && len(errs) > 0) {
		errs = append(errs, &adapters.KeyError{Key: "timeout", Err: errors.New("negative")})
	}
	if c.flaw == "a mistake without a key" {
		errs = append(errs, errors.New("something is wrong"))
	}
	return errors.Join(errs...)
}

func (c *fakeConnection) Open(ctx context.Context, _ *slog.Logger) (adapters.Adapter, error) {
	if _, _, cut, _ := c.to.state(""); cut && c.flaw != "open succeeds with nobody there" {
		return nil, fmt.Errorf("open %s: nobody is there", c.Address)
	}
	a := &fakeAdapter{to: c.to, flaw: c.flaw, closed: make(chan struct{})}
	if c.flaw == "a goroutine is left" {
		go func() { _, _, _, changed := c.to.state(""); <-changed }()
	}
	if c.flaw == "writable without a writer" {
		return readOnly{a}, nil
	}
	return fakeWriter{a}, nil
}

type fakeDevice struct {
	Unit int `yaml:"unit"`
}

func (d *fakeDevice) Validate() error         { return nil }
func (d *fakeDevice) NewPoint() adapters.Spec { return &fakeSpec{} }

type fakeSpec struct {
	At   string `yaml:"at" required:"true"`
	Push bool   `yaml:"push"`
}

func (s *fakeSpec) Validate() error { return nil }
func (s *fakeSpec) Pushed() bool    { return s.Push }
func (s *fakeSpec) Writable() error { return nil }
func (s *fakeSpec) String() string  { return s.At }

var errClosed = errors.New("closed")

type fakeAdapter struct {
	to     *equipment
	flaw   flaw
	once   sync.Once
	closed chan struct{}
}

// readOnly hides what a fakeWriter can.
type readOnly struct{ *fakeAdapter }

type fakeWriter struct{ *fakeAdapter }

func (a *fakeAdapter) Prepare(points []adapters.Point) (adapters.Reader, error) {
	_, _, cut, _ := a.to.state("")
	switch {
	case a.flaw == "prepare touches the wire":
		a.to.touch()
	case a.flaw == "prepare needs the wire" && cut:
		return nil, errClosed
	}
	return &fakeReader{a, points}, nil
}

func (a *fakeAdapter) Close() error {
	if a.flaw == "the second close is an error" {
		select {
		case <-a.closed:
			return errClosed
		default:
		}
	}
	a.once.Do(func() { close(a.closed) })
	return nil
}

func (a fakeWriter) Write(_ context.Context, p adapters.Point, v telemetry.Value) error {
	if a.flaw == "a write is forgotten" {
		return nil
	}
	a.to.change(func() { a.to.values[p.Spec.String()] = v })
	return nil
}

type fakeReader struct {
	a      *fakeAdapter
	points []adapters.Point
}

func (r *fakeReader) Read(ctx context.Context, emit adapters.Emit) error {
	err := r.wait(ctx)
	switch {
	case errors.Is(err, adapters.ErrNoAnswer) && r.a.flaw == "silence is called a loss":
		err = errClosed
	case err != nil && r.a.flaw == "a loss is called silence":
		err = adapters.ErrNoAnswer
	case err != nil && r.a.flaw == "an error is swallowed":
		err = nil
	}
	if r.a.flaw == "emitted after the return" {
		go func() { time.Sleep(10 * time.Millisecond); r.emit(emit, err) }()
		return err
	}
	r.emit(emit, err)
	return err
}

// wait is the device's part of a Read: nil once it has answered.
func (r *fakeReader) wait(ctx context.Context) error {
	a := r.a
	done, closed := ctx.Done(), a.closed
	if a.flaw == "the context is not heeded" {
		done = nil
	}
	if a.flaw == "close does not end a read" {
		closed = nil
	}
	for {
		select {
		case <-closed:
			return errClosed
		default:
		}
		_, silent, cut, changed := a.to.state("")
		if cut {
			return errors.New("the wire is cut")
		}
		a.to.touch()
		if !silent {
			return nil
		}
		select {
		case <-changed:
		case <-closed:
			return errClosed
		case <-done:
			return adapters.ErrNoAnswer
		}
	}
}

func (r *fakeReader) emit(emit adapters.Emit, err error) {
	one := make([]telemetry.Sample, 1) // used again for every sample, as the law of Emit allows
	for i, p := range r.points {
		one[0] = r.sample(p, err)
		switch {
		case r.a.flaw == "a point is forgotten" && i == 1:
			continue
		case r.a.flaw == "a point is emitted twice" && i == 1:
			emit(one)
		case r.a.flaw == "a bad point is forgotten" && err != nil && i == 1:
			continue
		}
		emit(one)
	}
}

func (r *fakeReader) sample(p adapters.Point, err error) telemetry.Sample {
	value, _, _, _ := r.a.to.state(p.Spec.String())
	s := telemetry.Sample{Point: p.ID, Time: time.Now().UnixNano(), Value: value}
	switch {
	case r.a.flaw == "values are swapped" && p.ID == 0:
		s.Value = telemetry.Float64(99)
	case err == nil:
	case r.a.flaw == "the last value is called good":
	case r.a.flaw == "bad has no reason":
		s.Quality, s.Value = telemetry.Bad, telemetry.Value{}
	case r.a.flaw == "bad has a value":
		s.Quality = telemetry.BadTimeout
	default:
		s.Quality, s.Value = telemetry.BadTimeout, telemetry.Value{}
	}
	return s
}

// Subscribe sends everything at every change, and bad once when the equipment falls silent.
func (a *fakeAdapter) Subscribe(ctx context.Context, points []adapters.Point, emit adapters.Emit) error {
	r := &fakeReader{a, points}
	wasSilent := false
	done, closed := ctx.Done(), a.closed
	switch a.flaw {
	case "a subscription outlives its context":
		done = nil
	case "close does not end a subscription":
		closed = nil
	case "a subscription sends nothing":
		emit = func([]telemetry.Sample) {}
	}
	for {
		_, silent, cut, changed := a.to.state("")
		switch {
		case cut && a.flaw != "a subscription survives the cut":
			return errors.New("the wire is cut")
		case !silent:
			r.emit(emit, nil)
		case !wasSilent || a.flaw == "silence is told again and again":
			r.emit(emit, adapters.ErrNoAnswer)
		}
		wasSilent = silent
		select {
		case <-changed:
		case <-done:
			if a.flaw == "the end of a context is an error" {
				return ctx.Err()
			}
			return nil
		case <-closed:
			return nil
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// fakeSuite is a suite of a fake that keeps every law but one; all of them when the flaw is empty.
func fakeSuite(f flaw) Suite {
	kind := adapters.Kind{Name: "fake", Doc: "equipment in memory", New: func() adapters.Connection {
		return &fakeConnection{Timeout: time.Second, Labels: map[string]string{"a": "b"}, flaw: f}
	}}
	return Suite{
		Kind:     kind,
		Start:    func(t testing.TB) Rig { return fakeRig(t, f) },
		Mistakes: []Mistake{{&fakeConnection{Timeout: -1, flaw: f}, []string{"fake", "timeout"}}},
	}
}

func fakeRig(t testing.TB, f flaw) Rig {
	e := newEquipment()
	t.Cleanup(func() { e.change(func() { e.cut, e.silent = true, false }) })
	point := func(id telemetry.PointID, at string, push bool) Expect {
		return Expect{adapters.Point{ID: id, Device: "tank", Name: at, Spec: &fakeSpec{At: at, Push: push}}, e.values[at]}
	}
	level := point(0, "level", false)
	return Rig{
		Connection: &fakeConnection{Address: "memory", to: e, flaw: f},
		Points:     []Expect{level, point(1, "count", false), point(2, "label", true)},
		Writes:     []Expect{{level.Point, telemetry.Float64(2.5)}},
		Silence:    func() { e.change(func() { e.silent = true }) },
		Speak:      func() { e.change(func() { e.silent = false }) },
		Cut:        func() { e.change(func() { e.cut = true }) },
		Restore:    func() { e.change(func() { e.cut = false }) },
		Received: func() int64 {
			e.mu.Lock()
			defer e.mu.Unlock()
			return e.received
		},
	}
}
