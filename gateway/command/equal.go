package command

import (
	"math"
	"strings"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// same reports whether a point that was to hold a value reads it: within the tolerance, or without one as closely as a 32-bit float
// tells two numbers apart. Whole numbers are equal or not. Text is compared without the NULs and blanks that fill it up.
func same(held telemetry.Value, reads telemetry.Sample, tolerance float64) bool {
	if reads.Quality.IsBad() || reads.Value.IsNone() || held.IsNone() {
		return false
	}
	if held.Kind() == telemetry.KindString || reads.Value.Kind() == telemetry.KindString {
		return held.Kind() == reads.Value.Kind() && unpadded(held.Text()) == unpadded(reads.Value.Text())
	}
	a, _ := held.Float()
	b, _ := reads.Value.Float()
	if tolerance > 0 && math.Abs(a-b) <= tolerance*(1+1e-9) {
		return true
	}
	if held.Kind() != telemetry.KindFloat64 && reads.Value.Kind() != telemetry.KindFloat64 {
		return a == b && held.Bits() == reads.Value.Bits() // a == b tells -1 from 2^64-1, the bits tell 2^53 from 2^53+1
	}
	return a == b || math.Abs(a-b) <= math.Max(math.Abs(a), math.Abs(b))*singlePrecision
}

// singlePrecision is two steps of a 32-bit float, relative: one for the register, one for its scale.
const singlePrecision = 1.0 / (1 << 22)

func unpadded(s string) string { return strings.TrimRight(s, "\x00 ") }
