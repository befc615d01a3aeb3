package config

import (
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// ruleKeys is one item of the section `rules`.
type ruleKeys struct {
	Name       string        `yaml:"name" required:"true"`
	When       *node         `yaml:"when"`
	For        time.Duration `yaml:"for"`
	Until      *node         `yaml:"until"`
	SQL        *node         `yaml:"sql"`
	Every      time.Duration `yaml:"every"`
	Alarm      *alarmKeys    `yaml:"alarm"`
	actionKeys `yaml:",inline"`
	End        *actionKeys `yaml:"end"`
}

// draft is a rule being read. First every rule says which points it makes, then all of them may ask for points.
type draft struct {
	*loading
	ruleKeys
	form *form
	sets map[telemetry.PointID]bool
}

const (
	maxRules = 2000                   // each is tried on every point when the file is read
	soonest  = 100 * time.Millisecond // the shortest `every`: what must be faster is driven by samples
)

const ruleExample = "- {name: oil_hot, when: press.oil_temp > 85, alarm: {text: Oil is hot}}"

// rules reads the section, and with it makes the virtual points that are declared nowhere else.
func (l *loading) rules(n *node) {
	var drafts []*draft
	first := map[string]place{}
	l.items(n, "rules", ruleExample, func(item *node) {
		if len(drafts) == maxRules {
			l.found.fault(item.at, "split the site over several gateways", "more than %d rules", maxRules)
		}
		if len(drafts) < maxRules {
			drafts = append(drafts, l.draft(item, first))
		}
	})
	for _, d := range drafts {
		l.cfg.Rules = append(l.cfg.Rules, d.finish())
	}
}

// draft reads a rule's keys and makes the points that it sets.
func (l *loading) draft(n *node, first map[string]place) *draft {
	d := &draft{loading: l, sets: map[telemetry.PointID]bool{}}
	where := "this rule"
	if e, ok := n.entry("name"); ok && e.value.shape == scalar {
		where = "rule " + e.value.text
	}
	d.form = newForm(l.found, where, n.at, &d.ruleKeys)
	d.form.fill(n, where)
	d.form.complete()
	if g, ok := d.form.got("name"); ok && !g.spoiled && l.name(g.value.at, "rule", d.Name) {
		if at, twice := first[d.Name]; twice {
			l.found.fault(g.value.at, "give one of the two another name", "rule %s is defined twice, first at %s", d.Name, at)
		} else {
			first[d.Name] = g.value.at
		}
	}
	d.declare(d.Set)
	if d.End != nil {
		d.declare(d.End.Set)
	}
	return d
}

func (d *draft) finish() Rule {
	r := Rule{Name: d.Name, For: d.For, Every: d.Every}
	d.shape()
	if d.When != nil {
		r.When = d.question("when", d.When)
	}
	if d.Until != nil {
		r.Until = d.question("until", d.Until)
	}
	if d.SQL != nil {
		r.SQL = d.statement(d.SQL)
	}
	r.Do = d.actions(d.actionKeys, "")
	if d.End != nil {
		r.End = d.actions(*d.End, "end.")
	}
	if d.Alarm != nil {
		r.Alarm = d.alarm(d.Alarm)
	}
	return r
}

// shape checks which keys go together.
func (d *draft) shape() {
	_, when := d.form.got("when")
	_, statement := d.form.got("sql")
	switch {
	case when && statement:
		d.form.wrongValue("sql", "make two rules of it", "a rule has either when or sql")
	case !when && !statement && !d.form.anySpoiled():
		d.found.add(finding{at: d.form.at, severity: Error, where: d.form.where, after: " says neither when nor sql", hint: "write when: press.oil_temp > 85"})
	case statement:
		d.lasting()
	}
	if d.Every != 0 && d.Every < soonest {
		d.form.wrongValue("every", "write every: 1s or the like", "%s is less than %s", d.Every, soonest)
	}
	acts := d.Alarm != nil || d.End != nil || d.does()
	if !acts && !d.form.anySpoiled() {
		d.found.add(finding{at: d.form.at, severity: Error, where: d.form.where, after: " does nothing", hint: "give it alarm, set, write, publish, scan or exec"})
	}
}

// lasting reports what wants a state that lasts, in a rule that has none.
func (d *draft) lasting() {
	for _, key := range []string{"for", "until", "alarm", "end"} {
		if g, ok := d.form.got(key); ok {
			d.form.spoiled(g.key.at, key, wrong("it belongs to a rule with when", "each row of sql acts by itself: there is nothing that lasts"))
		}
	}
}

// question reads when or until. A rule that sets a point of its own question would answer itself for ever.
func (d *draft) question(key string, n *node) string {
	for _, name := range d.condition(&d.form.binder, key, n) {
		if id, ok := d.ids[name]; ok && d.sets[id] {
			d.form.spoiled(n.word(name), key, wrong("set another point", "the rule sets %s itself: it would go round for ever", name))
		}
	}
	return n.text
}
