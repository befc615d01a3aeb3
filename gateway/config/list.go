package config

import (
	"errors"
	"maps"
	"slices"

	"github.com/penstock-edge/penstock/adapters"
)

// listPoints adds the points that the device brings along. A point that is written in the file, by that name or at that place, is the one that counts.
func (d *device) listPoints() {
	lister, ok := d.settings.(adapters.Lister)
	if !ok {
		return
	}
	points, err := lister.List()
	switch {
	case errors.Is(err, adapters.ErrNotAsked):
		d.written++ // it has points, as soon as the gateway has asked
	case err != nil:
		d.found.add(finding{at: d.form.at, severity: Warning, where: d.form.where, after: ": the points that were found are not read: " + err.Error(), hint: "the gateway asks for them again when it starts"})
	}
	names, places := map[string]bool{}, map[string]bool{}
	for _, p := range d.points {
		names[p.Name], places[p.Spec.String()] = true, true
	}
	for _, name := range slices.Sorted(maps.Keys(points)) {
		spec := points[name]
		d.written++
		if names[name] || places[spec.String()] || len(d.cfg.Points)+len(d.points) >= maxPoints {
			continue
		}
		p := Point{Point: adapters.Point{Device: d.Name, Name: name, Spec: spec}, Scan: d.rate, Heartbeat: d.Heartbeat, Deadband: d.Deadband, Access: ReadOnly}
		if m, ok := spec.(adapters.Measured); ok {
			p.Unit = m.Unit()
		}
		if spec.Pushed() {
			p.Scan = 0
		}
		d.keep(d.form, name, p)
	}
}
