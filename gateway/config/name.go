package config

import (
	"regexp"
	"strings"
)

// Names of connections, devices and points can stand in SQL and in topics as they are.
var (
	nameForm   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	notInNames = regexp.MustCompile(`[^A-Za-z0-9_]+`)
)

// maxName keeps device.point within what a topic level and a metric's label carry well.
const maxName = 64

// name reports a name that can't be used.
func (l *loading) name(at place, what, name string) bool {
	switch {
	case len(name) > maxName:
		l.found.fault(at, "", "the name of a %s has at most %d characters", what, maxName)
	case !nameForm.MatchString(name):
		l.found.fault(at, nameHint(name), "%q can't be the name of a %s: it is a letter, then letters, digits and _", name, what)
	default:
		return true
	}
	return false
}

func nameHint(name string) string {
	better := strings.Trim(notInNames.ReplaceAllString(name, "_"), "_")
	if nameForm.MatchString(better) {
		return "write " + better
	}
	return "write one such as press_2"
}
