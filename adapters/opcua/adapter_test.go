package opcua_test

import (
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters/opcua/opcuasim"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestReadKeepsValueStatusAndSourceTime(t *testing.T) {
	sim := shared
	at := time.Date(2026, 3, 1, 12, 0, 0, 123456700, time.UTC)
	sim.Set("Temperature", 21.5, telemetry.UncertainSensorNotAccurate, at)
	a := open(t, settings(sim.Endpoint()))
	got, err := read(t, a, point(7, opcuasim.NodeID("Temperature")), point(8, opcuasim.NodeID("Nowhere")))
	if err != nil {
		t.Fatal(err)
	}
	want := telemetry.Sample{Point: 7, Quality: telemetry.UncertainSensorNotAccurate, Time: at.UnixNano(), Value: telemetry.Float64(21.5), Sourced: true}
	if len(got) != 2 || got[0] != want {
		t.Errorf("read %v, want %v first", got, want)
	}
	if got[1].Quality != telemetry.BadNodeUnknown || !got[1].Value.IsNone() {
		t.Errorf("unknown node: %v", got[1])
	}
}

func TestSubscribedPointFollowsTheServer(t *testing.T) {
	sim := shared
	sim.Set("Level", int32(1), 0, time.Now())
	a := open(t, settings(sim.Endpoint()))
	got, stop, _ := subscribe(t, a, point(1, opcuasim.NodeID("Level"), sampled(10*time.Millisecond)))
	for _, v := range []int32{1, 2, 3} {
		sim.Set("Level", v, 0, time.Now())
		eventually(t, "the change", func() bool { return last(got.of(1)).Value == telemetry.Int64(int64(v)) })
	}
	if err := stop(); err != nil {
		t.Errorf("ended by its context, Subscribe says %v", err)
	}
}
