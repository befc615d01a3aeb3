package command

import "context"

// flight is an order from the moment it came until what came of it is on disk. Others with its key wait for it.
type flight struct {
	point, print string // of the order
	done         chan struct{}
	result       Result // set before done is closed
	held         bool   // guarded by Desk.mu: the disk refused the result, so that memory alone knows it
}

func newFlight(point, print string) *flight {
	return &flight{point: point, print: print, done: make(chan struct{})}
}

// is reports whether an order asks for the same.
func (f *flight) is(o Order) bool { return f.point == o.Point && f.print == o.print() }

// fly gives the flight of a key, and whether it is this order's own.
func (d *Desk) fly(o Order) (f *flight, first bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f, ok := d.flights[o.id()]; ok {
		return f, false
	}
	f = newFlight(o.Point, o.print())
	d.flights[o.id()] = f
	return f, true
}

// land tells those who wait.
func (d *Desk) land(id string, f *flight, r Result) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f.result = r
	close(f.done)
	if !f.held {
		delete(d.flights, id)
	}
}

// hold makes a flight stay: nothing else knows that the order was carried out.
func (d *Desk) hold(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f, ok := d.flights[id]; ok {
		f.held = true
	}
}

// release lets a flight go that stayed: the disk knows.
func (d *Desk) release(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.flights, id)
}

// wait is for an order whose key is on its way. It is not final when the other came to no end and this one may try.
func (d *Desk) wait(ctx context.Context, f *flight) (r Result, final bool) {
	select {
	case <-f.done:
	case <-ctx.Done():
		return onItsWay(), true
	case <-d.stop:
		return onItsWay(), true
	}
	if !f.result.kept() && ctx.Err() == nil {
		return Result{}, false
	}
	return d.again(f.result), true
}

func onItsWay() Result {
	return Result{State: Waiting, Code: OnItsWay, Reason: "an order with this key is on its way, and nothing is known of it yet: ask again", Repeated: true}
}

// again is the result of an order that was carried out before.
func (d *Desk) again(r Result) Result {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stats.Repeated++
	r.Repeated = true
	return r
}

// another says that a key stands for something else.
func another(o Order) error {
	return refuse(Duplicate, "the key %q was used for another order: give each order a key of its own", clip(o.Key))
}
