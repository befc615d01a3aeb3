package opcua_test

import (
	"context"
	"log"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/isolate"
	"github.com/penstock-edge/penstock/adapters/opcua"
	"github.com/penstock-edge/penstock/adapters/opcua/opcuasim"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// shared is the simulator of all tests that leave it sound: starting one takes seconds with -race. It
// numbers subscriptions by how many there are, so whoever leaves one behind starts a simulator of his own.
var shared *opcuasim.Server

// scratch is a folder of all tests.
var scratch string

func TestMain(m *testing.M) {
	if isolate.IsChild(os.Args) {
		os.Exit(isolate.Child([]adapters.Kind{opcua.Kind()}))
	}
	sim, err := opcuasim.New(opcuasim.Options{Encrypt: true})
	if err == nil {
		scratch, err = os.MkdirTemp("", "penstock-opcua-")
	}
	if err != nil {
		log.Fatal(err)
	}
	shared = sim
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sim.Run(ctx) }()
	code := m.Run()
	cancel()
	<-done
	os.RemoveAll(scratch)
	os.Exit(code)
}

// startSim runs a simulator until the test ends or the returned function is called.
func startSim(t *testing.T, opts opcuasim.Options) (*opcuasim.Server, func()) {
	t.Helper()
	sim, err := opcuasim.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sim.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("simulator: %v", err)
		}
	})
	t.Cleanup(stop)
	return sim, stop
}

// settings are an unencrypted connection with quick supervision.
func settings(endpoint string) *opcua.Connection {
	c := opcua.Kind().New().(*opcua.Connection)
	c.URL, c.Security, c.Insecure = endpoint, "None", true
	c.Publish, c.Watch, c.Timeout = 50*time.Millisecond, 200*time.Millisecond, 2*time.Second
	return c
}

func open(t *testing.T, c *opcua.Connection) *opcua.Adapter {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	a, err := c.Open(ctx, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a.(*opcua.Adapter)
}

func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type setting func(*opcua.Spec)

func sampled(every time.Duration) setting { return func(s *opcua.Spec) { s.Sample = every } }

func element(index int) setting { return func(s *opcua.Spec) { s.Index = index } }

// point is a point of the simulator, or of any server when at is a node id.
func point(id telemetry.PointID, at string, settings ...setting) adapters.Point {
	spec := (&opcua.Device{}).NewPoint().(*opcua.Spec)
	spec.At = at
	for _, set := range settings {
		set(spec)
	}
	return adapters.Point{ID: id, Device: "boiler", Name: at, Spec: spec}
}

func read(t *testing.T, a adapters.Adapter, points ...adapters.Point) ([]telemetry.Sample, error) {
	t.Helper()
	reader, err := a.Prepare(points)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var got samples
	err = reader.Read(ctx, got.emit)
	return got.all(), err
}

// samples collects what is emitted, from any goroutine.
type samples struct {
	mu   sync.Mutex
	list []telemetry.Sample
}

func (s *samples) emit(more []telemetry.Sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, more...)
}

func (s *samples) all() []telemetry.Sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]telemetry.Sample(nil), s.list...)
}

// of are the samples of one point.
func (s *samples) of(point telemetry.PointID) []telemetry.Sample {
	var own []telemetry.Sample
	for _, one := range s.all() {
		if one.Point == point {
			own = append(own, one)
		}
	}
	return own
}

// eventually polls a condition with a deadline.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen within %s", what, patience)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// subscribe runs until the returned function is called, which gives Subscribe's error.
func subscribe(t *testing.T, a *opcua.Adapter, points ...adapters.Point) (*samples, func() error, <-chan error) {
	t.Helper()
	got := &samples{}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	ended := make(chan error, 1)
	go func() {
		err := a.Subscribe(ctx, points, got.emit)
		done <- err
		ended <- err
	}()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { stop() })
	return got, stop, ended
}

func last(list []telemetry.Sample) telemetry.Sample {
	if len(list) == 0 {
		return telemetry.Sample{Quality: telemetry.BadOutOfService}
	}
	return list[len(list)-1]
}

// kept is a connection that is opened again whenever it is lost, as the gateway does.
type kept struct {
	*samples
	mu       sync.Mutex
	opened   int
	attempts int
	whys     []string // why it was lost, or could not be opened
}

func keep(t *testing.T, c adapters.Connection, points ...adapters.Point) *kept {
	t.Helper()
	k := &kept{samples: &samples{}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if err := k.once(ctx, t, c, points); err != nil && ctx.Err() == nil {
				k.mu.Lock()
				if why := err.Error(); !slices.Contains(k.whys, why) {
					k.whys = append(k.whys, why)
				}
				k.mu.Unlock()
			}
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return k
}

func (k *kept) once(ctx context.Context, t *testing.T, c adapters.Connection, points []adapters.Point) error {
	opening, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a, err := c.Open(opening, testLog(t))
	k.mu.Lock()
	k.attempts++
	k.mu.Unlock()
	if err != nil {
		return err
	}
	defer a.Close()
	k.mu.Lock()
	k.opened++
	k.mu.Unlock()
	since := make([]int64, len(points))
	for i, p := range points {
		if list := k.of(p.ID); len(list) > 0 {
			since[i] = list[len(list)-1].Time
		}
	}
	return a.(adapters.Resumer).Resume(ctx, points, since, k.emit)
}

// because reports whether it was ever lost for a reason that says so.
func (k *kept) because(says string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Contains(strings.Join(k.whys, "\n"), says)
}

// again waits for a good sample of a point that was taken from now on, and says how long that took.
func (k *kept) again(t *testing.T, id telemetry.PointID) time.Duration {
	t.Helper()
	began, before := time.Now(), len(k.of(id))
	for deadline := began.Add(45 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if list := k.of(id); len(list) > before && list[len(list)-1].Quality.Severity() != "bad" && list[len(list)-1].Time >= began.UnixNano() {
			return time.Since(began)
		}
		if time.Now().After(deadline) {
			k.mu.Lock()
			defer k.mu.Unlock()
			t.Fatalf("nothing came in 45 s; opened %d times, lost because of %q", k.opened, k.whys)
		}
	}
}
