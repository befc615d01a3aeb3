package config

import (
	"path"
	"strings"
)

// Matches reports whether a glob means the point: one with a dot is compared with device.point, one
// without with the device.
func (p Point) Matches(glob string) bool {
	name := p.Device
	if strings.Contains(glob, ".") {
		name = p.FullName()
	}
	ok, _ := path.Match(glob, name)
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

// near is the points of the device that a name begins with, or the devices: what it may have meant.
func (l *loading) near(name string) (names []string) {
	device, _, dotted := strings.Cut(name, ".")
	if _, ok := l.defined[device]; !ok || !dotted {
		for d := range l.defined {
			names = append(names, d)
		}
		return names
	}
	for _, p := range l.cfg.Points {
		if p.Device == device {
			names = append(names, p.FullName())
		}
	}
	return names
}

// writables checks points that the cloud may write: each by its full name, and writable.
func (l *loading) writables(section *node, key string, names []string) {
	e, _ := section.entry(key)
	for i, name := range names {
		if i >= len(e.value.items) {
			continue
		}
		at := e.value.items[i].at
		p, ok := l.point(name)
		switch {
		case !ok && l.found.report.Errors() > 0: // it may be one that has a mistake
		case !ok:
			l.found.fault(at, suggest(name, l.near(name)), "%s: there is no point %s", key, name)
		case p.Access != ReadWrite:
			l.found.fault(at, "write access: rw at the point", "%s: point %s is read only", key, name)
		}
	}
}

func (l *loading) point(name string) (Point, bool) {
	for _, p := range l.cfg.Points {
		if p.FullName() == name {
			return p, true
		}
	}
	return Point{}, false
}
