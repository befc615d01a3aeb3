package serial

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/adaptertest"
	"github.com/penstock-edge/penstock/adapters/serial/serialsim"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func toledo() *Device {
	d := (&Connection{}).NewDevice().(*Device)
	d.Frame = Frame{Start: "\x02", Length: 18, Checksum: "sum7-2c"}
	d.Match = `^\x02(?P<swa>.)(?P<swb>.)(?P<swc>.)(?P<gross>[ \d]{6})(?P<tare>[ \d]{6})\r`
	return d
}

func lines(match string) *Device {
	d := (&Connection{}).NewDevice().(*Device)
	d.Frame = Frame{End: "\r\n"}
	d.Match = match
	return d
}

// point is a point of a device, with its settings changed as set says.
func point(id telemetry.PointID, d *Device, at string, set ...func(*Spec)) adapters.Point {
	spec := d.NewPoint().(*Spec)
	spec.At = at
	for _, change := range set {
		change(spec)
	}
	return adapters.Point{ID: id, Device: "device", Name: at, Spec: spec}
}

func scaled(by float64) func(*Spec)   { return func(s *Spec) { s.Scale = by } }
func bit(n int) func(*Spec)           { return func(s *Spec) { s.Bit = n } }
func typed(name string) func(*Spec)   { return func(s *Spec) { s.Type = name } }
func signedBy(bit string) func(*Spec) { return func(s *Spec) { s.Negative = bit } }

// line is a simulated line with a name that stays when it is unplugged.
func line(t testing.TB) *serialsim.Line {
	t.Helper()
	l, err := serialsim.Open(filepath.Join(t.TempDir(), "ttyUSB0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// run runs a simulator until the test ends.
func run(t testing.TB, sim interface{ Run(context.Context) error }) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sim.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the simulator: %v", err)
		}
	})
}

func connect(l *serialsim.Line) *Connection {
	c := Kind().New().(*Connection)
	c.Port = l.Path()
	return c
}

// troubles are the hands of a rig.
func troubles(t testing.TB, l *serialsim.Line, rig adaptertest.Rig) adaptertest.Rig {
	must := func(err error) {
		if err != nil {
			t.Errorf("%v", err)
		}
	}
	rig.Connection = connect(l)
	rig.Silence = func() { l.Silence(true) }
	rig.Speak = func() { l.Silence(false) }
	rig.Cut = func() { must(l.Unplug()) }
	rig.Restore = func() { must(l.Replug()) }
	rig.Received = l.Received
	return rig
}

func talking(t testing.TB) adaptertest.Rig {
	l := line(t)
	scale := &serialsim.Scale{Line: l, Every: 20 * time.Millisecond}
	scale.Set(serialsim.Weight{Gross: -12345, Tare: 250, Decimals: 1, Motion: true})
	run(t, scale)
	d := toledo()
	d.StaleAfter = time.Second
	return troubles(t, l, adaptertest.Rig{Points: []adaptertest.Expect{
		{Point: point(0, d, "gross", scaled(0.1), signedBy("swb.1")), Want: telemetry.Float64(-1234.5)},
		{Point: point(1, d, "tare", typed("int64")), Want: telemetry.Int64(250)},
		{Point: point(2, d, "swb", bit(3)), Want: telemetry.Bool(true)},
	}})
}

func asked(t testing.TB) adaptertest.Rig {
	l := line(t)
	sim := &serialsim.Asked{Line: l}
	sim.Set("READ\r\n", "S S -  12,5 kg\r\n")
	run(t, sim)
	d := lines(`^(?P<status>[SU]) S (?P<net>[-+ \d,]+) (?P<unit>\w+)$`)
	d.Send = "READ\r\n"
	return troubles(t, l, adaptertest.Rig{Points: []adaptertest.Expect{
		{Point: point(0, d, "net"), Want: telemetry.Float64(-12.5)},
		{Point: point(1, d, "unit", typed("string")), Want: telemetry.String("kg")},
	}})
}

var wrongSettings = []adaptertest.Mistake{
	{Settings: &Connection{Port: "COM1", Line: Line{Baud: 9601, Bits: 8, Parity: 'N', Stop: 1}}, Keys: []string{"serial", "line"}},
	{
		Settings: &Device{Frame: Frame{Length: 2000, Checksum: "crc"}, Send: "€", Match: "(", MaxFrame: 1024},
		Keys:     []string{"frame.start", "frame.length", "frame.checksum", "send", "match", "timeout", "stale_after"},
	},
	{
		Settings: &Spec{At: "weight", Type: "float", Bit: 9, Negative: "swb", device: toledo()},
		Keys:     []string{"at", "type", "bit", "scale", "negative"},
	},
}

func TestATalkingDeviceKeepsTheContract(t *testing.T) {
	adaptertest.Run(t, adaptertest.Suite{Kind: Kind(), Start: talking, Mistakes: wrongSettings})
}

func TestAnAskedDeviceKeepsTheContract(t *testing.T) {
	adaptertest.Run(t, adaptertest.Suite{Kind: Kind(), Start: asked, Mistakes: wrongSettings})
}
