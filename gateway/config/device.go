package config

import (
	"fmt"
	"maps"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// deviceKeys are the keys of a device whatever its protocol. scan, heartbeat and deadband are for those of
// its points that say nothing else.
type deviceKeys struct {
	Name       string            `yaml:"name" required:"true"`
	Connection *node             `yaml:"connection"`
	Template   string            `yaml:"template"`
	Tags       map[string]string `yaml:"tags"`
	Scan       string            `yaml:"scan"`
	Heartbeat  time.Duration     `yaml:"heartbeat"`
	Deadband   *Deadband         `yaml:"deadband"`
	Points     *node             `yaml:"points"`
}

// DefaultHeartbeat is how often a point is kept that does not move.
const DefaultHeartbeat = 10 * time.Minute

// device is one being read.
type device struct {
	*loading
	deviceKeys
	form     *form
	link     *link
	base     *template       // nil: none
	settings adapters.Device // nil: the protocol is not known
	rate     time.Duration
	layers   []pointLayer // the template's points, then its own
	points   []Point
	origins  []origin // of points, one each
	written  int      // points named in the file, whatever became of them
}

// pointLayer is one mapping of points and whose it is.
type pointLayer struct {
	points *node
	of     string // "" or " of template x"
}

func (l *loading) devices(n *node) {
	l.items(n, "devices", "- name: press", func(item *node) {
		instances := l.instances(item)
		for i, in := range instances {
			l.found.again = i > 0
			entry := item
			if in.unit != "" {
				entry = item.with(map[string]string{"name": in.name, "unit": in.unit})
			}
			l.device(in, entry, len(instances) > 1)
		}
		l.found.again = false
	})
}

func (l *loading) device(in instance, n *node, many bool) {
	d := &device{loading: l, deviceKeys: deviceKeys{Name: in.name, Heartbeat: DefaultHeartbeat, Scan: normal}}
	at := n.at
	if e, ok := n.entry("name"); ok {
		at = e.value.at
		d.define(at, in.name)
	}
	d.link = l.linkOf(n, in.name, many)
	if isVirtual(n) {
		d.link = l.nowhere
	}
	where := "device " + in.name
	if in.name == "" {
		where = "this device"
	}
	d.form = newForm(l.found, where, at, &d.deviceKeys)
	usable := d.pickTemplate(n)
	switch {
	case d.link == l.nowhere:
		d.settings = &virtualDevice{}
		d.form = newForm(l.found, d.form.where, at, &d.deviceKeys, d.settings)
	case d.link != nil && d.link.Settings != nil && usable:
		d.settings = d.link.Settings.NewDevice()
		d.form = newForm(l.found, d.form.where, at, &d.deviceKeys, d.settings)
	}
	d.form.lenient = d.settings == nil
	d.fill(n)
	d.form.complete()
	d.needsConnection()
	d.rate = l.rate(d.form, "scan", d.Scan)
	if d.settings != nil {
		d.form.validate(d.settings.Validate())
		d.sameUnit()
	}
	d.readPoints()
	d.listPoints()
	d.finish()
}

// needsConnection reports a device that should have one. Without, and with no point that is anywhere, it is virtual.
func (d *device) needsConnection() {
	if _, ok := d.form.got("connection"); ok || d.link == d.nowhere {
		return
	}
	d.found.add(finding{at: d.form.at, severity: Error, before: "missing key \"connection\" in ", where: d.form.where})
	d.form.remember(given{&node{text: "connection"}, &node{at: d.form.at}, true})
}

// define makes the name known and reports a second device of that name.
func (d *device) define(at place, name string) {
	if !d.loading.name(at, "device", name) {
		return
	}
	if first, twice := d.defined[name]; twice {
		d.found.fault(at, "give one of the two another name", "device %s is defined twice, first at %s", name, first)
		return
	}
	d.defined[name] = at
}

// fill reads the template's keys and the device's own over them.
func (d *device) fill(n *node) {
	if d.base != nil {
		where := "template " + d.base.name
		d.form.fill(d.base.body, where)
		d.layers = append(d.layers, pointLayer{d.Points, " of " + where})
	}
	tags := d.Tags
	d.Points, d.Tags = nil, nil
	d.form.fill(n, d.form.where)
	d.layers = append(d.layers, pointLayer{d.Points, ""})
	if tags != nil {
		maps.Copy(tags, d.Tags)
		d.Tags = tags
	}
}

// pickTemplate finds the device's template. When there should be one and is not, half of the device's keys are
// unknown, and only what is common to every protocol can be checked.
func (d *device) pickTemplate(n *node) bool {
	e, ok := n.entry("template")
	if !ok || e.value.shape != scalar {
		return true
	}
	t := d.template(e.value.text, e.value.at)
	if t == nil {
		return false
	}
	if t.protocol != "" && d.link != nil && d.link.Kind != "" && t.protocol != d.link.Kind {
		d.found.fault(e.value.at, "", "template %s is for %s, and connection %s speaks %s", t.name, t.protocol, d.link.Name, d.link.Kind)
		return false
	}
	d.base = t
	return true
}

// linkOf finds the device's connection by name, or reads the one that is written inside the device.
func (l *loading) linkOf(n *node, name string, many bool) *link {
	e, ok := n.entry("connection")
	switch {
	case !ok:
		return nil
	case e.value.shape == mapping && many:
		l.found.fault(e.value.at, "write it under connections and name it here", "a connection inside a device serves that device only, and this entry stands for many")
		return nil
	case e.value.shape == mapping:
		if first, twice := l.byName[name]; twice {
			l.found.fault(e.value.at, "write connection: "+name+", or give one of the two another name", "connection %s is defined twice, first at %s", name, first.at)
		}
		return l.connect(name, e.key.at, e.value)
	case e.value.shape != scalar:
		l.found.fault(e.value.at, "write the name of one of the connections", "the connection of device %s is %s", name, e.value.shape)
		return nil
	}
	if c, ok := l.byName[e.value.text]; ok {
		c.used = true
		return c
	}
	var known []string
	for k := range l.byName {
		known = append(known, k)
	}
	l.found.fault(e.value.at, suggest(e.value.text, known), "there is no connection %q", e.value.raw)
	return nil
}

// sameUnit warns of two devices behind one unit id: right for parts of one PLC, wrong for two meters.
func (d *device) sameUnit() {
	v, _, ok := d.form.find("unit")
	if !ok {
		return
	}
	unit := fmt.Sprint(v.Interface())
	if first, twice := d.link.units[unit]; twice {
		d.found.add(finding{
			at: d.form.valueAt("unit"), severity: Warning,
			before: fmt.Sprintf("device %s has unit %s of connection %s, and so has device %s", d.Name, unit, d.link.Name, first),
			hint:   "right only when both are parts of one device",
		})
		return
	}
	d.link.units[unit] = d.Name
}

// finish hands the device to its connection and its points to the table.
func (d *device) finish() {
	if d.written == 0 && d.link != nil && !d.form.anySpoiled() {
		d.found.add(finding{at: d.form.at, severity: Warning, where: d.form.where, after: " has no points", hint: "nothing is read from it"})
	}
	if d.link == nil {
		d.lost[d.Name] = true
		return
	}
	out := Device{Name: d.Name, Tags: d.Tags, Template: d.Template, Settings: d.settings}
	for i, p := range d.points {
		id := d.number(p)
		out.Points = append(out.Points, id)
		if p.Virtual() {
			d.unset = append(d.unset, unset{d.origins[i].at, id})
		}
	}
	d.link.Devices = append(d.link.Devices, out)
}
