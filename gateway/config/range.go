package config

import "strings"

// Range is a point's limits, both included. A value outside is kept as read, with quality bad: out of range; a write outside is refused.
type Range struct{ Min, Max float64 }

// UnmarshalText reads 0..2500.
func (r *Range) UnmarshalText(text []byte) error {
	low, high, found := strings.Cut(string(text), "..")
	least, lerr := readFloat(strings.TrimSpace(low))
	most, herr := readFloat(strings.TrimSpace(high))
	switch {
	case !found, lerr != nil, herr != nil:
		return wrong("write the least and the most, as in 0..2500", "%q is no range", text)
	case least > most:
		return wrong("write "+strings.TrimSpace(high)+".."+strings.TrimSpace(low), "%q begins above its end", text)
	}
	*r = Range{Min: least, Max: most}
	return nil
}
