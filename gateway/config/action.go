package config

import (
	"strings"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// actionKeys are what a rule does, when it comes on and, below `end`, when it goes off.
type actionKeys struct {
	Set     *node        `yaml:"set"`
	Write   *node        `yaml:"write"`
	Publish *publishKeys `yaml:"publish"`
	Scan    *hurryKeys   `yaml:"scan"`
	Exec    *execKeys    `yaml:"exec"`
}

type publishKeys struct {
	Topic   *node `yaml:"topic" required:"true"`
	Payload *node `yaml:"payload"`
}

func (k actionKeys) does() bool {
	return k.Set != nil || k.Write != nil || k.Publish != nil || k.Scan != nil || k.Exec != nil
}

// actions reads what a rule does. in is "" or "end.".
func (d *draft) actions(k actionKeys, in string) (a Actions) {
	if k.Set != nil {
		a.Set = d.assignments(in+"set", k.Set)
	}
	if k.Write != nil {
		a.Write = d.writes(in+"write", k.Write)
	}
	if k.Publish != nil {
		a.Publish = d.publish(in+"publish", k.Publish)
	}
	if k.Scan != nil {
		a.Scan = d.hurry(in+"scan", k.Scan)
	}
	if k.Exec != nil {
		a.Exec = d.exec(in+"exec", k.Exec)
	}
	return a
}

// assignments reads `set`: points with their values, or for a rule of sql the name of one point, which gets the row's `value`.
func (d *draft) assignments(key string, n *node) (all []Assignment) {
	switch {
	case n.broken:
	case n.shape == scalar && d.SQL == nil:
		d.form.spoiled(n.at, key, wrong("write {"+n.text+": VALUE}", "it does not say to what %s is set", n.text))
	case n.shape == scalar:
		if id, ok := d.ids[n.text]; ok {
			return []Assignment{{Point: id, Value: "${value}"}}
		}
	case n.shape != mapping:
		d.form.spoiled(n.at, key, wrong("write {hall_b.power: \"${value}\"}", "here is %s, and points with values are wanted", n.shape))
	}
	for _, e := range n.entries {
		id, ok := d.ids[e.key.text] // declare said what is wrong with one that is not there
		if text, good := d.value(key, e, id, ok); good && ok {
			all = append(all, Assignment{Point: id, Value: text})
		}
	}
	return all
}

// writes reads `write`: points of equipment with their values.
func (d *draft) writes(key string, n *node) (all []Assignment) {
	if n.shape != mapping {
		if !n.broken {
			d.form.spoiled(n.at, key, wrong("write {press.start: false}", "here is %s, and points with values are wanted", n.shape))
		}
		return nil
	}
	for _, e := range n.entries {
		id, ok := d.writable(&d.form.binder, key, e.key)
		if text, good := d.value(key, e, id, ok); good && ok {
			all = append(all, Assignment{Point: id, Value: text})
		}
	}
	return all
}

// writable finds a point of equipment that may be written.
func (l *loading) writable(b *binder, key string, n *node) (telemetry.PointID, bool) {
	id, ok := l.pointNamed(b, key, n)
	if !ok {
		return 0, false
	}
	switch p := l.cfg.Points[id]; {
	case p.Virtual():
		return id, b.spoiled(n.at, key, wrong("set: is for virtual points", "%s is in no equipment: nothing can be written to it", n.text))
	case p.Access != ReadWrite:
		return id, b.spoiled(n.at, key, wrong("give the point access: rw", "%s is read only", n.text))
	}
	return id, true
}

// value reads what a point gets: a template, or a constant that must fit the point.
func (d *draft) value(key string, e entry, id telemetry.PointID, known bool) (string, bool) {
	path := key + "." + e.key.text
	n := e.value
	switch {
	case n.broken || !d.form.isScalar(n, path):
		return "", false
	case strings.Contains(n.text, "${"):
		return n.text, d.phrase(path, n)
	case known:
		if err := fits(d.cfg.Points[id], n.text); err != nil {
			return "", d.form.spoiled(n.at, path, err)
		}
	}
	return n.text, true
}

func (d *draft) publish(key string, k *publishKeys) *Publish {
	p := &Publish{}
	if k.Topic != nil && d.phrase(key+".topic", k.Topic) {
		p.Topic = k.Topic.text
		if p.Topic == "" || strings.ContainsAny(constantPart(p.Topic), "+#") {
			d.form.spoiled(k.Topic.at, key+".topic", wrong("write alerts/oil", "%q is no topic to publish on: + and # are for those who listen", k.Topic.raw))
		}
	}
	switch {
	case k.Payload != nil:
		d.phrase(key+".payload", k.Payload)
		p.Payload = k.Payload.text
	case d.SQL == nil && !d.form.anySpoiled():
		d.form.wrongIn(key, "write payload: \"${press.oil_temp}\"", "it does not say what is sent; only a rule of sql has a row to send")
	}
	return p
}

// constantPart is a template with an x for each expression.
func constantPart(text string) string {
	for {
		before, rest, found := strings.Cut(text, "${")
		_, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			return text
		}
		text = before + "x" + after
	}
}
