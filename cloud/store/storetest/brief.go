package storetest

import (
	"fmt"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// brief shows samples in a failed test: at most twenty, texts cut short.
func brief(samples []telemetry.Sample) (lines []string) {
	for i, s := range samples {
		if i == 20 {
			return append(lines, "...")
		}
		lines = append(lines, fmt.Sprintf("%d:%.20s(%s %s)", s.Time, s.Value, s.Value.Kind(), s.Quality))
	}
	return lines
}

func briefReadings(readings []reading) []string {
	samples := make([]telemetry.Sample, len(readings))
	for i, r := range readings {
		samples[i] = r.Sample
	}
	return brief(samples)
}
