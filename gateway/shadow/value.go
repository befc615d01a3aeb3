package shadow

import (
	"encoding/json"
	"math"
	"strconv"

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
