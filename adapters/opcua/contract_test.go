package opcua_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/adaptertest"
	"github.com/penstock-edge/penstock/adapters/isolate"
	"github.com/penstock-edge/penstock/adapters/opcua"
	"github.com/penstock-edge/penstock/adapters/opcua/opcuasim"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestContract(t *testing.T) {
	holdToContract(t, func(c *opcua.Connection) adapters.Connection { return c })
}

// The same laws hold for an adapter that runs in a process of its own, as it does in the gateway.
func TestContractApart(t *testing.T) {
	holdToContract(t, func(c *opcua.Connection) adapters.Connection { return isolate.Kind(opcua.Kind()).Wrap(c) })
}

func holdToContract(t *testing.T, wrap func(*opcua.Connection) adapters.Connection) {
	t.Helper()
	sim, _ := startSim(t, opcuasim.Options{})
	var rigs atomic.Int64
	adaptertest.Run(t, adaptertest.Suite{
		Kind: opcua.Kind(),
		Start: func(tb testing.TB) adaptertest.Rig {
			return plantRig(tb.(*testing.T), sim, fmt.Sprintf("rig%d.", rigs.Add(1)), wrap)
		},
		Mistakes: []adaptertest.Mistake{
			{Settings: &opcua.Connection{URL: "http://plc", Security: "Rot13", Publish: time.Second, Timeout: time.Second}, Keys: []string{"opcua", "security", "watch"}},
			{Settings: &opcua.Spec{At: "Temperature", Sample: -1, Queue: -1, Index: -2}, Keys: []string{"at", "sample", "queue", "index"}},
		},
		Without: map[string]string{
			"a silent device is bad with the reason, and no loss": "in OPC UA the server is the connection: one that is silent is lost",
			"a point that goes silent is bad once":                "a server without news sends keep-alives; one that does not is lost",
		},
	})
}

// plantRig gives every law variables and a network of its own.
func plantRig(t *testing.T, sim *opcuasim.Server, prefix string, wrap func(*opcua.Connection) adapters.Connection) adaptertest.Rig {
	level, state, setpoint := prefix+"Level", prefix+"State", prefix+"Setpoint"
	now := time.Now()
	sim.Set(level, 12.5, telemetry.Good, now)
	sim.Set(state, "running", telemetry.Good, now)
	sim.Set(setpoint, int16(40), telemetry.Good, now)
	sim.AllowWrite(setpoint)
	p := startProxy(t, sim.Endpoint())
	c := settings(p.endpoint())
	c.Timeout = time.Second
	target := point(3, opcuasim.NodeID(setpoint))
	return adaptertest.Rig{
		Connection: wrap(c),
		Points: []adaptertest.Expect{
			{Point: point(1, opcuasim.NodeID(level)), Want: telemetry.Float64(12.5)},
			{Point: point(2, opcuasim.NodeID(state), sampled(10*time.Millisecond)), Want: telemetry.String("running")},
			{Point: target, Want: telemetry.Int64(40)},
		},
		Writes:  []adaptertest.Expect{{Point: target, Want: telemetry.Int64(55)}},
		Silence: p.silence, Speak: p.speak, Cut: p.cut, Restore: p.restore, Received: p.sent.Load,
	}
}
