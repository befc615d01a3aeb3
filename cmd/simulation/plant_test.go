package simulation

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// plant is equipment that remembers every sample it has served. Its counters say a number once.
type plant struct {
	random *rand.Rand
	model  *model
	wall   *wall // of the machine that reads it

	mu      sync.Mutex
	next    map[string]float64 // of counters
	high    bool               // the level is above its limit
	set     float64            // the setpoint
	silent  bool               // it does not answer
	cut     bool               // there is no wire
	written []float64
}

func newPlant(random *rand.Rand, m *model, w *wall) *plant {
	return &plant{random: random, model: m, wall: w, next: map[string]float64{}}
}

// change is how the world treats the plant.
func (p *plant) change(do func(*plant)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do(p)
}

func (p *plant) setpoint() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.set
}

var errCut = errors.New("the wire is cut")

// sample reads one point. It holds p.mu.
func (p *plant) sample(at string) telemetry.Value {
	switch at {
	case "level":
		level := 10 + 40*p.random.Float64()
		if p.high {
			level = 90 + 10*p.random.Float64()
		}
		return telemetry.Float64(level)
	case "setpoint":
		return telemetry.Float64(p.set)
	}
	p.next[at]++
	return telemetry.Float64(p.next[at])
}

// kind is the protocol by which one life of a gateway reads the plant.
func (p *plant) kind(by *life) adapters.Kind {
	return adapters.Kind{Name: "plant", Doc: "a simulated plant", New: func() adapters.Connection { return &cable{plant: p, by: by} }}
}

// cable is the connection; its settings are its name.
type cable struct {
	Name  string `yaml:"plant" required:"true"`
	plant *plant
	by    *life
}

func (w *cable) Validate() error            { return nil }
func (w *cable) NewDevice() adapters.Device { return &machine{} }
func (w *cable) Open(context.Context, *slog.Logger) (adapters.Adapter, error) {
	w.plant.mu.Lock()
	defer w.plant.mu.Unlock()
	if w.plant.cut {
		return nil, errCut
	}
	return &adapter{w}, nil
}

type machine struct{}

func (machine) Validate() error         { return nil }
func (machine) NewPoint() adapters.Spec { return &spot{} }

type spot struct {
	At string `yaml:"at" required:"true"`
}

func (s *spot) Validate() error { return nil }
func (s *spot) Pushed() bool    { return false }
func (s *spot) Writable() error { return nil }
func (s *spot) String() string  { return s.At }

type adapter struct{ *cable }

func (a *adapter) Prepare(points []adapters.Point) (adapters.Reader, error) {
	return &reader{a, points, nil}, nil
}

func (a *adapter) Close() error { return nil }

func (a *adapter) Write(ctx context.Context, p adapters.Point, v telemetry.Value) error {
	if err := pause(ctx, 5*time.Millisecond); err != nil {
		return err
	}
	f, _ := v.Float()
	a.plant.mu.Lock()
	defer a.plant.mu.Unlock()
	switch {
	case a.plant.cut || a.by.over():
		return errCut
	case a.plant.silent:
		return adapters.ErrNoAnswer
	}
	a.plant.set, a.plant.written = f, append(a.plant.written, f)
	return nil
}

type reader struct {
	*adapter
	points  []adapters.Point
	samples []telemetry.Sample
}

// Read is the law of adapters.Reader: every point once, bad with the reason when there is no answer.
func (r *reader) Read(ctx context.Context, emit adapters.Emit) error {
	wait := 5 * time.Millisecond
	r.plant.mu.Lock()
	silent, cut := r.plant.silent, r.plant.cut
	r.plant.mu.Unlock()
	if silent {
		wait = time.Second
	}
	err := pause(ctx, wait)
	switch {
	case err != nil, silent:
		err = adapters.ErrNoAnswer
	case cut:
		err = errCut
	}
	r.samples = r.samples[:0]
	r.plant.mu.Lock()
	now := r.plant.wall.time().UnixNano()
	for _, p := range r.points {
		s := telemetry.Sample{Point: p.ID, Time: now, Quality: telemetry.BadTimeout}
		if err == nil {
			s.Value, s.Quality = r.plant.sample(p.Spec.String()), telemetry.Good
		}
		r.samples = append(r.samples, s)
	}
	r.plant.mu.Unlock()
	if err != nil {
		emit(r.samples)
		return err
	}
	served := r.plant.model.serve(r.by, r.points, r.samples)
	emit(r.samples)
	r.plant.model.taken(r.by, served)
	return nil
}
