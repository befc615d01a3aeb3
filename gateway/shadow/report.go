package shadow

import (
	"context"
	"encoding/json"
	"math"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/gateway/config"
	doc "github.com/penstock-edge/penstock/sync/shadow"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// reports are values that were read and wait to be reported.
type reports struct {
	plan *plan
	wake chan struct{} // one token: something waits

	mu      sync.Mutex
	last    map[telemetry.PointID]telemetry.Value // reported, or waiting to be
	waiting map[doc.ID]map[string]any
}

func newReports(p *plan) reports {
	return reports{plan: p, wake: make(chan struct{}, 1), last: map[telemetry.PointID]telemetry.Value{}, waiting: map[doc.ID]map[string]any{}}
}

// Put takes what was read. A bad reading leaves what was reported as it is: that a device is away is told by its quality, not its shadow.
func (m *Mirror) Put(samples []telemetry.Sample) {
	r := &m.reports
	if len(r.plan.report) == 0 {
		return
	}
	for i := range samples {
		if at, ok := r.plan.report[samples[i].Point]; ok && !samples[i].Quality.IsBad() {
			r.put(at, samples[i].Point, samples[i].Value, false)
		}
	}
}

// put has a value reported when it says something new, or whatever it says when it must be.
func (r *reports) put(at doc.ID, id telemetry.PointID, v telemetry.Value, must bool) {
	written, ok := asJSON(v)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	last, known := r.last[id]
	if known && !must && !beyond(&r.plan.points[id], last, v) {
		return
	}
	r.last[id] = v
	if r.waiting[at] == nil {
		r.waiting[at] = map[string]any{}
	}
	r.waiting[at][r.plan.points[id].Name] = written
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
func (r *reports) take() map[doc.ID]map[string]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.waiting
	r.waiting = map[doc.ID]map[string]any{}
	return taken
}

// putBack has values reported that the disk did not take, unless newer ones wait.
func (r *reports) putBack(at doc.ID, values map[string]any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, v := range r.waiting[at] {
		values[name] = v
	}
	r.waiting[at] = values
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
		for at, values := range m.reports.take() {
			if e := m.reportOne(ctx, at, values); e != nil {
				m.reports.putBack(at, values)
				err = e
			}
		}
		if err != nil && !failing {
			m.o.Log.Error("what was read is not in its shadow yet", "err", err)
		}
		if failing = err != nil; failing {
			m.wakeReports()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(m.o.Every):
		}
	}
}

func (m *Mirror) wakeReports() {
	select {
	case m.reports.wake <- struct{}{}:
	default:
	}
}

// reportOne updates one document with what is new in it.
func (m *Mirror) reportOne(ctx context.Context, at doc.ID, values map[string]any) error {
	defer m.locks.lock(at)()
	now, err := m.store.Load(ctx, at)
	if err != nil {
		return err
	}
	news := map[string]any{}
	for name, v := range values {
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
	m.queue.add(at)
	return nil
}
