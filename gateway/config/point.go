package config

import (
	"reflect"
	"slices"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// pointKeys are the keys of a point whatever its protocol.
type pointKeys struct {
	Unit      string           `yaml:"unit"`
	Scan      string           `yaml:"scan"`
	Heartbeat time.Duration    `yaml:"heartbeat"`
	Deadband  *Deadband        `yaml:"deadband"`
	Range     *Range           `yaml:"range"`
	Access    Access           `yaml:"access"`
	Enum      map[int64]string `yaml:"enum"`
	Guard     *guardKeys       `yaml:"guard"`
}

// maxPoints is far beyond what one gateway reads: it stops ranges of units that were mistyped.
const maxPoints = 200_000

// pointEntry is a point's mappings, the template's first.
type pointEntry struct {
	name   string
	layers []pointLayer
	at     place // of its name
}

// entries lists the points of all layers in the order in which they are first named.
func (d *device) entries() (out []*pointEntry) {
	known := map[string]*pointEntry{}
	for _, layer := range d.layers {
		of := "device " + d.Name + layer.of
		d.each(layer.points, "points of "+of, "oil_temp: {at: hr:100, type: int16}", func(e entry) {
			p, ok := known[e.key.text]
			if !ok {
				p = &pointEntry{name: e.key.text, at: e.key.at}
				known[p.name] = p
				out = append(out, p)
			}
			p.at = e.key.at
			p.layers = append(p.layers, pointLayer{e.value, layer.of})
		})
	}
	return out
}

func (d *device) readPoints() {
	entries := d.entries()
	d.written = len(entries)
	for _, e := range entries {
		if len(d.cfg.Points)+len(d.points) > maxPoints {
			d.found.fault(e.at, "split the site over several gateways", "more than %d points", maxPoints)
			return
		}
		d.loading.name(e.at, "point", e.name)
		d.readPoint(e)
	}
	d.samePlaces()
	d.refer()
}

// refer lets points find those they need.
func (d *device) refer() {
	find := func(name string) (adapters.Spec, bool) {
		for _, p := range d.points {
			if p.Name == name {
				return p.Spec, true
			}
		}
		return nil, false
	}
	for i, p := range d.points {
		if r, ok := p.Spec.(adapters.Referrer); ok {
			if err := r.Refer(find); err != nil {
				d.origins[i].form.validate(err)
				d.lost[d.Name] = true
			}
		}
	}
}

// readPoint reads one point, and the further ones that stand in the same place.
func (d *device) readPoint(e *pointEntry) {
	k := pointKeys{Heartbeat: d.Heartbeat, Deadband: d.Deadband, Access: ReadOnly}
	where := "point " + d.Name + "." + e.name
	f := newForm(d.found, where, e.at, &k)
	var spec adapters.Spec
	if d.settings != nil {
		spec = d.settings.NewPoint()
		f.add(reflect.ValueOf(spec).Elem())
	}
	f.lenient = spec == nil
	for _, layer := range e.layers {
		if layer.points.broken {
			d.lost[d.Name] = true
			return
		}
		if layer.points.shape != mapping {
			d.found.add(finding{
				at: layer.points.at, severity: Error, where: where + layer.of,
				after: " is " + layer.points.shape.String() + ", and keys with values are wanted", hint: "write {at: ...}",
			})
			d.lost[d.Name] = true
			return
		}
		f.fill(layer.points, where+layer.of)
	}
	f.complete()
	p := Point{
		Point: adapters.Point{Device: d.Name, Name: e.name, Spec: spec},
		Unit:  k.Unit, Deadband: k.Deadband, Heartbeat: k.Heartbeat, Range: k.Range, Access: k.Access, Enum: k.Enum,
	}
	p.Scan = d.rate
	if k.Scan != "" {
		p.Scan = d.loading.rate(f, "scan", k.Scan)
	}
	if spec == nil || !f.validate(spec.Validate()) || f.anySpoiled() {
		d.lost[d.Name] = true
		return
	}
	d.settle(f, &p)
	d.guard(f, k.Guard, &p)
	d.keep(f, e.name, p)
	d.expand(f, p)
}

// settle checks the common keys against what the place can do.
func (d *device) settle(f *form, p *Point) {
	if p.Spec.Pushed() {
		p.Scan = 0
		if g, ok := f.got("scan"); ok {
			d.found.add(finding{at: g.value.at, severity: Warning, before: "scan of ", where: f.where, after: " has no effect: the device sends this point by itself"})
		}
	}
	if f, ok := p.Spec.(adapters.Filterer); ok && p.Spec.Pushed() && p.Deadband != nil {
		f.Filter(p.Deadband.within(p.Range))
	}
	if p.Access == ReadWrite {
		if err := p.Spec.Writable(); err != nil {
			f.wrongValue("access", "write access: r", "%v", err)
		}
	}
}

// expand adds the points that an adapter finds in this one, named bits for instance. They are read with
// it and kept when they change.
func (d *device) expand(f *form, of Point) {
	expander, ok := of.Spec.(adapters.Expander)
	if !ok {
		return
	}
	more := expander.Expand(of.Name)
	names := make([]string, 0, len(more))
	for name := range more {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		d.loading.name(f.at, "point", name)
		p := Point{
			Point: adapters.Point{Device: of.Device, Name: name, Spec: more[name]},
			Scan:  of.Scan, Heartbeat: of.Heartbeat, Deadband: of.Deadband, Access: ReadOnly,
		}
		if of.Access == ReadWrite && p.Spec.Writable() == nil {
			p.Access = ReadWrite
			p.Guard = Guard{Interlock: of.Guard.Interlock, Every: of.Guard.Every, TTL: of.Guard.TTL}
		}
		if p.Spec.Pushed() {
			p.Scan = 0
		}
		d.keep(f, of.Name, p)
	}
}

// origin is where a point of a device was written.
type origin struct {
	at    place
	entry string // the point that was written; an expanded one has another name
	form  *form  // that read it
	bit   bool   // it is one bit of its place, so others may well share it
}

// keep adds a point to the device.
func (d *device) keep(f *form, entry string, p Point) {
	_, bit := f.got("bit")
	d.points = append(d.points, p)
	d.origins = append(d.origins, origin{f.at, entry, f, bit})
}

// samePlaces reports two points of one name (an expanded one can meet a written one) and warns of two that read the same.
func (d *device) samePlaces() {
	names, places := map[string]bool{}, map[string]int{}
	for i, p := range d.points {
		o := d.origins[i]
		if names[p.Name] {
			d.found.fault(o.at, "give one of the two another name", "point %s.%s is there twice", d.Name, p.Name)
		}
		names[p.Name] = true
		if p.Virtual() {
			continue
		}
		at := p.Spec.String()
		first, twice := places[at]
		if !twice {
			places[at] = i
			continue
		}
		if of := d.origins[first]; of.entry != o.entry && !of.bit && !o.bit {
			d.found.add(finding{
				at: o.at, severity: Warning, before: "point ", where: d.Name + "." + p.Name,
				after: " is at " + at + ", where " + d.points[first].Name + " is too", hint: "right only when both are meant to be read from it",
			})
		}
	}
}

// number gives a point its ID and a place in the table.
func (l *loading) number(p Point) telemetry.PointID {
	p.ID = telemetry.PointID(len(l.cfg.Points))
	p.fullName = p.FullName()
	l.cfg.Points = append(l.cfg.Points, p)
	return p.ID
}
