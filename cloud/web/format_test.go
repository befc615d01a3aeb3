package web

import (
	"encoding/json"
	"math"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// The script writes the same numbers the same way: cmd/penstock-cloud's browser test reads the same file.
func TestNumbersReadLikeNumbers(t *testing.T) {
	text, err := os.ReadFile("testdata/numbers.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Number float64
		Text   string
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		if got := number(c.Number); got != c.Text {
			t.Errorf("%v is written %q, want %q", c.Number, got, c.Text)
		}
	}
	for v, want := range map[float64]string{math.Inf(1): "Inf", math.Inf(-1): "-Inf", math.Copysign(0, -1): "0"} {
		if got := number(v); got != want {
			t.Errorf("%v is written %q, want %q", v, got, want)
		}
	}
}

func TestReadings(t *testing.T) {
	enum := map[int64]string{0: "stopped", 1: "on", 2: "running"}
	for _, c := range []struct {
		v           telemetry.Value
		text, label string
	}{
		{telemetry.Value{}, "–", ""},
		{telemetry.Uint64(math.MaxUint64), "18,446,744,073,709,551,615", ""},
		{telemetry.Int64(math.MinInt64), "-9,223,372,036,854,775,808", ""},
		{telemetry.Uint64(2), "2", "running"},
		{telemetry.Float64(2), "2", "running"},
		{telemetry.Float64(2.5), "2.5", ""},
		{telemetry.Bool(true), "true", "on"},
		{telemetry.String("2"), "2", ""},
	} {
		if text, label := reading(c.v, enum); text != c.text || label != c.label {
			t.Errorf("%v: %q %q, want %q %q", c.v, text, label, c.text, c.label)
		}
	}
}

func TestAges(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "now", 999 * time.Millisecond: "now", 59 * time.Second: "59 s", time.Minute: "1 min", 47 * time.Hour: "47 h", 48 * time.Hour: "2 d", 1000 * 24 * time.Hour: "1,000 d",
	} {
		if got := age(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestWindows(t *testing.T) {
	for query, want := range map[string]string{
		"": "15m", "range=6h": "6h", "range=what": "15m", "from=2026-01-01T00:00&to=2026-01-02T00:00": "custom", "from=1767225600000": "custom",
		"from=2026-01-02T00:00Z&to=2026-01-01T00:00Z": "15m", "from=9999999999999999999999": "15m", "from=-5": "15m",
	} {
		if got := windowOf(mustQuery(t, query), noon); got.Key != want || !got.From.Before(got.To) {
			t.Errorf("%s: %+v, want %s", query, got, want)
		}
	}
}

func mustQuery(t *testing.T, text string) url.Values {
	t.Helper()
	q, err := url.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}
