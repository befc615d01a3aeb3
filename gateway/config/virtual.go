package config

import (
	"errors"
	"strings"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// virtual is the place of a point that is in no equipment: rules set it.
type virtual struct{ rules []string }

func (*virtual) Validate() error { return nil }

// Pushed is true: nothing is read.
func (*virtual) Pushed() bool { return true }

// Writable says that there is no equipment.
func (*virtual) Writable() error {
	return errors.New("this point is in no equipment: rules set it")
}

func (v *virtual) String() string {
	switch len(v.rules) {
	case 0:
		return "set by no rule"
	case 1:
		return "set by rule " + v.rules[0]
	}
	return "set by rules " + strings.Join(v.rules, ", ")
}

// virtualDevice is a device without equipment. It has no keys of its own.
type virtualDevice struct{}

func (*virtualDevice) Validate() error         { return nil }
func (*virtualDevice) NewPoint() adapters.Spec { return &virtual{} }

// Virtual reports whether the point is in no equipment: a rule sets it, nothing reads or writes it.
func (p Point) Virtual() bool {
	_, ok := p.Spec.(*virtual)
	return ok
}

// isVirtual tells a device without connection from one that lacks it: of the latter something says where it is.
func isVirtual(n *node) bool {
	for _, key := range []string{"connection", "unit", "template"} {
		if _, ok := n.entry(key); ok {
			return false
		}
	}
	points, ok := n.entry("points")
	if !ok {
		return false
	}
	for _, e := range points.value.entries {
		if _, ok := e.value.entry("at"); ok {
			return false
		}
	}
	return true
}

// declare makes the virtual points that a rule sets and that are not there yet.
func (d *draft) declare(n *node) {
	switch {
	case n == nil || n.broken:
	case n.shape == scalar && d.SQL != nil:
		d.declareOne(n)
	default:
		for _, e := range n.entries {
			d.declareOne(e.key)
		}
	}
}

func (d *draft) declareOne(n *node) {
	id, ok := d.ids[n.text]
	if !ok {
		if id, ok = d.makePoint(n); !ok {
			return
		}
	}
	spec, ok := d.cfg.Points[id].Spec.(*virtual)
	if !ok {
		d.form.spoiled(n.at, "set", wrong("write: {"+n.text+": VALUE} writes to it, if it has access: rw", "%s is read from equipment; set is for virtual points", n.text))
		return
	}
	if d.sets[id] {
		return
	}
	d.sets[id] = true
	if len(spec.rules) > 0 {
		d.found.add(finding{at: n.at, severity: Warning, before: n.text + " is set by ", where: d.form.where, after: " and by rule " + spec.rules[0], hint: "the one that acted last counts"})
	}
	spec.rules = append(spec.rules, d.Name)
}

// makePoint adds a virtual point, and its device if that is not there either.
func (d *draft) makePoint(n *node) (telemetry.PointID, bool) {
	device, point, _ := strings.Cut(n.text, ".")
	if !nameForm.MatchString(device) || !nameForm.MatchString(point) || len(device) > maxName || len(point) > maxName {
		return 0, d.form.spoiled(n.at, "set", wrong("write device.point, as in hall_b.power", "%q is no name of a point", n.text))
	}
	at, ok := d.virtuals[device]
	if _, real := d.defined[device]; real && !ok {
		if d.lost[device] {
			return 0, false
		}
		return 0, d.form.spoiled(n.at, "set", wrong("give the virtual point a device of its own, as in hall_b.power", "device %s has a connection, and no point %s", device, point))
	}
	if len(d.cfg.Points) > maxPoints {
		return 0, d.form.spoiled(n.at, "set", wrong("split the site over several gateways", "more than %d points", maxPoints))
	}
	if !ok {
		at = len(d.cfg.Virtual)
		d.virtuals[device], d.defined[device] = at, n.at
		d.cfg.Virtual = append(d.cfg.Virtual, Device{Name: device, Settings: &virtualDevice{}})
	}
	id := d.number(Point{Point: adapters.Point{Device: device, Name: point, Spec: &virtual{}}, Heartbeat: DefaultHeartbeat, Access: ReadOnly})
	d.ids[n.text] = id
	d.cfg.Virtual[at].Points = append(d.cfg.Virtual[at].Points, id)
	return id, true
}

// unset is a virtual point of the section `devices`, which waits for a rule.
type unset struct {
	at place
	id telemetry.PointID
}

// warnUnset points at virtual points that would stay empty for ever.
func (l *loading) warnUnset() {
	for _, o := range l.unset {
		if p := l.cfg.Points[o.id]; len(p.Spec.(*virtual).rules) == 0 {
			l.found.add(finding{at: o.at, severity: Warning, before: "nothing sets ", where: "point " + p.FullName(), hint: "a rule does: set: {" + p.FullName() + ": VALUE}"})
		}
	}
}
