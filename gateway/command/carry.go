package command

import (
	"context"
	"time"

	"github.com/penstock-edge/penstock/sync/audit"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// handle does what the first order with a key asks.
func (d *Desk) handle(ctx context.Context, o Order, keyed bool) Result {
	r := recordOf(o, keyed)
	if keyed {
		if result, known := d.known(o); known {
			return result
		}
	}
	if err := d.enter(); err != nil {
		return d.settle(r, err.result())
	}
	defer d.leave()
	turn, err := d.take(ctx, o.Point)
	if err != nil {
		return d.settle(r, err.result())
	}
	defer turn.free()
	d.site.RLock()
	defer d.site.RUnlock()
	return d.carry(ctx, o, r)
}

// known is what is on the shelf under the order's key.
func (d *Desk) known(o Order) (Result, bool) {
	before, found, err := d.log.order(o.id())
	switch {
	case err != nil:
		return d.turnAway(o, refuse(NoStore, "whether the order was done before cannot be read: %v; nothing was written", err)), true
	case !found:
		return Result{}, false
	case before.Point != o.Point || before.Print != o.print():
		return d.turnAway(o, another(o)), true
	case before.State == "":
		return onItsWay(), true
	}
	return d.again(before.result()), true
}

// carry judges the order, puts it on disk, judges it again, for the disk may have taken its time, and writes. The point's turn is this
// order's.
func (d *Desk) carry(ctx context.Context, o Order, r record) Result {
	v, err := d.judge(o, d.seen(ctx, o.Point))
	if err != nil {
		return d.settle(r, asRefusal(err).result())
	}
	r.Value, r.Held = v.value, v.held
	if err := d.ask(v, r); err != nil {
		return d.turnAway(o, refuse(NoStore, "%v; nothing was written: make room on the disk of the state folder", err))
	}
	if _, err := d.judge(o, v.reads); err != nil {
		return d.settle(r, asRefusal(err).result())
	}
	d.wroteAt(o.Point, v.now)
	return d.settle(r, d.write(ctx, v))
}

// seen is what a point reads of which no sample came yet: the equipment is asked where it can be.
func (d *Desk) seen(ctx context.Context, point string) telemetry.Sample {
	p := d.plant.place(point)
	if p == nil {
		return telemetry.Sample{}
	}
	if _, ok := d.plant.Latest(p.ID); ok || d.plant.Read == nil {
		return d.plant.now(p.ID)
	}
	ctx, cancel := context.WithTimeout(ctx, d.o.Settle)
	defer cancel()
	if s, err := d.plant.Read(ctx, p.ID); err == nil {
		return s
	}
	return telemetry.Sample{Point: p.ID, Quality: telemetry.BadWaitingForData}
}

// judge looks at an order as things are now. A point of which no sample came yet reads what was seen of it.
func (d *Desk) judge(o Order, seen telemetry.Sample) (*visit, error) {
	v := &visit{order: o, plant: d.plant, place: d.plant.place(o.Point), now: d.o.Now(), floor: d.log.now().floor}
	if v.place == nil {
		return v, refuse(NoSuchPoint, "there is no point %q; `penstock points` lists those there are", clip(o.Point))
	}
	v.reads = seen
	if s, ok := d.plant.Latest(v.place.ID); ok {
		v.reads = s
	}
	d.mu.Lock()
	v.last = d.wrote[o.Point]
	d.mu.Unlock()
	return v, v.check()
}

// ask puts the order on disk before the equipment is touched.
func (d *Desk) ask(v *visit, r record) error {
	r.At = v.now
	e := r.entry(audit.Asked, v.now)
	if !v.reads.Quality.IsBad() && !v.reads.Value.IsNone() {
		e.Details["was"] = v.reads.Value.Short()
	}
	return d.log.commit(func(p *page) error {
		if err := p.audit(e); err != nil {
			return err
		}
		if v.place.Guard.Every > 0 {
			if err := p.shelf.Put("last/"+r.Point, []byte(v.now.UTC().Format(time.RFC3339Nano))); err != nil {
				return err
			}
		}
		return p.open(r.id(), r)
	})
}

func (d *Desk) wroteAt(point string, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stats.Asked++
	d.wrote[point] = at
}
