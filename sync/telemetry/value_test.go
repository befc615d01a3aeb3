package telemetry

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestValuesReadAsAPersonWouldWriteThem(t *testing.T) {
	for _, c := range []struct {
		value        Value
		kind         Kind
		text, inJSON string
		number       float64
		isNumber     bool
	}{
		{Value{}, KindNone, "", "null", 0, false},
		{Bool(true), KindBool, "true", "true", 1, true},
		{Bool(false), KindBool, "false", "false", 0, true},
		{Int64(math.MinInt64), KindInt64, "-9223372036854775808", "-9223372036854775808", -1 << 63, true},
		{Uint64(math.MaxUint64), KindUint64, "18446744073709551615", "18446744073709551615", 1 << 64, true},
		{Float64(21.7), KindFloat64, "21.7", "21.7", 21.7, true},
		{Float64(math.Copysign(0, -1)), KindFloat64, "-0", "-0", 0, true},
		{Float64(1e300), KindFloat64, "1e+300", "1e+300", 1e300, true},
		{Float64(math.Inf(-1)), KindFloat64, "-Inf", `"-Inf"`, math.Inf(-1), true},
		{String("läuft \"1\""), KindString, "läuft \"1\"", `"läuft \"1\""`, 0, false},
		{String(""), KindString, "", `""`, 0, false},
	} {
		if c.value.Kind() != c.kind || c.value.String() != c.text {
			t.Errorf("%#v is %s %q, want %s %q", c.value, c.value.Kind(), c.value, c.kind, c.text)
		}
		if got, err := json.Marshal(c.value); err != nil || string(got) != c.inJSON {
			t.Errorf("%s as JSON is %s, %v; want %s", c.text, got, err, c.inJSON)
		}
		if f, ok := c.value.Float(); ok != c.isNumber || f != c.number {
			t.Errorf("%s as a number is %v, %v", c.text, f, ok)
		}
	}
}

func TestJSONGivesEveryFiniteFloatBack(t *testing.T) {
	for _, f := range []float64{0, math.Copysign(0, -1), 1, 0.1, 3 * 0.1, 1e21, 1e-7, 5e-324, math.MaxFloat64, 1<<53 + 1, math.Pi} {
		text, err := json.Marshal(Float64(f))
		if err != nil {
			t.Fatal(err)
		}
		var back float64
		if err := json.Unmarshal(text, &back); err != nil || math.Float64bits(back) != math.Float64bits(f) {
			t.Errorf("%v came back from %s as %v, %v", f, text, back, err)
		}
	}
	if text, err := json.Marshal(Float64(math.NaN())); err != nil || string(text) != `"NaN"` {
		t.Errorf("NaN is written as %s, %v", text, err)
	}
}

func TestEqualMeansEveryBit(t *testing.T) {
	quiet := math.Float64frombits(0x7FF8000000000001)
	for name, c := range map[string]struct {
		a, b Value
		want bool
	}{
		"a NaN and itself":       {Float64(quiet), Float64(quiet), true},
		"two NaNs":               {Float64(quiet), Float64(math.Float64frombits(math.Float64bits(quiet) + 1)), false},
		"0 and -0":               {Float64(0), Float64(math.Copysign(0, -1)), false},
		"1 and 1.0":              {Int64(1), Float64(1), false},
		"signed and unsigned":    {Int64(1), Uint64(1), false},
		"false and 0":            {Bool(false), Int64(0), false},
		"nothing and an empty":   {Value{}, String(""), false},
		"the same text":          {String("run"), String(strings.Clone("run")), true},
		"bits there and back":    {FromBits(KindFloat64, Float64(21.7).Bits()), Float64(21.7), true},
		"a boolean and its bits": {FromBits(KindBool, 1), Bool(true), true},
	} {
		if got := c.a == c.b; got != c.want {
			t.Errorf("%s: equal is %v", name, got)
		}
	}
}

func TestOtherKindsGiveNothing(t *testing.T) {
	if Int64(1).Bool() || Float64(1).Bool() || Int64(1).Text() != "" || String("x").Bits() != 0 || !(Value{}).IsNone() || Int64(0).IsNone() {
		t.Error("a value gives what it does not hold")
	}
	if got := Kind(9).String(); got != "kind(9)" {
		t.Errorf("an unknown kind is %q", got)
	}
}

func TestSameLooksAtValueAndQuality(t *testing.T) {
	s := Sample{Point: 1, Time: 5, Value: Int64(7)}
	later, other, doubtful := s, s, s
	later.Time, other.Value, doubtful.Quality = 6, Int64(8), Uncertain
	if !s.Same(later) || s.Same(other) || s.Same(doubtful) {
		t.Error("Same must look at value and quality and at nothing else")
	}
}

func TestNumbersAreShortForTheEye(t *testing.T) {
	for _, c := range []struct {
		value Value
		want  string
	}{
		{Float64(float64(float32(12.1))), "12.1"},
		{Float64(12.1), "12.1"},
		{Float64(12345678.5), "12345678.5"},
		{Float64(0.000125), "0.000125"},
		{Float64(0), "0"},
		{Float64(6.02e23), "6.02e+23"},
		{Float64(math.NaN()), "NaN"},
		{Int64(-7), "-7"},
		{String("A-117"), "A-117"},
	} {
		if got := c.value.Short(); got != c.want {
			t.Errorf("%#v is short for %q, want %q", c.value, got, c.want)
		}
	}
}

func TestJSONGivesTheValueBackAsAPersonReadsIt(t *testing.T) {
	for _, v := range []Value{{}, Bool(true), Bool(false), Int64(-7), Int64(math.MaxInt64), Uint64(math.MaxUint64), Float64(21.5), Float64(1e300), Float64(math.NaN()), Float64(3), String("A-117"), String(""), String("true"), String("12")} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var got Value
		if err := json.Unmarshal(text, &got); err != nil || got.String() != v.String() {
			t.Errorf("%v is written %s and read as %v, %v", v, text, got, err)
		}
	}
	for _, text := range []string{"{}", "[1]"} {
		var got Value
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s is read as %v", text, got)
		}
	}
}
