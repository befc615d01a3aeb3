package poll_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/poll"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// plant is a connection whose devices the test switches on and off.
type plant struct {
	mu      sync.Mutex
	silent  map[string]bool // devices that do not answer
	cut     error           // the connection is gone
	slow    time.Duration   // how long an answer takes
	timeout time.Duration   // how long the absence of one takes
	hang    bool            // neither opening nor reading comes to an end by itself
	reads   map[string]int
	opens   int
	last    telemetry.Value // what was written last
	feed    chan telemetry.Sample
}

func newPlant() *plant {
	return &plant{silent: map[string]bool{}, reads: map[string]int{}}
}

func (p *plant) set(change func()) { p.mu.Lock(); defer p.mu.Unlock(); change() }

func (p *plant) readsOf(device string) int { p.mu.Lock(); defer p.mu.Unlock(); return p.reads[device] }

// hangs waits for ctx's end when the plant is to hang.
func (p *plant) hangs(ctx context.Context) bool {
	p.mu.Lock()
	hang := p.hang
	p.mu.Unlock()
	if hang {
		<-ctx.Done()
	}
	return hang
}

func (p *plant) Validate() error            { return nil }
func (p *plant) NewDevice() adapters.Device { return nil }
func (p *plant) Open(ctx context.Context, _ *slog.Logger) (adapters.Adapter, error) {
	if p.hangs(ctx) {
		return nil, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opens++
	if p.cut != nil {
		return nil, p.cut
	}
	return &wire{plant: p}, nil
}

type wire struct{ plant *plant }

func (w *wire) Close() error { return nil }
func (w *wire) Prepare(points []adapters.Point) (adapters.Reader, error) {
	return &reader{w.plant, points}, nil
}

func (w *wire) Write(_ context.Context, _ adapters.Point, v telemetry.Value) error {
	w.plant.set(func() { w.plant.last = v })
	return nil
}

func (w *wire) Subscribe(ctx context.Context, points []adapters.Point, emit adapters.Emit) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case s, ok := <-w.plant.feed:
			if !ok {
				return errors.New("the server went away")
			}
			emit([]telemetry.Sample{s})
		}
	}
}

type reader struct {
	plant  *plant
	points []adapters.Point
}

func (r *reader) Read(ctx context.Context, emit adapters.Emit) error {
	p := r.plant
	if p.hangs(ctx) {
		return ctx.Err()
	}
	p.mu.Lock()
	device := r.points[0].Device
	p.reads[device]++
	err, q, v := p.cut, telemetry.Good, p.last
	slow := p.slow
	switch {
	case err != nil:
		q = telemetry.BadCommunication
	case p.silent[device]:
		err, q, slow = adapters.ErrNoAnswer, telemetry.BadTimeout, max(slow, p.timeout)
	}
	p.mu.Unlock()
	time.Sleep(slow)
	var out []telemetry.Sample
	for _, pt := range r.points {
		out = append(out, telemetry.Sample{Point: pt.ID, Quality: q, Time: time.Now().UnixNano(), Value: v})
	}
	emit(out)
	return err
}

type spec struct{ pushed bool }

func (spec) Validate() error { return nil }
func (s spec) Pushed() bool  { return s.pushed }
func (spec) Writable() error { return nil }
func (spec) String() string  { return "here" }

// site makes a connection with one point a device, read every second.
func site(p *plant, pushed bool, devices ...string) (config.Connection, []config.Point) {
	conn := config.Connection{Name: "bus", Kind: "fake", Settings: p}
	var points []config.Point
	for i, d := range devices {
		id := telemetry.PointID(i)
		points = append(points, config.Point{Point: adapters.Point{ID: id, Device: d, Name: "x", Spec: spec{pushed}}, Scan: time.Second})
		conn.Devices = append(conn.Devices, config.Device{Name: d, Points: []telemetry.PointID{id}})
	}
	return conn, points
}

// sink collects what is emitted.
type sink struct {
	mu  sync.Mutex
	got []telemetry.Sample
}

func (s *sink) put(in []telemetry.Sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, in...)
}

func (s *sink) last(id telemetry.PointID) telemetry.Sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sample := range slices.Backward(s.got) {
		if sample.Point == id {
			return sample
		}
	}
	return telemetry.Sample{}
}

// during runs a poller in virtual time while the story is told.
func during(t *testing.T, conn config.Connection, points []config.Point, story func(*poll.Poller, *sink)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		conn.Settings.(*plant).feed = make(chan telemetry.Sample) // a channel from outside would stop the virtual clock
		var out sink
		p := poll.New(conn, points, out.put, slog.New(slog.DiscardHandler))
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		story(p, &out)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestEveryScanIsRead(t *testing.T) {
	pl := newPlant()
	conn, points := site(pl, false, "a", "b")
	during(t, conn, points, func(p *poll.Poller, out *sink) {
		time.Sleep(10*time.Second + time.Millisecond)
		for _, d := range []string{"a", "b"} {
			if n := pl.readsOf(d); n != 11 {
				t.Errorf("%s was read %d times in 10 s at 1 s, want 11", d, n)
			}
		}
		if s := p.State(); s.State != "up" || s.Errors != 0 {
			t.Errorf("state %+v, want up without errors", s)
		}
	})
}

func TestASilentDeviceIsProbedRarelyAndCostsTheOthersNothing(t *testing.T) {
	pl := newPlant()
	pl.silent["dead"] = true
	conn, points := site(pl, false, "dead", "live")
	during(t, conn, points, func(p *poll.Poller, out *sink) {
		time.Sleep(100*time.Second + time.Millisecond)
		if n := pl.readsOf("live"); n != 101 {
			t.Errorf("the live device was read %d times in 100 s, want 101", n)
		}
		if n := pl.readsOf("dead"); n > 12 {
			t.Errorf("the dead device was asked %d times in 100 s, want a back-off", n)
		}
		if s := out.last(0); s.Quality != telemetry.BadTimeout || !s.Value.IsNone() {
			t.Errorf("the dead device's point is %v, want bad: timeout without a value", s)
		}
		if s := p.State(); s.State != "degraded" {
			t.Errorf("state %q, want degraded", s.State)
		}
		pl.set(func() { pl.silent["dead"] = false })
		time.Sleep(70 * time.Second)
		if s := out.last(0); !s.Quality.IsGood() {
			t.Errorf("the returned device's point is %v, want good", s.Quality)
		}
		if s := p.State(); s.State != "up" {
			t.Errorf("state %q after the return, want up", s.State)
		}
	})
}

func TestALostConnectionIsSaidAndOpenedAgain(t *testing.T) {
	pl := newPlant()
	conn, points := site(pl, false, "a")
	during(t, conn, points, func(p *poll.Poller, out *sink) {
		time.Sleep(1500 * time.Millisecond)
		pl.set(func() { pl.cut = errors.New("connection refused") })
		time.Sleep(20 * time.Second)
		if s := out.last(0); s.Quality != telemetry.BadNoCommunication {
			t.Errorf("quality %v while the connection is down", s.Quality)
		}
		if s := p.State(); s.State != "down" || s.Why != "connection refused" {
			t.Errorf("state %+v, want down with the reason", s)
		}
		pl.set(func() { pl.cut = nil })
		time.Sleep(35 * time.Second)
		if s := out.last(0); !s.Quality.IsGood() {
			t.Errorf("quality %v after the return", s.Quality)
		}
	})
}

func TestASlowDeviceMissesScansAndSaysSo(t *testing.T) {
	pl := newPlant()
	pl.slow = 2500 * time.Millisecond
	conn, points := site(pl, false, "a")
	during(t, conn, points, func(p *poll.Poller, out *sink) {
		time.Sleep(30 * time.Second)
		if s := p.State(); s.Overruns < 15 || s.Requests > 11 {
			t.Errorf("requests %d, overruns %d in 30 s; want about 10 and 20", s.Requests, s.Overruns)
		}
	})
}

func TestPushedPointsArriveAndTheirLossIsSaid(t *testing.T) {
	pl := newPlant()
	conn, points := site(pl, true, "a")
	during(t, conn, points, func(p *poll.Poller, out *sink) {
		pl.feed <- telemetry.Sample{Point: 0, Time: 1, Value: telemetry.Int64(7)}
		synctest.Wait()
		if s := out.last(0); s.Value != telemetry.Int64(7) {
			t.Errorf("got %v, want 7", s.Value)
		}
		close(pl.feed)
		synctest.Wait()
		if s := out.last(0); s.Quality != telemetry.BadNoCommunication {
			t.Errorf("quality %v after the subscription ended", s.Quality)
		}
		if s := p.State(); s.State != "down" {
			t.Errorf("state %q, want down", s.State)
		}
	})
}

func TestAWriteIsReadBack(t *testing.T) {
	pl := newPlant()
	conn, points := site(pl, false, "a")
	during(t, conn, points, func(p *poll.Poller, out *sink) {
		time.Sleep(500 * time.Millisecond)
		got, err := p.Write(context.Background(), points[0].Point, telemetry.Float64(72.5))
		if err != nil || got.Value != telemetry.Float64(72.5) {
			t.Errorf("Write = %v, %v; want 72.5 read back", got.Value, err)
		}
		if s := out.last(0); s.Value != telemetry.Float64(72.5) {
			t.Errorf("the value read back was not emitted: %v", s.Value)
		}
	})
}

func TestAWriteOnADownConnectionSaysWhy(t *testing.T) {
	pl := newPlant()
	pl.cut = errors.New("no route to host")
	conn, points := site(pl, false, "a")
	during(t, conn, points, func(p *poll.Poller, _ *sink) {
		time.Sleep(time.Millisecond)
		_, err := p.Write(context.Background(), points[0].Point, telemetry.Bool(true))
		if err == nil || !strings.Contains(err.Error(), "connection bus is down: no route to host; next attempt in ") {
			t.Errorf("a write on a connection that is down: %v; want why it is down and when it is tried again", err)
		}
	})
}

func (s *sink) count() int { s.mu.Lock(); defer s.mu.Unlock(); return len(s.got) }
