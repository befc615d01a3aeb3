package command

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// resolve is the value that an order means for a point that reads like this now, and what the point will hold then.
func (p *place) resolve(o Order, reads telemetry.Sample) (value, held telemetry.Value, err error) {
	value = o.Value
	if value.IsNone() {
		value = parse(o.Text, reads.Value.Kind())
	}
	if value, err = p.named(value); err != nil {
		return value, value, err
	}
	held, err = p.hold(value, reads)
	if err != nil && o.Value.IsNone() && value.Kind() != telemetry.KindString { // "0815" may be meant as text
		if text := telemetry.String(o.Text); p.holds(text) {
			return text, text, nil
		}
	}
	return value, held, err
}

// parse reads what a person typed as narrowly as it can; for a point that reads as text it is text.
func parse(text string, like telemetry.Kind) telemetry.Value {
	if like == telemetry.KindString {
		return telemetry.String(text)
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return telemetry.Int64(i)
	}
	if u, err := strconv.ParseUint(text, 10, 64); err == nil {
		return telemetry.Uint64(u)
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return telemetry.Float64(f)
	}
	switch text {
	case "true", "on":
		return telemetry.Bool(true)
	case "false", "off":
		return telemetry.Bool(false)
	}
	return telemetry.String(text)
}

// named puts the number in place of the name of an enum's value. A number that has no name is refused: nobody knows what it means.
func (p *place) named(v telemetry.Value) (telemetry.Value, error) {
	if len(p.Enum) == 0 {
		return v, nil
	}
	for number, label := range p.Enum {
		if v.Kind() == telemetry.KindString && v.Text() == label {
			return telemetry.Int64(number), nil
		}
	}
	if f, ok := v.Float(); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		if _, known := p.Enum[int64(f)]; known {
			return v, nil
		}
	}
	return v, refuse(OutOfRange, "%s knows no %q: write one of %s", p.FullName(), clip(v.String()), p.choices())
}

// choices lists an enum, in short.
func (p *place) choices() string {
	var all []string
	for _, number := range slices.Sorted(maps.Keys(p.Enum)) {
		if len(all) == 16 {
			return strings.Join(append(all, "..."), ", ")
		}
		all = append(all, p.Enum[number]+" ("+strconv.FormatInt(number, 10)+")")
	}
	return strings.Join(all, ", ")
}

// holds reports whether the place itself says that a value fits.
func (p *place) holds(v telemetry.Value) bool {
	h, ok := p.Spec.(Holder)
	if !ok {
		return false
	}
	_, err := h.Hold(v)
	return err == nil
}

// hold is what the point holds once v is written. A place that cannot tell is judged by what it reads.
func (p *place) hold(v telemetry.Value, reads telemetry.Sample) (telemetry.Value, error) {
	if f, number := v.Float(); number && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return v, refuse(WrongType, "%v is nothing to write to %s: write a number", f, p.FullName())
	}
	if h, ok := p.Spec.(Holder); ok {
		held, err := h.Hold(v)
		if err != nil {
			return v, refuse(WrongType, "%s cannot hold it: %v", p.FullName(), err)
		}
		return held, nil
	}
	if wanted := misfit(v, reads.Value.Kind()); wanted != "" {
		return v, refuse(WrongType, "%q does not fit %s, which reads %s: write %s", clip(v.String()), p.FullName(), clip(reads.Value.Short()), wanted)
	}
	return v, nil
}

// misfit says what should have been written to a point that reads values of a kind; empty when v will do, or nobody knows.
func misfit(v telemetry.Value, like telemetry.Kind) string {
	f, number := v.Float()
	switch like {
	case telemetry.KindString:
		if v.Kind() != telemetry.KindString {
			return "text"
		}
	case telemetry.KindBool:
		if !number || f != 0 && f != 1 {
			return "true or false"
		}
	case telemetry.KindInt64, telemetry.KindUint64:
		if !number || f != math.Trunc(f) {
			return "a whole number"
		}
	case telemetry.KindFloat64:
		if !number {
			return "a number"
		}
	}
	return ""
}

// clip shortens what somebody sent before it stands in a sentence.
func clip(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:61], "") + "..."
	}
	return s
}
