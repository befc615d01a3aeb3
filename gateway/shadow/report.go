package shadow

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"sync"

	"github.com/penstock-edge/penstock/gateway/config"
	doc "github.com/penstock-edge/penstock/sync/shadow"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// values are readings by the names of their points.
type values map[string]telemetry.Value

// reports are values that were read and wait to be reported.
type reports struct {
	plan *plan
	wake chan struct{} // one token: something waits

	mu      sync.Mutex
	last    map[telemetry.PointID]telemetry.Value // reported, or waiting to be
	waiting map[doc.ID]values
}

func newReports(p *plan) reports {
	return reports{plan: p, wake: make(chan struct{}, 1), last: map[telemetry.PointID]telemetry.Value{}, waiting: map[doc.ID]values{}}
}

// Put takes what was read. A bad reading leaves what was reported as it is: that a device is away is told by its quality, not its shadow.
func (m *Mirror) Put(samples []telemetry.Sample) {
	report := m.plan.report
	for i := range samples {
		s := &samples[i]
		if int(s.Point) < len(report) && report[s.Point].Thing != "" && !s.Quality.IsBad() {
			m.reports.put(report[s.Point], s.Point, s.Value)
		}
	}
}

// put has a value reported when it says something new.
func (r *reports) put(at doc.ID, id telemetry.PointID, v telemetry.Value) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, known := r.last[id]
	if known && !beyond(&r.plan.points[id], last, v) {
		return
	}
	if _, ok := asJSON(v); !ok {
		return
	}
	r.last[id] = v
	if r.waiting[at] == nil {
		r.waiting[at] = values{}
	}
	r.waiting[at][r.plan.points[id].Name] = v
	r.poke()
}

func (r *reports) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// beyond tells whether a value has left the point's deadband. Without one every change does.
func beyond(p *config.Point, last, now telemetry.Value) bool {
	if last == now {
		return false
	}
	a, ok := last.Float()
	b, ok2 := now.Float()
	if p.Deadband == nil || !ok || !ok2 {
		return true
	}
	width := p.Deadband.Absolute
	if p.Deadband.Percent != 0 {
		width = p.Deadband.Percent / 100 * math.Abs(a)
		if p.Range != nil {
			width = p.Deadband.Percent / 100 * (p.Range.Max - p.Range.Min)
		}
	}
	return math.Abs(b-a) > width
}

// take empties what waits.
func (r *reports) take() map[doc.ID]values {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.waiting
	r.waiting = map[doc.ID]values{}
	return taken
}

// putBack has values reported that the disk did not take, unless newer ones wait.
func (r *reports) putBack(at doc.ID, old values) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.Copy(old, r.waiting[at])
	r.waiting[at] = old
	r.poke()
}

// report writes what waits into the documents: the first at once, then once in Options.Every.
func (m *Mirror) report(ctx context.Context) error {
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-m.reports.wake:
		}
		err := error(nil)
		for at, read := range m.reports.take() {
			if e := m.reportOne(ctx, at, read); e != nil {
				m.reports.putBack(at, read)
				err = e
			}
		}
		if err != nil && !failing {
			m.o.Log.Error("what was read is not in its shadow yet", "err", err)
		}
		failing = err != nil
		if !pause(ctx, m.o.Every) {
			return nil
		}
	}
}

// reportOne updates one document with what is new in it.
func (m *Mirror) reportOne(ctx context.Context, at doc.ID, read values) error {
	defer m.locks.lock(at)()
	now, err := m.store.Load(ctx, at)
	if err != nil {
		return err
	}
	news := map[string]any{}
	for name, value := range read {
		v, _ := asReported(now.State(), name, value)
		if had, ok := now.State().Reported[name]; !ok || !doc.Equal(had, v) {
			news[name] = v
		}
	}
	if len(news) == 0 {
		return nil
	}
	return m.write(ctx, at, map[string]any{"reported": news})
}

// write updates a document whose lock is held, and has it synced.
func (m *Mirror) write(ctx context.Context, at doc.ID, state map[string]any) error {
	payload, err := json.Marshal(map[string]any{"state": state})
	if err != nil {
		return err
	}
	reply, err := m.desk.Answer(ctx, doc.Call{ID: at, Op: doc.OpUpdate, Payload: payload}, m.o.Now())
	switch {
	case err != nil:
		return err
	case reply.Refused != nil: // too large: the next value may fit
		m.o.Log.Warn("a shadow does not take what was read", "thing", at.Thing, "why", reply.Refused.Message)
		return nil
	}
	m.changed(at)
	return nil
}
