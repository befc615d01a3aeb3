package shadow

import (
	"encoding/json"
	"math"
	"strconv"

	doc "github.com/penstock-edge/penstock/sync/shadow"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// asJSON is a value as it stands in a document; false for what JSON has no form for.
func asJSON(v telemetry.Value) (any, bool) {
	switch v.Kind() {
	case telemetry.KindBool:
		return v.Bool(), true
	case telemetry.KindString:
		return v.Text(), true
	}
	if f, ok := v.Float(); !ok || math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, false
	}
	return json.Number(v.String()), true
}

// asReported is a reading as it is to stand beside what is desired. A register of 32 bits that was to hold 0.1 reads 0.10000000149011612:
// that is 0.1, or the difference would never go.
func asReported(s doc.State, name string, v telemetry.Value) (any, bool) {
	written, ok := asJSON(v)
	if !ok || v.Kind() != telemetry.KindFloat64 {
		return written, ok
	}
	f, _ := v.Float()
	if want, ok := s.Desired[name].(json.Number); ok && closeTo(want, f) {
		return want, true
	}
	return written, true
}

// singlePrecision is two steps of a 32-bit float, relative: one for the register, one for its scale.
const singlePrecision = 1.0 / (1 << 22)

func closeTo(n json.Number, f float64) bool {
	g, err := n.Float64()
	return err == nil && math.Abs(f-g) <= math.Max(math.Abs(f), math.Abs(g))*singlePrecision
}

// asValue is what a document holds as the value of a point; false for objects, arrays and null.
func asValue(v any) (telemetry.Value, bool) {
	switch v := v.(type) {
	case bool:
		return telemetry.Bool(v), true
	case string:
		return telemetry.String(v), true
	case json.Number:
		if i, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return telemetry.Int64(i), true
		}
		if u, err := strconv.ParseUint(string(v), 10, 64); err == nil {
			return telemetry.Uint64(u), true
		}
		f, err := strconv.ParseFloat(string(v), 64)
		return telemetry.Float64(f), err == nil
	}
	return telemetry.Value{}, false
}
