package modbus_test

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/adapters/modbus/modbussim"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// inverter is the registers of a SunSpec device, written by hand from the models' tables: where a value stands is not taken from the code under test.
type inverter struct {
	t     *testing.T
	unit  *modbussim.Unit
	base  int
	next  int // where the next model goes
	model int // where the present one begins
}

func newInverter(t *testing.T, u *modbussim.Unit, base int) *inverter {
	i := &inverter{t: t, unit: u, base: base, next: base + 2}
	i.put(base, 'S'<<8|'u', 'n'<<8|'S')
	return i
}

func (i *inverter) put(at int, cells ...uint16) {
	i.t.Helper()
	if err := i.unit.Put(modbus.Address{Table: modbus.Holding, Number: uint16(at)}, cells...); err != nil {
		i.t.Fatal(err)
	}
}

// begin puts a model's head; what is not put after it is not implemented.
func (i *inverter) begin(id uint16, length int) {
	i.model = i.next
	i.put(i.model, id, uint16(length))
	for n := range length {
		i.put(i.model+2+n, 0xFFFF)
	}
	i.next += 2 + length
	i.put(i.next, 0xFFFF, 0)
}

func (i *inverter) text(offset int, text string, size int) {
	raw := append([]byte(text), make([]byte, 2*size-len(text))...)
	i.put(i.model+offset, registers(string(raw))...)
}

// at puts values at offsets from the model's id register.
func (i *inverter) at(offset int, cells ...uint16) { i.put(i.model+offset, cells...) }

func minus(n int) uint16 { return uint16(-n) }

// threePhase has model 1, model 103 and, with two inputs, model 160.
func threePhase(t *testing.T, u *modbussim.Unit, base int) *inverter {
	i := newInverter(t, u, base)
	i.begin(1, 66)
	i.text(2, "Fronius", 16)
	i.text(18, "Symo 8.2", 16)
	i.text(50, "31420815", 16)
	i.begin(103, 50)
	i.at(2, 1234)              // A
	i.at(6, minus(2))          // A_SF
	i.at(10, 2301, 2302, 2303) // PhVphA..C
	i.at(13, minus(1))         // V_SF
	i.at(14, 812, 1)           // W, W_SF: 8120
	i.at(16, 4998, minus(2))   // Hz
	i.at(24, 1, 0x86A0, 0)     // WH = 100000
	i.at(33, 0x8000)           // TmpCab is not implemented,
	i.at(37, minus(1))         // though its scale factor is
	i.at(38, 4)                // St
	i.at(20, 100, 0x8000)      // VAr has a value and no scale factor
	i.begin(64110, 8)          // a maker's own
	i.begin(160, 8+2*20)
	i.at(2, minus(2), minus(1), 0, 0) // DCA_SF, DCV_SF, DCW_SF, DCWH_SF
	i.at(8, 2)                        // N
	i.at(10+9, 950, 6150, 5842)       // DCA, DCV, DCW of input 1
	i.at(10+20+9, 310, 5001, 1550)    // and of input 2
	return i
}

func sunDevice(c *modbus.Connection, models ...int) *modbus.Device {
	return device(c, 1, func(d *modbus.Device) { d.Models = models })
}

// listed is the device's own points.
func listed(d *modbus.Device) (all []adapters.Point) {
	list, _ := d.List()
	for i, name := range slices.Sorted(maps.Keys(list)) {
		all = append(all, adapters.Point{ID: telemetry.PointID(i), Device: "pv", Name: name, Spec: list[name]})
	}
	return all
}

func values(t *testing.T, a adapters.Adapter, all []adapters.Point) map[string]telemetry.Sample {
	t.Helper()
	got, err := read(t, prepare(t, a, all), len(all))
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]telemetry.Sample{}
	for i, p := range all {
		byName[p.Name] = got[i]
	}
	return byName
}

func TestSunSpecIsFoundAndWalked(t *testing.T) {
	for _, base := range []int{40000, 50000, 0} {
		p := newPlant(t, modbus.TCP)
		threePhase(t, p.sim.Add(1, 0x10000), base)
		d := sunDevice(p.connection(), 1, 103, 160)
		a := p.open()
		got := values(t, a, listed(d))
		for name, want := range map[string]telemetry.Value{
			"common_Mn": telemetry.String("Fronius"), "common_Md": telemetry.String("Symo 8.2"), "common_SN": telemetry.String("31420815"),
			"inverter_A": telemetry.Float64(12.34), "inverter_PhVphB": telemetry.Float64(230.2), "inverter_W": telemetry.Float64(8120),
			"inverter_Hz": telemetry.Float64(49.98), "inverter_WH": telemetry.Float64(100000), "inverter_St": telemetry.Uint64(4),
			"mppt_N": telemetry.Uint64(2), "mppt_1_DCA": telemetry.Float64(9.5), "mppt_1_DCV": telemetry.Float64(615), "mppt_2_DCW": telemetry.Float64(1550), "mppt_2_DCV": telemetry.Float64(500.1),
		} {
			if s := got[name]; s.Value != want || s.Quality != telemetry.Good || s.Time == 0 {
				t.Errorf("base %d: %s is %v %s; want %v", base, name, s.Value, s.Quality, want)
			}
		}
		for _, name := range []string{"inverter_TmpCab", "inverter_AphB", "inverter_VAr", "inverter_DCA"} {
			if s := got[name]; s.Quality != telemetry.BadSensorFailure || !s.Value.IsNone() {
				t.Errorf("base %d: %s is not implemented, and is %v %s", base, name, s.Value, s.Quality)
			}
		}
		if _, there := got["inverter_A_SF"]; there {
			t.Error("a scale factor is no point of its own")
		}
		plan, err := d.Plan(listed(d), a.(adapters.Learner).Lessons()["pv"])
		if err != nil || !strings.Contains(strings.Join(plan.Facts, "\n"), "its SunSpec models are [1 103 64110 160]") {
			t.Errorf("explained: %v, %v", plan.Facts, err)
		}
	}
}

// Which model of a family a device has, by phases and kind of number, need not be known.
func TestSunSpecFamilies(t *testing.T) {
	p := newPlant(t, modbus.TCP)
	i := newInverter(t, p.sim.Add(1, 0x10000), 40000)
	i.begin(1, 65) // without the pad, as the first version had it
	i.text(2, "SolarEdge", 16)
	i.begin(111, 60)
	bits := math.Float32bits(230.5)
	i.at(2+2*7, uint16(bits>>16), uint16(bits)) // PhVphA
	i.begin(203, 105)
	i.at(18, minus(731)) // W
	i.at(22, 1)          // W_SF
	i.at(38, 0, 5000)    // TotWhExp
	i.at(54, 2)          // TotWh_SF
	d := sunDevice(p.connection(), 1, 103, 201, 802)
	got := values(t, p.open(), listed(d))
	for name, want := range map[string]telemetry.Value{
		"common_Mn": telemetry.String("SolarEdge"), "inverter_PhVphA": telemetry.Float64(230.5), "meter_W": telemetry.Float64(-7310), "meter_TotWhExp": telemetry.Float64(500000),
	} {
		if s := got[name]; s.Value != want || s.Quality != telemetry.Good {
			t.Errorf("%s is %v %s; want %v", name, s.Value, s.Quality, want)
		}
	}
	if s := got["battery_SoC"]; s.Quality != telemetry.BadNodeUnknown {
		t.Errorf("a model that is not there: %v %s", s.Value, s.Quality)
	}
}

func TestSunSpecIsWrittenThroughItsScale(t *testing.T) {
	p := newPlant(t, modbus.TCP)
	u := p.sim.Add(1, 0x10000)
	i := newInverter(t, u, 40000)
	i.begin(1, 66)
	i.begin(123, 24)
	i.at(23, minus(2)) // WMaxLimPct_SF
	d := sunDevice(p.connection())
	limit := spec(t, d, "sunspec:123.WMaxLimPct")
	if err := write(p.open(), limit, telemetry.Float64(62.5)); err != nil {
		t.Fatal(err)
	}
	if cells, _ := u.Cells(modbus.Address{Table: modbus.Holding, Number: uint16(i.model + 5)}, 1); cells[0] != 6250 {
		t.Errorf("62.5 %% was written as %d at a scale of -2", cells[0])
	}
	if err := spec(t, d, "sunspec:103.W").Writable(); err == nil || !strings.Contains(err.Error(), "sunspec:103.W is read only") {
		t.Errorf("%v", err)
	}
}

func TestADeviceWithoutSunSpecSaysSo(t *testing.T) {
	p := newPlant(t, modbus.TCP)
	put(t, p.sim.Add(1, 0x10000), "hr:7", 7)
	d := sunDevice(p.connection(), 103)
	all := append(listed(d), adapters.Point{ID: 999, Device: "pv", Name: "own", Spec: spec(t, d, "hr:7")})
	for i := range all {
		all[i].ID = telemetry.PointID(i)
	}
	got := values(t, p.open(), all)
	if got["own"].Value != telemetry.Uint64(7) || got["inverter_W"].Quality != telemetry.BadNodeUnknown {
		t.Errorf("its own point is %v, inverter_W %v", got["own"], got["inverter_W"])
	}
}

func TestSunSpecMistakes(t *testing.T) {
	for at, want := range map[string]string{
		"sunspec:103.Watts": `SunSpec model 103 has no point "Watts"`, "sunspec:999.W": `SunSpec model "999" is not known here`, "sunspec:103": "names no point", "sunspec:160.0.DCW": "count from 1",
	} {
		if _, err := modbus.ParseAddress(at); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", at, err, want)
		}
	}
	scaled := point(scaled(0.1, 0))
	if err := scaled.At.UnmarshalText([]byte("sunspec:103.W")); err != nil {
		t.Fatal(err)
	}
	if err := scaled.Validate(); err == nil || !strings.Contains(err.Error(), "scale: sunspec:103.W has no scale of its own (leave it out: the SunSpec model says it)") {
		t.Errorf("%v", err)
	}
	d := (&modbus.Connection{Modbus: modbus.TCP}).NewDevice().(*modbus.Device)
	d.Models = []int{103, 999}
	if err := d.Validate(); err == nil || !strings.Contains(err.Error(), "models: SunSpec model 999 is not known here") {
		t.Errorf("%v", err)
	}
}
