package wire

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

var received = time.Date(2026, 11, 22, 20, 0, 0, 1, time.UTC)

func TestFieldsBecomeSamples(t *testing.T) {
	type fields map[string]telemetry.Value
	for payload, want := range map[string]fields{
		`{"temperature": 21.5, "on": true, "state":"run"}`: {"temperature": telemetry.Float64(21.5), "on": telemetry.Bool(true), "state": telemetry.String("run")},
		`{"n": 5, "neg": -5, "exp": 5e0, "whole": 5.0}`:    {"n": telemetry.Int64(5), "neg": telemetry.Int64(-5), "exp": telemetry.Float64(5), "whole": telemetry.Float64(5)},
		`{"most": 9223372036854775807, "more": 9223372036854775808, "all": 18446744073709551616}`: {
			"most": telemetry.Int64(math.MaxInt64), "more": telemetry.Uint64(1 << 63), "all": telemetry.Float64(1 << 64)},
		`{"motor": {"speed": 1500, "bearing": [40.5, {"t": 41}]}}`: {
			"motor.speed": telemetry.Int64(1500), "motor.bearing.0": telemetry.Float64(40.5), "motor.bearing.1.t": telemetry.Int64(41)},
		`{"a":{"b":{"c":{"d":{"e":{"f":1}}}}}}`:  {"a.b.c.d.e.f": telemetry.Int64(1)},
		`{"motor": {"ts": 5}, "°C": 1, "e": {}}`: {"motor.ts": telemetry.Int64(5), "°C": telemetry.Int64(1)},
		`{"off": null}`: {"off": {}},
	} {
		names, samples, err := ParseTelemetry([]byte(payload), received)
		if err != nil || len(samples) != len(want) || len(names) != len(want) {
			t.Errorf("%s: %v %v, %v", payload, names, samples, err)
			continue
		}
		for _, s := range samples {
			name := names[s.Point]
			if s.Value != want[name] || s.Time != received.UnixNano() || s.Quality.IsGood() == s.Value.IsNone() {
				t.Errorf("%s: %s is %+v", payload, name, s)
			}
		}
	}
}

func TestTimestampIsForAllFields(t *testing.T) {
	for payload, want := range map[string]int64{
		`{"ts": 1763841600123, "a": 1, "b": 2}`: 1763841600123e6,
		`{"a": 1, "ts": 1763841600123.25}`:      1763841600123250e3,
		`{"a": 1, "ts": 0}`:                     0,
		`{"a": 1, "ts": 9223372036854}`:         9223372036854e6,
	} {
		_, samples, err := ParseTelemetry([]byte(payload), received)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range samples {
			if s.Time != want {
				t.Errorf("%s: time %d, want %d", payload, s.Time, want)
			}
		}
	}
}

func TestBadPayloadsSayWhatIsWrong(t *testing.T) {
	many := make([]string, MaxFields+1)
	for i := range many {
		many[i] = fmt.Sprintf(`"f%d":1`, i)
	}
	for payload, want := range map[string]string{
		``: "not JSON", `{`: "not JSON", `{"a":1} x`: "not JSON", `{"a":01}`: "not JSON", "\xff": "not JSON",
		`5`: "not an object", `[1]`: "not an object", `null`: "not an object",
		`{}`: "no field with a value", `{"ts":5}`: "no field with a value", `{"a":{}}`: "no field with a value",
		`{"ts":"today","a":1}`: "milliseconds", `{"ts":-1,"a":1}`: "milliseconds", `{"ts":1e300,"a":1}`: "milliseconds",
		`{"a":1,"a":2}`: "twice", `{"a":{"b":1},"a.b":2}`: "twice",
		`{"":1}`: "no name", `{"a":{"":1}}`: "no name", `{"a\u0000":1}`: "control character",
		`{"a":1e999}`: "beyond a float64",
		`{"a":{"b":{"c":{"d":{"e":{"f":[1]}}}}}}`:                       "deep",
		strings.Repeat(`{"a":`, 5000) + `1` + strings.Repeat(`}`, 5000): "deep",
		`{"` + strings.Repeat("x", MaxName+1) + `":1}`:                  "255 are the most",
		`{"a":"` + strings.Repeat("x", MaxText+1) + `"}`:                "65536 are the most",
		`{"a":"` + strings.Repeat("x", MaxPayload) + `"}`:               "131072 are the most",
		`{` + strings.Join(many, ",") + `}`:                             "more than 1000 fields",
	} {
		if _, samples, err := ParseTelemetry([]byte(payload), received); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, error %v, want one with %q", payload, samples, err, want)
		}
	}
}

func FuzzParseTelemetry(f *testing.F) {
	f.Add([]byte(`{"ts": 1763841600123, "temperature": 21.5, "on": true, "state":"run", "a": {"b": [1, null]}}`))
	e, d := NewEncoder(Fastest), NewDecoder()
	f.Fuzz(func(t *testing.T, payload []byte) {
		names, samples, err := ParseTelemetry(payload, received)
		if err != nil {
			return
		}
		block, err := e.AppendBlock(nil, names, samples)
		if err != nil {
			t.Fatalf("what was parsed cannot be encoded: %v", err)
		}
		if got := decode(t, d, block); len(got) != len(samples) || !slices.Equal(names, slices.Compact(slices.Clone(names))) {
			t.Fatalf("%d points came out, want %d", len(got), len(samples))
		}
	})
}
