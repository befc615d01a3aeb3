package config

import (
	"path"
	"strings"
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
