package poll

import (
	"slices"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Bounds of hurrying: a bus is shared, and somebody may have mistyped a rate.
const (
	fastest    = 10 * time.Millisecond
	maxHurries = 16 // groups beside the ordinary ones
)

// hurry is a wish to read points faster for a while.
type hurry struct {
	points []telemetry.PointID
	scan   time.Duration
	until  time.Time
}

// Hurry reads those of the points that this connection polls at the given rate for so long, beside their own. Asked again for the same
// points and rate, it goes on for longer. Points that are read as fast as that already stay as they are. It does not wait, and may be called
// from any goroutine.
func (p *Poller) Hurry(points []telemetry.PointID, scan, d time.Duration) {
	p.mu.Lock()
	p.asked = append(p.asked, hurry{slices.Clone(points), max(scan, fastest), time.Now().Add(d)})
	p.asked = p.asked[max(0, len(p.asked)-maxHurries):]
	p.mu.Unlock()
	select {
	case p.hurried <- struct{}{}:
	default:
	}
}

// hurry adds what was asked for to the groups. It runs in Run's goroutine.
func (p *Poller) hurry() {
	p.mu.Lock()
	asked := p.asked
	p.asked = nil
	p.mu.Unlock()
	for _, h := range asked {
		for _, g := range p.faster(h) {
			p.speedUp(g)
		}
	}
}

// faster makes a group of each device that has some of the points.
func (p *Poller) faster(h hurry) (groups []*group) {
	for _, of := range p.groups {
		if !of.until.IsZero() || of.scan <= h.scan {
			continue
		}
		var points []adapters.Point
		for _, point := range of.points {
			if slices.Contains(h.points, point.ID) {
				points = append(points, point)
			}
		}
		if len(points) == 0 {
			continue
		}
		same := slices.IndexFunc(groups, func(g *group) bool { return g.device == of.device })
		if same < 0 {
			groups = append(groups, &group{device: of.device, scan: h.scan, until: h.until, due: time.Now()})
			same = len(groups) - 1
		}
		groups[same].points = append(groups[same].points, points...)
	}
	return groups
}

// speedUp reads a group from now on, or longer if it is read already.
func (p *Poller) speedUp(g *group) {
	hurried := 0
	for _, have := range p.groups {
		if have.until.IsZero() {
			continue
		}
		hurried++
		if have.device == g.device && have.scan == g.scan && slices.Equal(have.points, g.points) {
			if g.until.After(have.until) {
				have.until = g.until
			}
			return
		}
	}
	if hurried >= maxHurries {
		p.log.Warn("too much is to be read faster at a time: this is not", "device", g.device.name, "points", len(g.points), "scan", g.scan)
		return
	}
	if p.adapter != nil {
		reader, err := p.adapter.Prepare(g.points)
		if err != nil {
			p.log.Warn("points can't be read faster", "device", g.device.name, "err", err)
			return
		}
		g.reader = reader
	}
	at := slices.IndexFunc(p.groups, func(have *group) bool { return have.scan >= g.scan })
	if at < 0 {
		at = len(p.groups)
	}
	p.groups = slices.Insert(p.groups, at, g)
}

// slowDown takes out the groups whose time is over.
func (p *Poller) slowDown(now time.Time) {
	p.groups = slices.DeleteFunc(p.groups, func(g *group) bool { return !g.until.IsZero() && !now.Before(g.until) })
}
