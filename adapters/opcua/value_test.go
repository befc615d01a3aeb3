package opcua

import (
	"math"
	"testing"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// scalars is every scalar type of OPC UA (OPC 10000-6, 5.1.2), at its limits where it has some.
var scalars = []struct {
	name  string
	wire  any
	want  telemetry.Value
	write string // the type it is written as; empty for one that can't be
}{
	{"Boolean", true, telemetry.Bool(true), "Boolean"},
	{"SByte", int8(-128), telemetry.Int64(-128), "SByte"},
	{"Byte", uint8(255), telemetry.Uint64(255), "Byte"},
	{"Int16", int16(-32768), telemetry.Int64(-32768), "Int16"},
	{"UInt16", uint16(65535), telemetry.Uint64(65535), "UInt16"},
	{"Int32", int32(math.MinInt32), telemetry.Int64(math.MinInt32), "Int32"},
	{"UInt32", uint32(math.MaxUint32), telemetry.Uint64(math.MaxUint32), "UInt32"},
	{"Int64", int64(math.MinInt64), telemetry.Int64(math.MinInt64), "Int64"},
	{"UInt64", uint64(math.MaxUint64), telemetry.Uint64(math.MaxUint64), "UInt64"},
	{"Float", float32(0.1), telemetry.Float64(float64(float32(0.1))), "Float"},
	{"Float infinity", float32(math.Inf(1)), telemetry.Float64(math.Inf(1)), "Float"},
	{"Double", math.Inf(-1), telemetry.Float64(math.Inf(-1)), "Double"},
	{"String", "Füllstand", telemetry.String("Füllstand"), "String"},
	{"empty String", "", telemetry.String(""), "String"},
	{"DateTime", time.Date(2026, 3, 1, 12, 0, 0, 123456700, time.UTC), telemetry.String("2026-03-01T12:00:00.1234567Z"), "DateTime"},
	{"Guid", ua.NewGUID("72962B91-FA75-4AE6-8D28-B404DC7DAF63"), telemetry.String("72962B91-FA75-4AE6-8D28-B404DC7DAF63"), "Guid"},
	{"ByteString", []byte{0xDE, 0xAD}, telemetry.String("dead"), "ByteString"},
	{"XmlElement", ua.XMLElement("<a/>"), telemetry.String("<a/>"), "XmlElement"},
	{"StatusCode", ua.StatusBadTimeout, telemetry.Uint64(0x800A0000), "StatusCode"},
	{"LocalizedText", ua.NewLocalizedText("läuft"), telemetry.String("läuft"), "LocalizedText"},
	{"QualifiedName", &ua.QualifiedName{NamespaceIndex: 1, Name: "Boiler"}, telemetry.String("Boiler"), ""},
	{"NodeId", ua.NewStringNodeID(2, "x"), telemetry.String("ns=2;s=x"), ""},
	{"ExpandedNodeId", ua.NewStringExpandedNodeID(2, "x"), telemetry.String("ns=2;s=x"), ""},
}

// overWire sends a value through the library's encoding and back.
func overWire(t *testing.T, value any) *ua.DataValue {
	t.Helper()
	variant, err := ua.NewVariant(value)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := (&ua.DataValue{EncodingMask: ua.DataValueValue, Value: variant}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	dv := &ua.DataValue{}
	if _, err := dv.Decode(raw); err != nil {
		t.Fatal(err)
	}
	return dv
}

func TestEveryScalarTypeBecomesAValueAndBack(t *testing.T) {
	for _, c := range scalars {
		got := sample(1, overWire(t, c.wire), wholeValue, time.Now())
		if got.Value != c.want || got.Quality != telemetry.Good {
			t.Errorf("%s: %v %s, %s; want %v", c.name, got.Value.Kind(), got.Value, got.Quality, c.want)
		}
		if c.write == "" {
			continue
		}
		var kind Type
		if err := kind.UnmarshalText([]byte(c.write)); err != nil {
			t.Fatal(err)
		}
		back, err := encode(c.want, kind)
		if err != nil {
			t.Errorf("%s can't be written: %v", c.name, err)
			continue
		}
		if again := sample(1, overWire(t, back), wholeValue, time.Now()); again.Value != c.want {
			t.Errorf("%s written as %s comes back as %v", c.name, kind, again.Value)
		}
	}
}

func TestWhatIsNoScalarIsBadWithTheReason(t *testing.T) {
	for name, c := range map[string]struct {
		wire  any
		index int
		want  telemetry.Quality
	}{
		"an array without an index":   {[]int16{1, 2}, wholeValue, telemetry.BadTypeMismatch},
		"a scalar with an index":      {int16(1), 0, telemetry.BadTypeMismatch},
		"an element that isn't there": {[]int16{1, 2}, 2, telemetry.Quality(ua.StatusBadIndexRangeNoData)},
		"a matrix":                    {[][]int16{{1}, {2}}, 0, telemetry.BadTypeMismatch},
		"a structure":                 {ua.NewExtensionObject(nil), wholeValue, telemetry.BadTypeMismatch},
		"nothing":                     {nil, wholeValue, telemetry.BadWaitingForData},
	} {
		if got := sample(1, overWire(t, c.wire), c.index, time.Now()); got.Quality != c.want || !got.Value.IsNone() {
			t.Errorf("%s: %v (%s), want %s", name, got.Value, got.Quality, c.want)
		}
	}
	for wire, want := range map[any]telemetry.Value{&[]float64{1, 2.5}: telemetry.Float64(2.5), &[]string{"a", "b"}: telemetry.String("b"), &ua.ByteArray{1, 2}: telemetry.Uint64(2)} {
		var list any
		switch x := wire.(type) {
		case *[]float64:
			list = *x
		case *[]string:
			list = *x
		case *ua.ByteArray:
			list = *x
		}
		if got := sample(1, overWire(t, list), 1, time.Now()); got.Value != want {
			t.Errorf("element 1 of %v is %v", list, got)
		}
	}
}

func TestStatusAndTimesAreKept(t *testing.T) {
	now := time.Now()
	source, server := now.Add(-time.Hour), now.Add(-time.Minute)
	five := ua.MustVariant(int32(5))
	for name, c := range map[string]struct {
		dv   ua.DataValue
		want telemetry.Sample
	}{
		"source time": {ua.DataValue{EncodingMask: 0x0F, Value: five, Status: 0x40930000, SourceTimestamp: source, ServerTimestamp: server},
			telemetry.Sample{Quality: 0x40930000, Time: source.UnixNano(), Value: telemetry.Int64(5), Sourced: true}},
		"server time": {ua.DataValue{EncodingMask: 0x09, Value: five, ServerTimestamp: server}, telemetry.Sample{Time: server.UnixNano(), Value: telemetry.Int64(5), Sourced: true}},
		"no time":     {ua.DataValue{EncodingMask: 0x0D, Value: five}, telemetry.Sample{Time: now.UnixNano(), Value: telemetry.Int64(5)}},
		"info bits":   {ua.DataValue{EncodingMask: 0x03, Value: five, Status: 0x00000480}, telemetry.Sample{Quality: 0x480, Time: now.UnixNano(), Value: telemetry.Int64(5)}},
		"bad":         {ua.DataValue{EncodingMask: 0x03, Value: five, Status: 0x808C0000}, telemetry.Sample{Quality: telemetry.BadSensorFailure, Time: now.UnixNano()}},
	} {
		if got := sample(0, &c.dv, wholeValue, now); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestWhatDoesNotFitIsNotWritten(t *testing.T) {
	for _, c := range []struct {
		value telemetry.Value
		kind  string
	}{
		{telemetry.Value{}, "Double"}, {telemetry.Int64(2), "Boolean"}, {telemetry.Int64(128), "SByte"}, {telemetry.Int64(-1), "Byte"},
		{telemetry.Float64(1.5), "Int32"}, {telemetry.Float64(math.NaN()), "Int32"}, {telemetry.Float64(1e300), "Int64"}, {telemetry.Uint64(1 << 63), "Int64"},
		{telemetry.Float64(1e300), "Float"}, {telemetry.String("5"), "Int16"}, {telemetry.Int64(5), "String"}, {telemetry.String("gestern"), "DateTime"},
		{telemetry.String("xyz"), "ByteString"}, {telemetry.String("1"), "Guid"},
	} {
		var kind Type
		if err := kind.UnmarshalText([]byte(c.kind)); err != nil {
			t.Fatal(err)
		}
		if got, err := encode(c.value, kind); err == nil {
			t.Errorf("%v %v as %s became %v", c.value.Kind(), c.value, kind, got)
		}
	}
	var kind Type
	if err := kind.UnmarshalText([]byte("decimal")); err == nil {
		t.Error("decimal is no type of OPC UA")
	}
}

func TestTypesKnowTheirNames(t *testing.T) {
	for name := range typeNames {
		var kind, again Type
		if err := kind.UnmarshalText([]byte(name)); err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalText([]byte(kind.String())); err != nil || again != kind {
			t.Errorf("%s is %s, which is %s, %v", name, kind, again, err)
		}
	}
}

// FuzzSample: whatever the library makes of a server's bytes, a sample comes of it. The library's own
// panics are its own (see Limits in the README) and are left out here.
func FuzzSample(f *testing.F) {
	for _, c := range scalars {
		variant, err := ua.NewVariant(c.wire)
		if err != nil {
			f.Fatal(err)
		}
		raw, err := (&ua.DataValue{EncodingMask: ua.DataValueValue, Value: variant}).Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, -1)
	}
	f.Add([]byte{1, 0x8c, 0x30, 0x30, 0x30, 0xff}, 0) // the library panics on these
	f.Fuzz(func(t *testing.T, raw []byte, index int) {
		dv := libraryDecode(raw)
		if dv == nil || index < wholeValue {
			return
		}
		if s := sample(1, dv, index, time.Unix(1, 0)); s.Quality.IsBad() && !s.Value.IsNone() {
			t.Fatalf("bad with a value: %v", s)
		}
	})
}

func libraryDecode(raw []byte) (dv *ua.DataValue) {
	defer func() {
		if recover() != nil {
			dv = nil
		}
	}()
	dv = &ua.DataValue{}
	if _, err := dv.Decode(raw); err != nil || dv.Value == nil {
		return nil
	}
	return dv
}
