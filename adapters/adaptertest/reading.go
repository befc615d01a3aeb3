package adaptertest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// open opens the rig's connection; it is closed when the test ends.
func (s Suite) open(t testing.TB, rig Rig) adapters.Adapter {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), s.Patience)
	defer cancel()
	a, err := rig.Connection.Open(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

// prepare plans the reading of the rig's polled points.
func prepare(t testing.TB, a adapters.Adapter, rig Rig) adapters.Reader {
	t.Helper()
	r, err := a.Prepare(points(rig.polled()))
	if err != nil {
		t.Fatalf("prepare %d points: %v", len(rig.polled()), err)
	}
	return r
}

// samples collects what is emitted. Emit may come from any goroutine, and the slice goes back to its owner.
type samples struct {
	mu    sync.Mutex
	all   []telemetry.Sample
	ended bool
	late  int
}

func (c *samples) emit(some []telemetry.Sample) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		c.late += len(some)
		return
	}
	c.all = append(c.all, some...)
}

func (c *samples) of(id telemetry.PointID) []telemetry.Sample {
	c.mu.Lock()
	defer c.mu.Unlock()
	var some []telemetry.Sample
	for _, s := range c.all {
		if s.Point == id {
			some = append(some, s)
		}
	}
	return some
}

func (c *samples) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
}

// outcome is one Read, ended.
type outcome struct {
	*samples
	err  error
	took time.Duration
}

// begin starts a Read. The outcome comes on the channel, once.
func begin(ctx context.Context, r adapters.Reader) <-chan outcome {
	done := make(chan outcome, 1)
	got := &samples{}
	start := time.Now()
	go func() {
		err := r.Read(ctx, got.emit)
		got.end()
		done <- outcome{got, err, time.Since(start)}
	}()
	return done
}

// read reads once. A Read that is not back some time after its limit ends the test.
func (s Suite) read(t testing.TB, r adapters.Reader, limit time.Duration) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return s.await(t, begin(ctx, r), max(limit, 0))
}

func (s Suite) await(t testing.TB, done <-chan outcome, limit time.Duration) outcome {
	t.Helper()
	select {
	case o := <-done:
		return o
	case <-time.After(limit + s.Slack):
		t.Fatalf("Read has not returned %v after it had to", s.Slack)
		return outcome{}
	}
}

// good demands every point once, good, with its value.
func (o outcome) good(t testing.TB, want []Expect) {
	t.Helper()
	if o.err != nil {
		t.Errorf("read: %v; want nil, the device answered", o.err)
	}
	for _, e := range want {
		if one, ok := o.once(t, e.Point); ok && (one.Quality != telemetry.Good || one.Value != e.Want) {
			t.Errorf("%s is %s %v (%s); want %s %v, good", e.Point.Name, one.Value.Kind(), one.Value, one.Quality, e.Want.Kind(), e.Want)
		}
	}
	o.noMore(t, want)
}

// bad demands every point once, bad, with a reason and no value.
func (o outcome) bad(t testing.TB, want []Expect) {
	t.Helper()
	for _, e := range want {
		if one, ok := o.once(t, e.Point); ok {
			badWithReason(t, e.Point, one)
		}
	}
	o.noMore(t, want)
}

func badWithReason(t testing.TB, p adapters.Point, s telemetry.Sample) {
	t.Helper()
	if !s.Quality.IsBad() || s.Quality.Reason() == "" {
		t.Errorf("%s is %q; want bad, with the reason", p.Name, s.Quality)
	}
	if !s.Value.IsNone() {
		t.Errorf("%s is bad and has the value %v, which nobody measured", p.Name, s.Value)
	}
}

func (o outcome) once(t testing.TB, p adapters.Point) (telemetry.Sample, bool) {
	t.Helper()
	got := o.of(p.ID)
	if len(got) != 1 {
		t.Errorf("%s was emitted %d times; want exactly once", p.Name, len(got))
		return telemetry.Sample{}, false
	}
	if got[0].Time == 0 {
		t.Errorf("%s has no time", p.Name)
	}
	return got[0], true
}

// noMore finds samples of points that nobody asked for, and those emitted after Read had returned.
func (o outcome) noMore(t testing.TB, want []Expect) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.all) > len(want) {
		t.Errorf("%d samples for %d points", len(o.all), len(want))
	}
	if o.late > 0 {
		t.Errorf("%d samples were emitted after Read had returned", o.late)
	}
}
