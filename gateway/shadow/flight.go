package shadow

import (
	"context"
	"sync"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// orders are desired values on their way to equipment: one a point at a time.
type orders struct {
	running sync.WaitGroup

	mu      sync.Mutex
	ctx     context.Context // of Run; nil before and after
	flights map[telemetry.PointID]*flight
	settled map[telemetry.PointID]string // the setting of a point that has had its last word
}

// flight is what is being done about one point, in a goroutine of its own. again has a token when something changed since it looked.
type flight struct{ again chan struct{} }

func newOrders() orders {
	return orders{flights: map[telemetry.PointID]*flight{}, settled: map[telemetry.PointID]string{}}
}

func (o *orders) begin(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ctx = ctx
}

// end waits for what is under way. ctx has ended.
func (o *orders) end() {
	o.mu.Lock() // whoever was about to begin something has done so, or will see the end
	o.ctx = nil
	o.mu.Unlock()
	o.running.Wait()
}

// look has a flight look at its point again. Without one, carry begins one where there is something to do.
func (o *orders) look(s site, todo bool, carry func(context.Context, site, *flight)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if f := o.flights[s.point]; f != nil {
		select {
		case f.again <- struct{}{}:
		default:
		}
		return
	}
	if !todo || o.ctx == nil || o.ctx.Err() != nil {
		return
	}
	f := &flight{again: make(chan struct{}, 1)}
	o.flights[s.point] = f
	ctx := o.ctx
	o.running.Go(func() { carry(ctx, s, f) })
}

// landed ends a flight, unless something changed since it looked.
func (o *orders) landed(point telemetry.PointID, f *flight) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case <-f.again:
		return false
	default:
		delete(o.flights, point)
		return true
	}
}

// drop ends a flight for good.
func (o *orders) drop(point telemetry.PointID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.flights, point)
}

// settle remembers that a setting has had its last word.
func (o *orders) settle(point telemetry.PointID, setting string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settled[point] = setting
}

func (o *orders) isSettled(point telemetry.PointID, setting string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.settled[point] == setting
}
