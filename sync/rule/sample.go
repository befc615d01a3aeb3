package rule

import (
	"math"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Point is what a rule knows of a point besides its samples.
type Point struct {
	Topic string // "press/oil_temp"
	Unit  string
}

type point struct {
	Point
	matches bool
	group   *group // of the window, where it depends on the point alone
	known   []kept // what calls that depend on the point alone have given
}

type kept struct {
	v  Value
	is bool
}

// sampleFields are the fields of a sample's message. A bad sample has no value.
var sampleFields = map[string]eval{
	"value": func(e *env) Value {
		if e.sample.Quality.IsBad() {
			return Value{}
		}
		return Of(e.sample.Value)
	},
	"time":    func(e *env) Value { return whole(e.sample.Time / int64(time.Millisecond)) },
	"quality": func(e *env) Value { return text(e.sample.Quality.Severity()) },
	"unit":    func(e *env) Value { return textOr(e.point.Unit, Value{}) },
}

func (e *env) sampleBody() Value {
	f := &fields{}
	for _, key := range []string{"value", "time", "quality", "unit"} {
		if v := sampleFields[key](e); v.kind != Undefined {
			f.set(key, v)
		}
	}
	return object(f)
}

// sampleNumber is the short way to a sample's value.
func sampleNumber(n node) *fastValue {
	if field, ok := n.(*name); !ok || field.text != "value" {
		return nil
	}
	read := fastValue(func(e *env) (float64, bool) { return fastNumber(e.sample.Value, e.sample.Quality) })
	return &read
}

// fastNumber is a number that double precision holds exactly; anything else takes the long way.
func fastNumber(v telemetry.Value, q telemetry.Quality) (float64, bool) {
	if q.IsBad() {
		return 0, false
	}
	switch v.Kind() {
	case telemetry.KindFloat64:
		f := math.Float64frombits(v.Bits())
		return f, f-f == 0
	case telemetry.KindInt64:
		n := int64(v.Bits())
		return float64(n), n < 1<<53 && n > -1<<53
	}
	return 0, false
}

// dependsOnPoint reports whether an expression gives the same for all samples of a point.
func dependsOnPoint(n node) bool {
	return !contains(n, func(n node) bool {
		switch n := n.(type) {
		case *name:
			return n.text != "unit"
		case *call:
			return n.fn != "topic" && textFunctions[n.fn].call == nil && regexpFunctions[n.fn].call == nil
		case *star, *nested:
			return true
		}
		return false
	})
}
