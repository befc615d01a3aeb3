package isolate

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestMain(m *testing.M) {
	if IsChild(os.Args) {
		os.Exit(Child([]adapters.Kind{lab()}))
	}
	os.Exit(m.Run())
}

// lab is a protocol that does what the address of a point says.
func lab() adapters.Kind {
	return adapters.Kind{Name: "lab", Doc: "what goes wrong", New: func() adapters.Connection { return &labConnection{} }}
}

type labConnection struct {
	Address string `yaml:"lab"`
}

func (c *labConnection) Validate() error            { return nil }
func (c *labConnection) NewDevice() adapters.Device { return &labDevice{} }
func (d *labDevice) Validate() error                { return nil }
func (d *labDevice) NewPoint() adapters.Spec        { return &labSpec{} }
func (s *labSpec) Validate() error                  { return nil }
func (s *labSpec) Pushed() bool                     { return false }
func (s *labSpec) Writable() error                  { return nil }
func (s *labSpec) String() string                   { return s.At }
func (a *labAdapter) Close() error                  { return os.WriteFile(a.farewell, []byte("closed"), 0o600) }
func labPoint(id telemetry.PointID, at string) adapters.Point {
	return adapters.Point{ID: id, Device: "lab", Name: at, Spec: &labSpec{At: at, Every: time.Second}}
}

type labDevice struct {
	Unit int `yaml:"unit"`
}

type labSpec struct {
	At    string        `yaml:"at"`
	Every time.Duration `yaml:"every"`
}

// labAdapter leaves a file behind when it is closed.
type labAdapter struct {
	farewell string
	log      *slog.Logger
	mu       sync.Mutex
	written  map[string]telemetry.Value
}

func (c *labConnection) Open(_ context.Context, log *slog.Logger) (adapters.Adapter, error) {
	switch c.Address {
	case "nobody":
		return nil, errors.New("nobody is there")
	case "panic":
		go panic("hostile bytes")
		select {}
	}
	log.With("line", 7).Warn("opened", "at", c.Address)
	return &labAdapter{farewell: c.Address, log: log, written: map[string]telemetry.Value{}}, nil
}

func (a *labAdapter) Prepare(points []adapters.Point) (adapters.Reader, error) {
	return &labReader{a, points}, nil
}

type labReader struct {
	adapter *labAdapter
	points  []adapters.Point
}

func (r *labReader) Read(ctx context.Context, emit adapters.Emit) error {
	for _, p := range r.points {
		s := telemetry.Sample{Point: p.ID, Time: int64(p.ID), Sourced: p.ID%2 == 1}
		at, n, _ := strings.Cut(p.Spec.String(), ":")
		switch at {
		case "text":
			s.Value = telemetry.String(strings.Repeat("x", len(n)))
		case "long":
			s.Value = telemetry.String(strings.Repeat("x", maxText+1))
		case "silent":
			s.Quality = telemetry.BadTimeout
			emit([]telemetry.Sample{s})
			return adapters.ErrNoAnswer
		case "panic":
			go panic("hostile bytes")
			select {}
		case "stop":
			_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
			select {} // until it has arrived
		case "deaf":
			select {} // the context is not heeded
		case "pid":
			s.Value = telemetry.Int64(int64(os.Getpid()))
		case "written":
			r.adapter.mu.Lock()
			s.Value = r.adapter.written[n]
			r.adapter.mu.Unlock()
		}
		emit([]telemetry.Sample{s})
	}
	return nil
}

func (a *labAdapter) Write(_ context.Context, p adapters.Point, v telemetry.Value) error {
	if p.Name == "refused" {
		return errors.New("refused")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.written[p.Name] = v
	return nil
}

// Subscribe sends numbers as fast as they go.
func (a *labAdapter) Subscribe(ctx context.Context, points []adapters.Point, emit adapters.Emit) error {
	for n := int64(0); ctx.Err() == nil; n++ {
		samples := make([]telemetry.Sample, 0, len(points))
		for _, p := range points {
			samples = append(samples, telemetry.Sample{Point: p.ID, Time: n, Value: telemetry.Int64(n)})
		}
		emit(samples)
	}
	return nil
}

// closedLab is one that is never open.
type closedLab struct{ labConnection }

func (c *closedLab) Open(context.Context, *slog.Logger) (adapters.Adapter, error) {
	return nil, errors.New("nobody is there")
}
