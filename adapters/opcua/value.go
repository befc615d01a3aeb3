package opcua

import (
	"encoding/hex"
	"reflect"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// noDate is how OPC UA writes "no date": zero ticks (OPC 10000-6, 5.2.2.5).
var noDate = time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)

// sample is what a server said of a point. The status code is kept bit by bit; the time is the source's,
// else the server's, else now.
func sample(point telemetry.PointID, dv *ua.DataValue, index int, now time.Time) telemetry.Sample {
	at, sourced := stamp(dv, now)
	s := telemetry.Sample{Point: point, Quality: telemetry.Quality(dv.Status), Time: at.UnixNano(), Sourced: sourced}
	if s.Quality.IsBad() {
		return s // a value beside a bad status was measured by nobody
	}
	var why telemetry.Quality
	if s.Value, why = decode(dv.Value, index); why != telemetry.Good {
		s.Quality = why
	}
	return s
}

// stamp tells, too, whether the time is the equipment's.
func stamp(dv *ua.DataValue, now time.Time) (at time.Time, sourced bool) {
	for _, t := range []struct {
		mask byte
		at   time.Time
	}{{ua.DataValueSourceTimestamp, dv.SourceTimestamp}, {ua.DataValueServerTimestamp, dv.ServerTimestamp}} {
		if dv.Has(t.mask) && !t.at.IsZero() {
			return t.at, true
		}
	}
	return now, false
}

// decode turns a variant into a value; the quality is Good or says why there is none.
func decode(v *ua.Variant, index int) (telemetry.Value, telemetry.Quality) {
	if v == nil || v.Value() == nil {
		return telemetry.Value{}, telemetry.BadWaitingForData
	}
	array := v.Has(ua.VariantArrayValues)
	switch {
	case !array && index == wholeValue:
		return scalar(v.Value())
	case array && index != wholeValue:
		return element(v.Value(), index)
	}
	return telemetry.Value{}, telemetry.BadTypeMismatch
}

// element picks one element of an array of one dimension.
func element(array any, index int) (telemetry.Value, telemetry.Quality) {
	list := reflect.ValueOf(array)
	if list.Kind() != reflect.Slice {
		return telemetry.Value{}, telemetry.BadTypeMismatch
	}
	if index >= list.Len() {
		return telemetry.Value{}, telemetry.Quality(ua.StatusBadIndexRangeNoData)
	}
	return scalar(list.Index(index).Interface())
}

// scalar maps OPC UA's data types: numbers keep their value, what has a text becomes text.
func scalar(v any) (telemetry.Value, telemetry.Quality) {
	switch x := v.(type) {
	case bool:
		return telemetry.Bool(x), telemetry.Good
	case int8:
		return telemetry.Int64(int64(x)), telemetry.Good
	case int16:
		return telemetry.Int64(int64(x)), telemetry.Good
	case int32:
		return telemetry.Int64(int64(x)), telemetry.Good
	case int64:
		return telemetry.Int64(x), telemetry.Good
	case uint8:
		return telemetry.Uint64(uint64(x)), telemetry.Good
	case uint16:
		return telemetry.Uint64(uint64(x)), telemetry.Good
	case uint32:
		return telemetry.Uint64(uint64(x)), telemetry.Good
	case uint64:
		return telemetry.Uint64(x), telemetry.Good
	case float32:
		return telemetry.Float64(float64(x)), telemetry.Good
	case float64:
		return telemetry.Float64(x), telemetry.Good
	case ua.StatusCode:
		return telemetry.Uint64(uint64(x)), telemetry.Good
	}
	return text(v)
}

func text(v any) (telemetry.Value, telemetry.Quality) {
	switch x := v.(type) {
	case string:
		return telemetry.String(x), telemetry.Good
	case ua.XMLElement:
		return telemetry.String(string(x)), telemetry.Good
	case time.Time:
		if x.IsZero() {
			x = noDate
		}
		return telemetry.String(x.UTC().Format(time.RFC3339Nano)), telemetry.Good
	case []byte:
		return telemetry.String(hex.EncodeToString(x)), telemetry.Good
	case *ua.LocalizedText:
		return telemetry.String(x.Text), telemetry.Good
	case *ua.QualifiedName:
		return telemetry.String(x.Name), telemetry.Good
	case *ua.GUID:
		return telemetry.String(x.String()), telemetry.Good
	case *ua.NodeID:
		return telemetry.String(x.String()), telemetry.Good
	case *ua.ExpandedNodeID:
		return telemetry.String(x.String()), telemetry.Good
	case *ua.Variant: // only inside an array of variants
		return decode(x, wholeValue)
	}
	return telemetry.Value{}, telemetry.BadTypeMismatch
}
