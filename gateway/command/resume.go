package command

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// load finds the orders that a former process left in the middle, and when points were last written. Those who come with the key of such an
// order wait for what Run finds out.
func (d *Desk) load() error {
	now := d.o.Now()
	return d.log.store.View(room, func(s state.Shelf) error {
		err := s.Each("open/", func(key string, stored []byte) error {
			r, err := readRecord(stored)
			if err != nil {
				return fmt.Errorf("%s: %w", clip(key), err)
			}
			d.resumed = append(d.resumed, r)
			d.flights[r.id()] = newFlight(r.Point, r.Print)
			return nil
		})
		if err != nil {
			return err
		}
		return s.Each("last/", func(key string, stored []byte) error {
			at, err := time.Parse(time.RFC3339Nano, string(stored))
			if err != nil || at.After(now) { // the clock was set back: the pause begins now at the latest
				at = now
			}
			d.wrote[key[len("last/"):]] = at
			return nil
		})
	})
}

// Run finds out what became of the orders that a former process left in the middle, until ctx ends. Then it lets no more orders in and returns
// when what came of those under way is on disk.
func (d *Desk) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, r := range d.resumed {
		all.Go(func() { d.resume(ctx, r) })
	}
	<-ctx.Done()
	all.Wait()
	d.halt()
	return d.log.flush()
}

// resume looks whether an order was carried out. It is not written again, whatever the point reads.
func (d *Desk) resume(ctx context.Context, r record) {
	s, known := d.reread(ctx, r)
	if ctx.Err() != nil && !known {
		return // the next process goes on with it
	}
	const middle = "the gateway stopped in the middle of it, and it is not certain whether it was written"
	result := Result{State: Failed, Code: Uncertain, Sample: s}
	switch {
	case known && same(r.Held, s, d.toleranceOf(r.Point)):
		result.State, result.Code = Done, ""
	case known:
		result.Reason = fmt.Sprintf("%s; %s reads %s: ask again if it is still wanted", middle, r.Point, reading(s.Value, s.Quality))
	default:
		result.Reason = fmt.Sprintf("%s; %s could not be read within %s: look at the equipment before you ask again", middle, r.Point, d.o.Resume)
	}
	d.settle(r, result)
	d.mu.Lock()
	f := d.flights[r.id()]
	d.mu.Unlock()
	d.land(r.id(), f, result)
}

// reread reads the point until it holds what was asked; what else it reads counts once it has had the time to settle.
func (d *Desk) reread(ctx context.Context, r record) (last telemetry.Sample, known bool) {
	ctx, cancel := context.WithTimeout(ctx, d.o.Resume)
	defer cancel()
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	var enough <-chan time.Time
	for {
		if s, ok := d.readNow(ctx, r.Point); ok {
			if last, known = s, true; same(r.Held, s, d.toleranceOf(r.Point)) {
				return last, true
			}
			if enough == nil {
				enough = time.After(d.o.Settle)
			}
		}
		select {
		case <-tick.C:
		case <-enough:
			return last, true
		case <-ctx.Done():
			return last, known
		}
	}
}

// readNow is a good reading of a point, if there is one. Latest knows none from before the start.
func (d *Desk) readNow(ctx context.Context, point string) (telemetry.Sample, bool) {
	d.site.RLock()
	defer d.site.RUnlock()
	p := d.plant.place(point)
	if p == nil {
		return telemetry.Sample{}, false
	}
	s, ok := d.plant.look(ctx, p.ID, -1<<63)
	return s, ok && !s.Quality.IsBad() && !s.Value.IsNone()
}

func (d *Desk) toleranceOf(point string) float64 {
	d.site.RLock()
	defer d.site.RUnlock()
	if p := d.plant.place(point); p != nil {
		return p.Guard.Tolerance
	}
	return 0
}
