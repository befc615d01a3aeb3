package rule

import (
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// TestR11_AClockSetBackStallsNoWindow: a sample a second; the clock is 72 h ahead at first, and then is set right.
func TestR11_AClockSetBackStallsNoWindow(t *testing.T) {
	for _, sql := range stateful[:4] {
		s, err := Parse(sql)
		if err != nil {
			t.Fatal(err)
		}
		r := New(s, Options{})
		r.Bind([]Point{{"a/v", ""}})
		run := func(from time.Time) (rows int) {
			for i := range 30 {
				now := from.Add(time.Duration(i) * time.Second)
				emit := func(Row) { rows++ }
				if i%7 == 6 {
					continue // a pause ends a session
				}
				if err := r.Tick(now, emit); err != nil {
					t.Fatal(err)
				}
				if err := r.Sample(now, telemetry.Sample{Time: now.UnixNano(), Value: telemetry.Int64(1)}, emit); err != nil {
					t.Fatal(err)
				}
			}
			return rows
		}
		before := run(noon.Add(72 * time.Hour))
		after := run(noon)
		if before < 3 || after < before-1 || after > before+2 || r.Stats().Late != 0 {
			t.Errorf("%s\ngives %d rows before the clock is set back and %d after, and %d samples are late", sql, before, after, r.Stats().Late)
		}
		if again := run(noon.Add(72 * time.Hour)); again < before-1 || again > before+2 {
			t.Errorf("%s\ngives %d rows before and %d after the clock was set 72 h on", sql, before, again)
		}
	}
}
