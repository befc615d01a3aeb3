package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// instance is one device of an entry that may stand for many.
type instance struct {
	name string
	unit string // empty: the entry's own, whatever it is
}

var (
	unitRange = regexp.MustCompile(`^(\d{1,5})\.\.(\d{1,5})$`)
	unitPlace = regexp.MustCompile(`\{unit(?::0(\d))?\}`)
)

// maxUnits is how many devices one entry may stand for.
const maxUnits = 1000

// instances expands `unit: 1..40` with `name: meter_{unit:02}`. An entry without a range is one device.
func (l *loading) instances(n *node) []instance {
	name, named := n.entry("name")
	if !named || name.value.shape != scalar {
		return []instance{{}}
	}
	units, ranged := l.units(n)
	holds := unitPlace.MatchString(name.value.text)
	switch {
	case !ranged && !holds:
		return []instance{{name: name.value.text}}
	case !ranged:
		l.found.fault(name.value.at, "write unit: 1..40, or a plain name", "the name has a {unit} in it and there is no range of units")
		return nil
	case !holds:
		l.found.fault(name.value.at, "write name: "+name.value.text+"_{unit:02}", "%d devices can't have one name", len(units))
		return nil
	}
	var out []instance
	for _, u := range units {
		out = append(out, instance{numbered(name.value.text, u), strconv.Itoa(u)})
	}
	return out
}

// numbered puts a unit into a name: {unit} as it is, {unit:02} with leading zeros.
func numbered(pattern string, unit int) string {
	return unitPlace.ReplaceAllStringFunc(pattern, func(found string) string {
		width, _ := strconv.Atoi(unitPlace.FindStringSubmatch(found)[1])
		return fmt.Sprintf("%0*d", width, unit)
	})
}

// units reads a range, or a list of numbers and ranges, and says whether it was one.
func (l *loading) units(n *node) (units []int, ranged bool) {
	e, ok := n.entry("unit")
	if !ok {
		return nil, false
	}
	parts := e.value.items
	if e.value.shape == scalar && strings.Contains(e.value.text, "..") {
		parts = []*node{e.value}
	}
	for _, p := range parts {
		units = append(units, l.unitsOf(p)...)
	}
	if len(units) > maxUnits {
		l.found.fault(e.value.at, "", "%d units in one entry; %d is the most", len(units), maxUnits)
		return units[:1], true
	}
	return units, len(parts) > 0
}

func (l *loading) unitsOf(n *node) []int {
	const hint = "write 1..40"
	if number, err := readUint(n.text); err == nil && n.shape == scalar && number <= 99999 {
		return []int{int(number)}
	}
	m := unitRange.FindStringSubmatch(n.text)
	if m == nil {
		l.found.fault(n.at, hint, "%q is no range of units", n.raw)
		return nil
	}
	first, _ := strconv.Atoi(m[1])
	last, _ := strconv.Atoi(m[2])
	if first > last {
		l.found.fault(n.at, fmt.Sprintf("write %d..%d", last, first), "the range %s begins above its end", n.raw)
		return nil
	}
	var units []int
	for u := first; u <= last && len(units) <= maxUnits; u++ {
		units = append(units, u)
	}
	return units
}
