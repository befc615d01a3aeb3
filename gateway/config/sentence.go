package config

import (
	"errors"
	"slices"
	"strings"

	"github.com/penstock-edge/penstock/adapters"
	sql "github.com/penstock-edge/penstock/sync/rule"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// condition parses what stands under a key and gives the points it asks for.
func (l *loading) condition(b *binder, key string, n *node) []string {
	if n.broken || !b.isScalar(n, key) {
		return nil
	}
	c, err := sql.ParseCondition(n.text)
	if err != nil {
		b.syntax(key, n, err)
		return nil
	}
	l.known(b, key, n, c.Points())
	return c.Points()
}

// statement parses a rule's sql and gives its text.
func (d *draft) statement(n *node) string {
	if n.broken || !d.form.isScalar(n, "sql") {
		return ""
	}
	s, err := sql.Parse(n.text)
	switch {
	case err != nil:
		d.form.syntax("sql", n, err)
		return n.text
	case s.From() == "":
		d.form.spoiled(n.at, "sql", wrong("write FROM 'press/oil_temp', or '+/power' for that of every device", "it has no FROM, so no sample reaches it"))
		return n.text
	}
	at := n.word(s.From())
	if !d.anyTopic(s) && len(d.lost) == 0 {
		hint := suggest(s.From(), d.topicsNear(s.From()))
		d.found.add(finding{at: at, severity: Warning, before: "sql of ", where: d.form.where, after: ": no point has the topic " + s.From(), hint: hint})
	}
	for id := range d.sets {
		if p := d.cfg.Points[id]; s.Matches(topicOf(p)) && !strings.Contains(strings.ToLower(n.text), "where") {
			d.found.add(finding{
				at: at, severity: Warning, before: "sql of ", where: d.form.where, after: ": FROM takes " + p.FullName() + ", which the rule sets itself",
				hint: "leave it out by WHERE, or each row makes another",
			})
		}
	}
	return n.text
}

// topicOf is what a point's samples are sent to inside the gateway.
func topicOf(p Point) string { return p.Device + "/" + p.Name }

func (l *loading) anyTopic(s *sql.Statement) bool {
	if id, ok := l.ids[strings.Replace(s.From(), "/", ".", 1)]; ok && s.Matches(topicOf(l.cfg.Points[id])) {
		return true
	}
	for _, p := range l.cfg.Points {
		if s.Matches(topicOf(p)) {
			return true
		}
	}
	return false
}

// topicsNear is what a filter without a match may have meant.
func (l *loading) topicsNear(filter string) (topics []string) {
	if device, point, ok := strings.Cut(filter, "/"); ok && device == "+" && point != "" {
		for _, p := range l.cfg.Points {
			topics = append(topics, "+/"+p.Name)
		}
		slices.Sort(topics)
		return slices.Compact(topics)
	}
	for _, name := range l.near(strings.Replace(filter, "/", ".", 1)) {
		topics = append(topics, strings.Replace(name, ".", "/", 1))
	}
	return topics
}

// phrase parses a template: of the row's fields in a rule of sql, else of points.
func (d *draft) phrase(key string, n *node) bool {
	if n.broken || !d.form.isScalar(n, key) {
		return false
	}
	var t *sql.Template
	var err error
	if d.SQL != nil {
		t, err = sql.ParseTemplate(n.text, sql.Options{})
	} else {
		t, err = sql.ParsePointTemplate(n.text)
	}
	if err != nil {
		d.form.syntax(key, n, err)
		return false
	}
	return d.known(&d.form.binder, key, n, t.Points())
}

// syntax places a mistake inside the text under a key.
func (b *binder) syntax(key string, n *node, err error) {
	at, message := n.at, err.Error()
	if wrongAt := (*sql.SyntaxError)(nil); errors.As(err, &wrongAt) {
		at, message = n.spot(wrongAt.Line, wrongAt.Column), wrongAt.Message
	}
	b.spoiled(at, key, &adapters.KeyError{Err: errors.New(message)})
}

// known reports names that no point has.
func (l *loading) known(b *binder, key string, n *node, names []string) bool {
	ok := true
	for _, name := range names {
		if _, there := l.ids[name]; !there {
			ok = l.unknown(b, key, n.word(name), name)
		}
	}
	return ok
}

// unknown reports a point that is not there, unless that is since a mistake in its device was reported already. It is false.
func (l *loading) unknown(b *binder, key string, at place, name string) bool {
	if l.isLost(name) {
		return false
	}
	return b.spoiled(at, key, wrong(l.hint(name), "there is no point %s", name))
}

// isLost reports whether the points that a name or glob means may have been given up.
func (l *loading) isLost(name string) bool {
	device, _, _ := strings.Cut(name, ".")
	return l.lost[device] || isGlob(device) && len(l.lost) > 0
}

// hint words what a point's name was probably meant to be. It looks at every point: not for mistakes beyond those that are shown.
func (l *loading) hint(name string) string {
	if l.found.shown[Error] >= maxMistakes {
		return ""
	}
	if !strings.Contains(name, ".") {
		for _, p := range l.cfg.Points {
			if p.Name == name {
				return "write " + p.FullName()
			}
		}
	}
	return suggest(name, l.near(name))
}

// pointNamed finds the point that a node names.
func (l *loading) pointNamed(b *binder, key string, n *node) (telemetry.PointID, bool) {
	id, ok := l.ids[n.text]
	if !ok {
		l.unknown(b, key, n.at, n.text)
	}
	return id, ok
}
