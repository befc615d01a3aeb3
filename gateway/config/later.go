package config

import "strings"

// notYet is a key that the configuration will have and this version does not act on. It is refused, so that
// nobody believes it runs.
type notYet struct {
	in       string // how the place it may stand in begins
	key      string
	sentence string
	hint     string
}

// notYets is the one list of them.
var notYets = []notYet{
	{"device ", "points_csv", "CSV register maps are not in this version", "list the points, or make a template"},
	{"template ", "points_csv", "CSV register maps are not in this version", "list the points"},
	{"template ", "test", "tests of a template are not in this version", "take it out: nothing would be recognised by it"},
}

func laterKey(where, key string) (notYet, bool) {
	for _, l := range notYets {
		if l.key == key && strings.HasPrefix(where, l.in) {
			return l, true
		}
	}
	return notYet{}, false
}
