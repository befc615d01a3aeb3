package serial

import (
	"math"
	"testing"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

var none = telemetry.Value{}

func TestTextBecomesNumbers(t *testing.T) {
	for _, c := range []struct {
		typ, text string
		want      telemetry.Value
	}{
		{"", "12.5", telemetry.Float64(12.5)},
		{"", "  12,5 ", telemetry.Float64(12.5)},
		{"", "-  12.5", telemetry.Float64(-12.5)},
		{"", "+00123.4", telemetry.Float64(123.4)},
		{"", "1e3", telemetry.Float64(1000)},
		{"", "-0", telemetry.Float64(math.Copysign(0, -1))},
		{"", "", none}, {"", "      ", none}, {"", "-", none}, {"", "--1", none}, {"", "- -1", none}, {"", "1 2", none}, {"", "1.234,5", none},
		{"", "1,234,567", none}, {"", "0x10", none}, {"", "inf", none}, {"", "NaN", none}, {"", "1_0", none}, {"", "1e999", none}, {"", "OL", none}, {"", "١", none},
		{"int64", "- 9223372036854775808", telemetry.Int64(math.MinInt64)},
		{"int64", "000012", telemetry.Int64(12)},
		{"int64", "12.0", none}, {"int64", "9223372036854775808", none},
		{"uint64", "18446744073709551615", telemetry.Uint64(math.MaxUint64)},
		{"uint64", "-1", none},
		{"string", "  ST ", telemetry.String("ST")},
		{"bool", " 1", telemetry.Bool(true)}, {"bool", "OFF", telemetry.Bool(false)}, {"bool", "2", none},
	} {
		if got, err := decoders[c.typ](c.text); got != c.want && (err == nil || !c.want.IsNone()) || (err != nil) != c.want.IsNone() {
			t.Errorf("%q as %q is %s %v (%v); want %s %v", c.text, c.typ, got.Kind(), got, err, c.want.Kind(), c.want)
		}
	}
}

func TestScaleKeepsDecimals(t *testing.T) {
	for _, c := range []struct{ raw, factor, offset, want float64 }{
		{3, 0.1, 0, 0.3}, {1234567, 0.001, 0, 1234.567}, {7, 10, 0, 70}, {3, 0.25, 1, 1.75}, {3, -0.1, 0, -0.3}, {5, 0.7, 0, 5 * 0.7},
	} {
		if got, _ := scale(telemetry.Float64(c.raw), c.factor, c.offset).Float(); got != c.want {
			t.Errorf("%v * %v + %v = %v; want %v", c.raw, c.factor, c.offset, got, c.want)
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"-  12,5", "+1e9", "", "1,2.3", "- -"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, decode := range decoders {
			v, err := decode(text)
			if x, ok := v.Float(); err == nil && ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
				t.Fatalf("%q is %v", text, x)
			}
		}
	})
}
