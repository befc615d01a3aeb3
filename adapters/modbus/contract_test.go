package modbus_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/adaptertest"
	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestMain(m *testing.M) {
	serveForBenchmark()
	goleak.VerifyTestMain(m)
}

func TestContract(t *testing.T) {
	for _, mode := range modes {
		t.Run(string(mode), func(t *testing.T) {
			var without map[string]string
			if mode == modbus.RTUOverUDP {
				without = map[string]string{"open says when nobody is there": "a datagram is sent to nobody as well as to somebody: the first reading tells"}
			}
			adaptertest.Run(t, adaptertest.Suite{
				Without: without,
				Kind:    modbus.Kind(),
				Start:   func(t testing.TB) adaptertest.Rig { return rig(t, mode) },
				Mistakes: []adaptertest.Mistake{
					{Settings: &modbus.Connection{Modbus: modbus.TCP, Timeout: -1, Port: "/dev/ttyS0"}, Keys: []string{"address", "timeout", "port"}},
					{Settings: &modbus.Connection{Modbus: modbus.RTU, Address: "plc", Retries: 99}, Keys: []string{"address", "port", "retries"}},
					{Settings: &modbus.Device{Unit: 300, MaxBlock: 126, Gap: -2}, Keys: []string{"unit", "max_block", "gap"}},
					{Settings: &modbus.Point{At: modbus.Address{Table: modbus.Coil}, Type: modbus.Float32, Scale: 0.1, Bit: -1}, Keys: []string{"type", "scale"}},
				},
			})
		})
	}
}

// rig has points of every table.
func rig(t testing.TB, mode modbus.Mode) adaptertest.Rig {
	p := newPlant(t, mode)
	u := p.sim.Add(3, 1000)
	c := p.connection()
	d := device(c, 3, func(d *modbus.Device) { d.Order = "CDAB" })
	r := adaptertest.Rig{Connection: c, Silence: func() { u.Silent(true) }, Speak: func() { u.Silent(false) }, Cut: p.cut, Restore: p.restore, Received: u.Requests}
	id := telemetry.PointID(0)
	expect := func(s *modbus.Point, v telemetry.Value) adaptertest.Expect {
		if err := u.Set(s, v); err != nil {
			t.Fatal(err)
		}
		id++
		return adaptertest.Expect{Point: adapters.Point{ID: id, Device: "press", Name: s.String(), Spec: s}, Want: v}
	}
	scaled := func(p *modbus.Point) { p.Type, p.Scale = modbus.Int16, 0.1 }
	r.Points = []adaptertest.Expect{
		expect(spec(t, d, "hr:100", scaled), telemetry.Float64(21.5)),
		expect(spec(t, d, "hr:102", typed(modbus.Float32)), telemetry.Float64(12.25)),
		expect(spec(t, d, "40105", typed(modbus.Uint32)), telemetry.Uint64(4_000_000_000)),
		expect(spec(t, d, "hr:200", text(16)), telemetry.String("recipe 7")),
		expect(spec(t, d, "ir:5", typed(modbus.Int64)), telemetry.Int64(-5)),
		expect(spec(t, d, "di:0"), telemetry.Bool(true)),
		expect(spec(t, d, "co:16"), telemetry.Bool(false)),
	}
	for i, v := range map[int]telemetry.Value{0: telemetry.Float64(-3.7), 1: telemetry.Float64(0.5), 2: telemetry.Uint64(7), 3: telemetry.String(""), 6: telemetry.Bool(true)} {
		r.Writes = append(r.Writes, adaptertest.Expect{Point: r.Points[i].Point, Want: v})
	}
	return r
}
