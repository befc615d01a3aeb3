package modbus

import (
	"testing"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// TestWhatARegisterHolds: the number nearest to the one written that type and scale can express, or an error.
func TestWhatARegisterHolds(t *testing.T) {
	tenths := &Point{At: Address{Table: Holding}, Type: Int16, Scale: 0.1, Bit: noBit}
	for v, want := range map[float64]string{20.54: "20.5", -20.55: "-20.6", 3276.7: "3276.7", 3276.8: "error"} {
		got, err := tenths.Hold(telemetry.Float64(v))
		if err != nil {
			got = telemetry.String("error")
		}
		if got.String() != want {
			t.Errorf("%v is held as %v (%v), want %s", v, got, err, want)
		}
	}
	sentinel := &Point{At: Address{Table: Holding}, Type: Int16, Scale: 1, Bit: noBit}
	if err := sentinel.Invalid.UnmarshalText([]byte("-32768")); err != nil {
		t.Fatal(err)
	}
	if got, err := sentinel.Hold(telemetry.Int64(-32768)); err == nil {
		t.Errorf("the number that means no reading is held as %v", got)
	}
}
