package config

import "strings"

// Deadband is how far a number must move before a sample is kept. Exactly one of the two is set, or neither
// (`deadband: 0`): then every change is kept, and only changes.
type Deadband struct {
	Absolute float64 // in the point's unit
	Percent  float64 // of the point's range where it has one, else of the last kept value
}

// UnmarshalText reads 0.5, 1% or 0.
func (d *Deadband) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(string(text), "%")
	v, err := readFloat(strings.TrimSpace(number))
	switch {
	case err != nil:
		return wrong("write a number in the point's unit, or 1%", "%q is no deadband", text)
	case v < 0:
		return wrong("write how far the value must move, without a sign", "%s is below zero", text)
	case percent:
		*d = Deadband{Percent: v}
	default:
		*d = Deadband{Absolute: v}
	}
	return nil
}

// within gives the deadband in the point's unit where that can be told, else in per cent of a range that only the equipment may know.
func (d *Deadband) within(of *Range) (absolute, percent float64) {
	if d.Percent > 0 && of != nil {
		return (of.Max - of.Min) * d.Percent / 100, 0
	}
	return d.Absolute, d.Percent
}
