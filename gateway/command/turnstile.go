package command

import "context"

// turnstile lets one order at a time to a point.
type turnstile chan struct{}

func (t turnstile) free() { <-t }

// maxWaiting is how many orders may be at the desk at a time.
const maxWaiting = 1000

// enter counts an order in. Who entered leaves.
func (d *Desk) enter() *Refusal {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		return refuse(Stopping, "the gateway is stopping; nothing was written: ask again when it runs")
	}
	if d.under >= maxWaiting {
		return refuse(Busy, "%d orders wait already; nothing was written: ask again later, and more slowly", maxWaiting)
	}
	d.under++
	return nil
}

func (d *Desk) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.under--; d.stopped && d.under == 0 {
		close(d.idle)
	}
}

// halt lets no more orders in, ends the writes under way and waits until what came of them is on disk.
func (d *Desk) halt() {
	d.mu.Lock()
	d.stopped = true
	close(d.stop)
	if d.under == 0 {
		close(d.idle)
	}
	d.mu.Unlock()
	<-d.idle
}

// take waits for the point's turn.
func (d *Desk) take(ctx context.Context, point string) (turnstile, *Refusal) {
	t := d.turnOf(point)
	select {
	case t <- struct{}{}:
		return t, nil
	case <-d.stop:
		return t, refuse(Stopping, "the gateway is stopping; nothing was written: ask again when it runs")
	case <-ctx.Done():
		return t, refuse(Cancelled, "nobody waited any longer while %s was written by others; nothing was written", clip(point))
	}
}

// turnOf is the turnstile of a point that exists; of one that does not, any will do.
func (d *Desk) turnOf(point string) turnstile {
	d.site.RLock()
	exists := d.plant.place(point) != nil
	d.site.RUnlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	t, ok := d.turns[point]
	if !ok {
		t = make(turnstile, 1)
		if exists {
			d.turns[point] = t
		}
	}
	return t
}
