package shadow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	doc "github.com/penstock-edge/penstock/sync/shadow"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// orders are desired values on their way to equipment: one a point at a time.
type orders struct {
	running sync.WaitGroup

	mu      sync.Mutex
	ctx     context.Context // of Run; nil before
	flights map[telemetry.PointID]*flight
	settled map[telemetry.PointID]string // the key of a point's last order that has its final word, and needs no other
}

// flight is what is being done about one point. Its goroutine looks again when something changed meanwhile.
type flight struct{ again bool }

func newOrders() orders {
	return orders{flights: map[telemetry.PointID]*flight{}, settled: map[telemetry.PointID]string{}}
}

// end waits for what is under way. ctx has ended.
func (o *orders) end() {
	o.mu.Lock() // whoever was about to begin something has done so, or will see the end
	o.ctx = nil
	o.mu.Unlock()
	o.running.Wait()
}

func (o *orders) begin(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ctx = ctx
}

// desired looks at what a document wants that is not reported, and has each point of it written.
func (m *Mirror) desired(id doc.ID) {
	wanted := m.plan.wanted[id]
	if len(wanted) == 0 {
		return
	}
	m.orders.mu.Lock()
	defer m.orders.mu.Unlock()
	if m.orders.ctx == nil || m.orders.ctx.Err() != nil {
		return
	}
	for name, point := range wanted {
		if f := m.orders.flights[point]; f != nil {
			f.again = true
			continue
		}
		m.orders.flights[point] = &flight{}
		ctx := m.orders.ctx
		m.orders.running.Go(func() { m.carry(ctx, id, name, point) })
	}
}

// carry writes a point until its document has nothing left to want of it, or the last word is said.
func (m *Mirror) carry(ctx context.Context, id doc.ID, name string, point telemetry.PointID) {
	for tries := 0; ; {
		order, ok, err := m.order(id, name, point, tries)
		if err != nil {
			m.o.Log.Error("a shadow cannot be read", "thing", id.Thing, "err", err)
		}
		if !ok && m.landed(point) {
			return
		}
		if !ok {
			continue
		}
		r := m.o.Write(ctx, order)
		if ctx.Err() != nil {
			m.landed(point)
			return
		}
		if err := m.tell(ctx, id, name, point, order, r); err != nil {
			m.o.Log.Error("what came of a desired value is not in its shadow yet", "thing", id.Thing, "point", name, "err", err)
		}
		if !r.Retry {
			m.settle(point, order.Key)
			tries = 0
			continue
		}
		tries++
		if !pause(ctx, doc.Backoff(tries-1, rand.Float64())) {
			m.landed(point)
			return
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// settle remembers that an order has had its last word.
func (m *Mirror) settle(point telemetry.PointID, key string) {
	m.orders.mu.Lock()
	defer m.orders.mu.Unlock()
	m.orders.settled[point] = key
}

// landed ends a flight, unless something changed since it looked.
func (m *Mirror) landed(point telemetry.PointID) bool {
	m.orders.mu.Lock()
	defer m.orders.mu.Unlock()
	f := m.orders.flights[point]
	if f.again && m.orders.ctx != nil && m.orders.ctx.Err() == nil {
		f.again = false
		return false
	}
	delete(m.orders.flights, point)
	return true
}

// order is what is to be written to a point now; ok is false when nothing is.
func (m *Mirror) order(id doc.ID, name string, point telemetry.PointID, tries int) (o Order, ok bool, err error) {
	p, err := m.store.load(id)
	if err != nil {
		return o, false, err
	}
	want, differs := p.doc.Delta()[name]
	if !differs || want == nil {
		return o, false, nil
	}
	text, err := json.Marshal(want)
	if err != nil {
		return o, false, err
	}
	// A try that failed has its result kept under its key: the next one is another.
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s %s %s %s %d", id.Thing, id.Name, name, text, p.wishes[name].Now, tries))
	o = Order{Point: point, Thing: id.Thing, Key: hex.EncodeToString(sum[:16])}
	o.Value, ok = asValue(want)
	m.orders.mu.Lock()
	settled := m.orders.settled[point] == o.Key
	m.orders.mu.Unlock()
	if settled {
		return o, false, nil
	}
	if !ok {
		o.Value = telemetry.String(string(text)) // refused for its type, with the reason
	}
	return o, true, nil
}

// ownKey and refusedKey say where in a document's reported state it stands why something desired is not done:
// {"penstock": {"refused": {"speed": {"code": ..., "message": ..., "value": ...}}}}.
const (
	ownKey     = "penstock"
	refusedKey = "refused"
)

// tell has what came of an order reported, at once: what the point reads, or why it was not written.
func (m *Mirror) tell(ctx context.Context, id doc.ID, name string, point telemetry.PointID, o Order, r Result) error {
	defer m.locks.lock(id)()
	now, err := m.store.Load(ctx, id)
	if err != nil {
		return err
	}
	var why any // null takes an earlier reason away
	news := map[string]any{}
	if !r.Done {
		value, _ := asJSON(o.Value)
		why = doc.Object{"code": r.Code, "message": r.Reason, "value": value}
	} else if v, ok := asJSON(r.Value); ok {
		m.reports.said(point, id, name, r.Value)
		if !doc.Equal(now.State().Reported[name], v) {
			news[name] = v
		}
	}
	if before := told(now, name); !doc.Equal(before, why) {
		news[ownKey] = doc.Object{refusedKey: doc.Object{name: why}}
	}
	if len(news) == 0 {
		return nil
	}
	return m.write(ctx, id, map[string]any{"reported": news})
}

// told is the reason that a document gives for a point; nil for none.
func told(d doc.Document, name string) any {
	own, _ := d.State().Reported[ownKey].(doc.Object)
	reasons, _ := own[refusedKey].(doc.Object)
	return reasons[name]
}

// said notes that a value was reported beside the readings, so that an older reading that waits does not undo it.
func (r *reports) said(point telemetry.PointID, at doc.ID, name string, v telemetry.Value) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last[point] = v
	delete(r.waiting[at], name)
}
