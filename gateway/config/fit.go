package config

import (
	"slices"
	"strconv"

	"github.com/penstock-edge/penstock/adapters"
)

// fits reports a constant that a point can never take: outside its range, or no name of its enum.
func fits(p Point, text string) *adapters.KeyError {
	var labels []string
	for _, label := range p.Enum {
		labels = append(labels, label)
	}
	if slices.Contains(labels, text) {
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil && len(labels) > 0:
		return wrong(suggest(text, labels), "%q is no value of %s", text, p.FullName())
	case p.Range == nil:
		return nil
	case err != nil:
		return wrong("", "%q is no number, and %s has the range %v..%v", text, p.FullName(), p.Range.Min, p.Range.Max)
	case f < p.Range.Min || f > p.Range.Max || f != f:
		return wrong("", "%s is outside the range %v..%v of %s", text, p.Range.Min, p.Range.Max, p.FullName())
	}
	return nil
}
