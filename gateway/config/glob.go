package config

import (
	"path"
	"slices"
	"strings"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Matches reports whether a glob means the point, as press.cycles, press.* and *.energy do.
func (p Point) Matches(glob string) bool {
	ok, _ := path.Match(glob, p.FullName())
	return ok
}

// alarms is the word in `keep` that means no point.
const alarms = "alarms"

// globs checks a list of globs: one that can't be one is an error, one that means nothing a warning.
func (l *loading) globs(section *node, key string, globs []string) {
	e, _ := section.entry(key)
	for i, g := range globs {
		if g == alarms && key == "keep" || i >= len(e.value.items) {
			continue
		}
		at := e.value.items[i].at
		if _, err := path.Match(g, ""); err != nil {
			l.found.fault(at, "* stands for any characters, ? for one", "%q is no glob", g)
		} else if !l.anyPoint(g) {
			l.found.warn(at, suggest(g, l.near(g)), "%s: no point is called %s", key, g)
		}
	}
}

func (l *loading) anyPoint(glob string) bool {
	for _, p := range l.cfg.Points {
		if p.Matches(glob) {
			return true
		}
	}
	return false
}

// chosen finds the points that a list of names and globs means, each once, in the order of their IDs.
func (l *loading) chosen(b *binder, key string, globs []*node) []telemetry.PointID {
	var ids []telemetry.PointID
	for _, n := range globs {
		ids = append(ids, l.meant(b, key, n)...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// allowed finds the points that may be written. A glob means those of its points that have access: rw; a name must have it.
func (l *loading) allowed(f *form, key string, globs []*node) []telemetry.PointID {
	var ids []telemetry.PointID
	for _, n := range globs {
		meant := l.meant(&f.binder, key, n)
		writable := slices.DeleteFunc(slices.Clone(meant), func(id telemetry.PointID) bool { return l.cfg.Points[id].Access != ReadWrite })
		switch {
		case len(meant) > 0 && len(writable) == 0 && !isGlob(n.text):
			l.writable(&f.binder, key, n)
		case len(meant) > 0 && len(writable) == 0:
			f.spoiled(n.at, key, wrong("give points access: rw", "no point that %s means may be written", n.text))
		}
		ids = append(ids, writable...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func isGlob(text string) bool { return strings.ContainsAny(text, `*?[\`) }

// meant finds the points of one name or glob, and says when there are none.
func (l *loading) meant(b *binder, key string, n *node) (ids []telemetry.PointID) {
	if n.broken || !b.isScalar(n, key) {
		return nil
	}
	if !isGlob(n.text) {
		if id, ok := l.pointNamed(b, key, n); ok {
			return []telemetry.PointID{id}
		}
		return nil
	}
	if _, err := path.Match(n.text, ""); err != nil {
		b.spoiled(n.at, key, wrong("* stands for any characters, ? for one", "%q is no glob", n.raw))
		return nil
	}
	for _, p := range l.cfg.Points {
		if p.Matches(n.text) {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) == 0 && !l.isLost(n.text) {
		b.spoiled(n.at, key, wrong(l.hint(n.text), "no point is called %s", n.raw))
	}
	return ids
}

// near is the points of the device that a name begins with, or the devices: what it may have meant.
func (l *loading) near(name string) (names []string) {
	device, rest, dotted := strings.Cut(name, ".")
	var devices []string
	for d := range l.defined {
		devices = append(devices, d)
	}
	if _, ok := l.defined[device]; !ok {
		device = nearest(device, devices)
	}
	if device == "" || !dotted {
		return devices
	}
	if isGlob(name) {
		names = append(names, device+"."+rest)
	}
	for _, p := range l.cfg.Points {
		if p.Device == device {
			names = append(names, p.FullName())
		}
	}
	return names
}
