package poll

import (
	"slices"
	"testing"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// What a connection asks the next for is what came after the last that the equipment said, not after what was said for want of anything.
func TestHeardIsWhatTheEquipmentSaid(t *testing.T) {
	var h heard
	h.note([]telemetry.Sample{{Point: 1, Time: 50}, {Point: 2, Time: 60, Quality: telemetry.BadSensorFailure}})
	h.note([]telemetry.Sample{{Point: 1, Time: 40}, {Point: 1, Time: 55}, {Point: 3, Time: 99, Quality: telemetry.BadWaitingForData}})
	got := h.since([]adapters.Point{{ID: 3}, {ID: 1}, {ID: 2}})
	if want := []int64{0, 55, 60}; !slices.Equal(got, want) {
		t.Errorf("last heard at %v, want %v", got, want)
	}
}
