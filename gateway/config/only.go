package config

import (
	"path"
	"slices"
	"strings"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Takes reports whether a point goes to the target.
func (t *Target) Takes(id telemetry.PointID) bool { return t.takes == nil || t.takes[id] }

// TakesAll reports whether every point does, and every one that will be there: `only` is not given, or "*" is in it.
func (t *Target) TakesAll() bool { return t.takes == nil }

// tagged is how an item of `only` begins that is about a tag.
const tagged = "tag:"

// only finds the points of the devices that a list of globs and tags means; nil: of all.
func (l *loading) only(f *form, items []*node) []bool {
	if g, ok := f.got("only"); !ok || g.spoiled {
		return nil
	}
	if len(items) == 0 {
		f.wrongValue("only", "take it out, and everything goes there; or name devices", "nothing would go to this target")
		return nil
	}
	takes := make([]bool, len(l.cfg.Points))
	for _, n := range items {
		if n.broken || !f.isScalar(n, "only") {
			continue
		}
		if n.text == "*" {
			return nil
		}
		l.onlyItem(f, n, takes)
	}
	return takes
}

func (l *loading) onlyItem(f *form, n *node, takes []bool) {
	name, value, isTag := strings.Cut(strings.TrimPrefix(n.text, tagged), "=")
	isTag = isTag && strings.HasPrefix(n.text, tagged)
	const example = `write a device as press or meter_*, or a tag as "tag:area=hall-B"`
	_, badName := path.Match(name, "")
	_, badValue := path.Match(value, "")
	switch {
	case strings.HasPrefix(n.text, tagged) && (!isTag || name == ""), badName != nil, badValue != nil:
		f.spoiled(n.at, "only", wrong(example, "%q means no devices", n.text))
		return
	case !isTag && strings.ContainsAny(n.text, ".=:"):
		f.spoiled(n.at, "only", wrong(example, "%q: whole devices go to a target", n.text))
		return
	}
	found := false
	for _, d := range l.cfg.devices() {
		if isTag && tagMatches(d.Tags, name, value) || !isTag && glob(n.text, d.Name) {
			found = true
			for _, id := range d.Points {
				takes[id] = true
			}
		}
	}
	if !found {
		l.found.warn(n.at, example, "only: no device is meant by %s", n.text)
	}
}

func tagMatches(tags map[string]string, name, value string) bool {
	v, ok := tags[name]
	return ok && glob(value, v)
}

func glob(pattern, text string) bool {
	ok, _ := path.Match(pattern, text)
	return ok
}

// devices are all there are, in equipment and not.
func (c *Config) devices() (list []Device) {
	for _, conn := range c.Connections {
		list = append(list, conn.Devices...)
	}
	return append(list, c.Virtual...)
}

// within reports points that a target may write or that it is told of in a shadow, and that do not go there.
func (l *loading) within(f *form, key string, t *Target, ids []telemetry.PointID) {
	for _, id := range ids {
		if !t.Takes(id) {
			f.wrongValue(key, "add the device to only, or take the point out", "%s does not go to this target: only says so", l.cfg.Points[id].FullName())
			return
		}
	}
}

// warnNowhere tells of devices that go to no target.
func (l *loading) warnNowhere(section *node) {
	if len(l.cfg.Cloud) == 0 || slices.ContainsFunc(l.cfg.Cloud, func(t Target) bool { return t.TakesAll() }) || l.found.report.Errors() > 0 {
		return
	}
	for _, d := range l.cfg.devices() {
		if len(d.Points) > 0 && !slices.ContainsFunc(l.cfg.Cloud, func(t Target) bool { return t.Takes(d.Points[0]) }) {
			l.found.warn(section.at, "add it to only of a target", "the device %s goes to no target: nothing of it is kept", d.Name)
		}
	}
}
