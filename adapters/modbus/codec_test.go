package modbus_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"pgregory.net/rapid"
)

// registers writes bytes as the registers that carry them: 0x0102 is "\x01\x02".
func registers(bytes string) (cells []uint16) {
	for i := 0; i < len(bytes); i += 2 {
		cells = append(cells, uint16(bytes[i])<<8|uint16(bytes[i+1]))
	}
	return cells
}

func point(change ...func(*modbus.Point)) *modbus.Point {
	c := &modbus.Connection{Modbus: modbus.TCP}
	p := c.NewDevice().NewPoint().(*modbus.Point)
	p.At = modbus.Address{Table: modbus.Holding, Number: 104}
	for _, f := range change {
		f(p)
	}
	return p
}

func ordered(o modbus.Order) func(*modbus.Point) { return func(p *modbus.Point) { p.Order = o } }

func scaled(scale, offset float64) func(*modbus.Point) {
	return func(p *modbus.Point) { p.Scale, p.Offset = scale, offset }
}

// The wire's bytes are written by hand: 0x01 is the most significant.
func TestEveryTypeInEveryOrderBothWays(t *testing.T) {
	const two, four, eight = "\x01\x02", "\x01\x02\x03\x04", "\x01\x02\x03\x04\x05\x06\x07\x08"
	wires := map[modbus.Order][3]string{
		"":         {two, four, eight},
		"ABCD":     {two, four, eight},
		"CDAB":     {two, "\x03\x04\x01\x02", "\x07\x08\x05\x06\x03\x04\x01\x02"},
		"BADC":     {"\x02\x01", "\x02\x01\x04\x03", "\x02\x01\x04\x03\x06\x05\x08\x07"},
		"DCBA":     {"\x02\x01", "\x04\x03\x02\x01", "\x08\x07\x06\x05\x04\x03\x02\x01"},
		"ABCDEFGH": {two, four, eight},
		"GHEFCDAB": {two, "\x03\x04\x01\x02", "\x07\x08\x05\x06\x03\x04\x01\x02"},
		"BADCFEHG": {"\x02\x01", "\x02\x01\x04\x03", "\x02\x01\x04\x03\x06\x05\x08\x07"},
		"HGFEDCBA": {"\x02\x01", "\x04\x03\x02\x01", "\x08\x07\x06\x05\x04\x03\x02\x01"},
	}
	values := map[modbus.Type]telemetry.Value{
		modbus.Int16: telemetry.Int64(0x0102), modbus.Uint16: telemetry.Uint64(0x0102),
		modbus.Int32: telemetry.Int64(0x01020304), modbus.Uint32: telemetry.Uint64(0x01020304),
		modbus.Int64: telemetry.Int64(0x0102030405060708), modbus.Uint64: telemetry.Uint64(0x0102030405060708),
		modbus.Float32: telemetry.Float64(float64(math.Float32frombits(0x01020304))),
		modbus.Float64: telemetry.Float64(math.Float64frombits(0x0102030405060708)),
	}
	for order, wire := range wires {
		for kind, want := range values {
			p := point(typed(kind), ordered(order))
			cells := registers(wire[p.Count()/2])
			if got := p.Value(cells); got != want {
				t.Errorf("%s %s: %x is %v; want %v", kind, order, cells, got, want)
			}
			if back, err := p.Cells(want); err != nil || fmt.Sprint(back) != fmt.Sprint(cells) {
				t.Errorf("%s %s: %v is written as %x, %v; want %x", kind, order, want, back, err, cells)
			}
		}
	}
}

func TestOrdersThatOnly64BitKnows(t *testing.T) {
	p := point(typed(modbus.Uint64), ordered("CDABGHEF"))
	cells := registers("\x03\x04\x01\x02\x07\x08\x05\x06")
	if got := p.Value(cells); got != telemetry.Uint64(0x0102030405060708) {
		t.Errorf("CDABGHEF: %v", got)
	}
	p.Type = modbus.Float32
	if err := p.Validate(); err == nil || !strings.Contains(err.Error(), "CDABGHEF says nothing of the 4 bytes of float32") {
		t.Errorf("CDABGHEF of a float32: %v", err)
	}
	for _, wrong := range []string{"ABDC", "AABB", "ACBDEFGH", "ABCDEFGI", "ABC", "abcde", ""} {
		var o modbus.Order
		if err := o.UnmarshalText([]byte(wrong)); err == nil {
			t.Errorf("%s was taken for an order", wrong)
		}
	}
}

func TestNegativeNumbers(t *testing.T) {
	for kind, bytes := range map[modbus.Type]string{modbus.Int16: "\xff\xfe", modbus.Int32: "\xff\xff\xff\xfe", modbus.Int64: "\xff\xff\xff\xff\xff\xff\xff\xfe"} {
		if got := point(typed(kind)).Value(registers(bytes)); got != telemetry.Int64(-2) {
			t.Errorf("%s: %v; want -2", kind, got)
		}
	}
}

func TestScaleCountsInDecimals(t *testing.T) {
	for _, c := range []struct {
		raw           int16
		scale, offset float64
		want          float64
	}{
		{215, 0.1, 0, 21.5}, {3, 0.1, 0, 0.3}, {7, 0.1, 0, 0.7}, {-1999, 0.01, 0, -19.99}, {12345, 0.001, 0, 12.345},
		{1, 1, -40.5, -39.5}, {29, 0.01, 0.001, 0.291}, {5, 10, 0, 50}, {1, 1.0 / 3, 0, 1.0 / 3}, {8, 0.125, 0, 1}, {100, 1e-5, 0, 0.001},
	} {
		p := point(typed(modbus.Int16), scaled(c.scale, c.offset))
		if got := p.Value([]uint16{uint16(c.raw)}); got != telemetry.Float64(c.want) {
			t.Errorf("%d * %v + %v = %v; want %v", c.raw, c.scale, c.offset, got, c.want)
		}
		if back, err := p.Cells(telemetry.Float64(c.want)); err != nil || back[0] != uint16(c.raw) {
			t.Errorf("%v is written as %d, %v; want %d", c.want, back, err, c.raw)
		}
	}
}

// What can be written is what comes back, for every type, order and scale.
func TestWhatIsWrittenComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]modbus.Type{modbus.Int16, modbus.Uint16, modbus.Int32, modbus.Uint32}).Draw(t, "type")
		scale := rapid.SampledFrom([]float64{0.1, 0.01, 0.001, 0.5, 2, 10, -0.1}).Draw(t, "scale")
		p := point(typed(kind), ordered(rapid.SampledFrom([]modbus.Order{"ABCD", "CDAB", "BADC", "DCBA"}).Draw(t, "order")),
			scaled(scale, rapid.SampledFrom([]float64{0, -40, 273.15}).Draw(t, "offset")))
		bytes := binary.BigEndian.AppendUint64(nil, rapid.Uint64().Draw(t, "raw"))
		cells := registers(string(bytes))[:p.Count()]
		back, err := p.Cells(p.Value(cells))
		if err != nil || fmt.Sprint(back) != fmt.Sprint(cells) {
			t.Fatalf("%v of %x came back as %x, %v", p.Value(cells), cells, back, err)
		}
	})
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	for _, c := range []struct {
		p    *modbus.Point
		v    telemetry.Value
		want string
	}{
		{point(typed(modbus.Int16)), telemetry.Int64(32768), "32768 does not fit into int16 (-32768 to 32767)"},
		{point(typed(modbus.Int16)), telemetry.Int64(-32769), "does not fit"},
		{point(typed(modbus.Uint16)), telemetry.Int64(-1), "-1 does not fit into uint16 (0 to 65535)"},
		{point(typed(modbus.Uint16)), telemetry.Uint64(65536), "does not fit"},
		{point(typed(modbus.Uint16)), telemetry.Float64(1.5), "1.5 is no whole number"},
		{point(typed(modbus.Uint32)), telemetry.Float64(4294967296), "does not fit"},
		{point(typed(modbus.Int64)), telemetry.Float64(9223372036854775808), "does not fit"},
		{point(typed(modbus.Int64)), telemetry.Uint64(1 << 63), "does not fit"},
		{point(typed(modbus.Uint64)), telemetry.Float64(18446744073709551616), "does not fit"},
		{point(typed(modbus.Uint64)), telemetry.Float64(math.NaN()), "whole number"},
		{point(typed(modbus.Int16), scaled(0.1, 0)), telemetry.Float64(3276.8), "3276.8 does not fit into int16 with this scale (-3276.8 to 3276.7)"},
		{point(typed(modbus.Int16), scaled(0.1, 0)), telemetry.Float64(math.NaN()), "does not fit"},
		{point(typed(modbus.Uint16), scaled(1, -40)), telemetry.Int64(-41), "does not fit"},
		{point(typed(modbus.Float32)), telemetry.Float64(1e39), "does not fit into float32"},
		{point(typed(modbus.Float32)), telemetry.String("12"), `"12" is no number`},
		{point(typed(modbus.Bool)), telemetry.Int64(2), "neither true nor false"},
		{point(text(4)), telemetry.String("12345"), "the text has 5 bytes, and there is room for 4"},
		{point(text(4)), telemetry.Int64(1), "text is wanted"},
		{point(), telemetry.Value{}, "nothing is no number"},
	} {
		if cells, err := c.p.Cells(c.v); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %v: %x, %v; want %s", c.p.Type, c.v, cells, err, c.want)
		}
	}
}

func TestStrings(t *testing.T) {
	for bytes, want := range map[string]string{
		"recipe 7\x00\x00": "recipe 7", "ABCDEFGH  ": "ABCDEFGH", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00": "", "AB\x00DEFGHIJ": "AB", "K\xe4se......": "K\uFFFDse......",
	} {
		if got := point(text(10)).Value(registers(bytes)); got != telemetry.String(want) {
			t.Errorf("%q is %q; want %q", bytes, got, want)
		}
	}
	odd := point(text(5))
	if odd.Count() != 3 {
		t.Errorf("5 characters take %d registers; want 3", odd.Count())
	}
	if got := point(text(4), ordered("BADC")).Value(registers("BADC")); got != telemetry.String("ABCD") {
		t.Errorf("swapped characters: %v", got)
	}
	inherited := (&modbus.Device{Order: "DCBA", MaxBlock: 125}).NewPoint().(*modbus.Point)
	inherited.At, inherited.Type, inherited.Length = modbus.Address{Table: modbus.Holding}, modbus.Text, 4
	if got := inherited.Value(registers("ABCD")); got != telemetry.String("ABCD") {
		t.Errorf("the order of the device's numbers changed a text: %v", got)
	}
}

func TestBits(t *testing.T) {
	alarms := point(func(p *modbus.Point) { p.Bits = map[int]string{0: "oil_low", 1: "guard_open", 15: "overload"} })
	if err := alarms.Validate(); err != nil {
		t.Fatal(err)
	}
	cell := []uint16{0x8001}
	if got := alarms.Value(cell); got != telemetry.Uint64(0x8001) {
		t.Errorf("the register itself: %v", got)
	}
	more := alarms.Expand("alarms")
	for name, want := range map[string]bool{"alarms_oil_low": true, "alarms_guard_open": false, "alarms_overload": true} {
		bit, ok := more[name].(*modbus.Point)
		if !ok {
			t.Fatalf("%s is missing among %v", name, more)
		}
		if got := bit.Value(cell); got != telemetry.Bool(want) {
			t.Errorf("%s at %s: %v; want %v", name, bit, got, want)
		}
		if err := bit.Writable(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := more["alarms_overload"].String(); got != "hr:104.15" {
		t.Errorf("bit 15 is at %s", got)
	}
	swapped := point(ordered("BADC"), func(p *modbus.Point) { p.Bit = 0 })
	if got := swapped.Value([]uint16{0x0100}); got != telemetry.Bool(true) {
		t.Errorf("bit 0 of swapped bytes: %v", got)
	}
	if got := swapped.SetBit(0x0200, true); got != 0x0300 {
		t.Errorf("bit 0 of swapped bytes was set as %#x", got)
	}
}

func TestSentinelsAreNoReading(t *testing.T) {
	for _, c := range []struct {
		kind     modbus.Type
		sentinel string
		bytes    string
		none     bool
	}{
		{modbus.Int16, "0x8000", "\x80\x00", true}, {modbus.Int16, "-32768", "\x80\x00", true}, {modbus.Int16, "0x8000", "\x80\x01", false},
		{modbus.Uint16, "65535", "\xff\xff", true}, {modbus.Int32, "0x80000000", "\x80\x00\x00\x00", true}, {modbus.Uint64, "0xFFFFFFFFFFFFFFFF", "\xff\xff\xff\xff\xff\xff\xff\xff", true},
		{modbus.Float32, "nan", "\x7f\xc0\x00\x00", true}, {modbus.Float32, "nan", "\x7f\xc0\x00\x01", true}, {modbus.Float32, "-9999", "\xc6\x1c\x3c\x00", true},
		{modbus.Float32, "0x7FC00000", "\x7f\xc0\x00\x00", true}, {modbus.Float32, "0x7FC00000", "\x7f\xc0\x00\x01", false}, {modbus.Float64, "nan", "\x3f\xf0\x00\x00\x00\x00\x00\x00", false},
	} {
		p := point(typed(c.kind), scaled(0.1, 0))
		if err := p.Invalid.UnmarshalText([]byte(c.sentinel)); err != nil {
			t.Fatal(err)
		}
		if err := p.Validate(); err != nil {
			t.Errorf("%s %s: %v", c.kind, c.sentinel, err)
		}
		if got := p.Value(registers(c.bytes)); got.IsNone() != c.none {
			t.Errorf("%s with invalid %s: %x is %v", c.kind, c.sentinel, c.bytes, got)
		}
	}
}
