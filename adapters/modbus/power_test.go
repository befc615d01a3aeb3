package modbus_test

import (
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// referred makes the points know each other by their addresses.
func referred(t *testing.T, specs ...*modbus.Point) {
	t.Helper()
	for _, s := range specs {
		err := s.Refer(func(name string) (adapters.Spec, bool) {
			for _, of := range specs {
				if of.String() == name {
					return of, true
				}
			}
			return nil, false
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func from(power string) func(*modbus.Point) {
	return func(p *modbus.Point) { p.ScaleFrom = power }
}

// A power of ten in a register of its own counts in decimals, both ways, also when only its point is read.
func TestScaleFrom(t *testing.T) {
	p := newPlant(t, modbus.TCP)
	u := p.sim.Add(1, 100)
	d := device(p.connection(), 1)
	notThere := func(p *modbus.Point) { _ = p.Invalid.UnmarshalText([]byte("0x8000")) }
	watts, power := spec(t, d, "hr:10", typed(modbus.Int16), from("hr:14"), notThere), spec(t, d, "hr:14", typed(modbus.Int16), notThere)
	referred(t, watts, power)
	a := p.open()
	alone, both := prepare(t, a, points(watts)), prepare(t, a, points(power, watts))
	for _, c := range []struct {
		raw, power int16
		want       telemetry.Value
		quality    telemetry.Quality
	}{
		{2305, -1, telemetry.Float64(230.5), telemetry.Good}, {-7, -3, telemetry.Float64(-0.007), telemetry.Good}, {12, 2, telemetry.Float64(1200), telemetry.Good},
		{5, 0, telemetry.Float64(5), telemetry.Good}, {3, -10, telemetry.Float64(3e-10), telemetry.Good},
		{5, -32768, telemetry.Value{}, telemetry.BadSensorFailure}, {-32768, 0, telemetry.Value{}, telemetry.BadSensorFailure}, {5, 77, telemetry.Value{}, telemetry.BadConfiguration},
	} {
		put(t, u, "hr:10", uint16(c.raw))
		put(t, u, "hr:14", uint16(c.power))
		for i, r := range []adapters.Reader{alone, both} {
			got, err := read(t, r, i+1)
			if s := got[i]; err != nil || s.Value != c.want || s.Quality != c.quality {
				t.Errorf("%d * 10^%d is %v %s, %v; want %v %s", c.raw, c.power, s.Value, s.Quality, err, c.want, c.quality)
			}
		}
	}
	put(t, u, "hr:14", 0xFFFE) // -2
	if err := write(a, watts, telemetry.Float64(12.34)); err != nil {
		t.Error(err)
	}
	if cells, _ := u.Cells(watts.At, 1); cells[0] != 1234 {
		t.Errorf("12.34 was written as %d at a power of -2", cells[0])
	}
	if err := write(a, watts, telemetry.Float64(1000)); err == nil || !strings.Contains(err.Error(), "does not fit into int16 with this scale (-327.68 to 327.67)") {
		t.Errorf("too much: %v", err)
	}
	put(t, u, "hr:14", 0x8000)
	if err := write(a, watts, telemetry.Float64(1)); err == nil || !strings.Contains(err.Error(), "its power of ten makes no sense just now") {
		t.Errorf("a power that is not there: %v", err)
	}
}

func TestScaleFromMistakes(t *testing.T) {
	text16 := point(text(4), from("x"))
	own := point(scaled(0.1, 0), from("x"))
	for p, want := range map[*modbus.Point]string{text16: "only numbers have a scale", own: "has a scale of its own"} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), "scale_from: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
	none := func(string) (adapters.Spec, bool) { return nil, false }
	if err := point(from("W_SF")).Refer(none); err == nil || !strings.Contains(err.Error(), `scale_from: the device has no point "W_SF"`) {
		t.Errorf("%v", err)
	}
	itself := point(from("x"))
	if err := itself.Refer(func(string) (adapters.Spec, bool) { return itself, true }); err == nil || !strings.Contains(err.Error(), "no whole number by itself") {
		t.Errorf("%v", err)
	}
}
