package modbus_test

import (
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters/modbus"
)

func TestWrongSettingsSayWhatToWrite(t *testing.T) {
	device := (&modbus.Connection{Modbus: modbus.RTU}).NewDevice().(*modbus.Device)
	unit0 := *device
	unit0.Unit = 0
	typo := point(func(p *modbus.Point) { p.Bits = map[int]string{16: "x", 1: "not a name", 2: "a", 3: "a"} })
	for _, c := range []struct {
		settings interface{ Validate() error }
		want     []string
	}{
		{&modbus.Connection{Modbus: modbus.RTU, Address: "plc:502"}, []string{"address: rtu has no address (port and line go with rtu", "port: rtu needs a port"}},
		{&modbus.Connection{Modbus: modbus.TCP, Address: "plc:x1"}, []string{`address: "x1" is no port`}},
		{&modbus.Connection{Modbus: modbus.TCP, Address: ":502"}, []string{"names no host"}},
		{&modbus.Connection{Modbus: modbus.TCP, Address: "plc", Line: modbus.Line{Baud: 9600}}, []string{"line: tcp has no serial line"}},
		{&modbus.Connection{Modbus: modbus.RTU, Port: "/dev/x", Line: modbus.Line{Baud: 9600, Data: 7, Parity: 'E', Stop: 1}}, []string{"7 data bits"}},
		{&modbus.Connection{}, []string{"modbus: the kind of Modbus is missing"}},
		{&unit0, []string{"unit: 0 is no unit id (write 1 to 247)"}},
		{point(func(p *modbus.Point) { p.At.Table = modbus.Coil }, scaled(2, 0), typed(modbus.Float32)), []string{"scale: co:104 has no scale", "type: co:104 is bool, not float32"}},
		{point(typed(modbus.Text)), []string{"length: a string needs a length"}},
		{point(text(251)), []string{"length: 251 is no length of a string"}},
		{point(typed(modbus.Uint16), func(p *modbus.Point) { p.Length = 4 }), []string{"length: uint16 has no length"}},
		{point(typed(modbus.Uint64), func(p *modbus.Point) { p.At.Number = 65533 }), []string{"at: hr:65533 of 4 registers ends beyond the last address"}},
		{point(scaled(0, 1)), []string{"scale: every value would be the offset"}},
		{point(typed(modbus.Float32), func(p *modbus.Point) { p.Bit = 3 }), []string{"type: bits are counted in one register"}},
		{point(func(p *modbus.Point) { p.Bit = 16 }), []string{"bit: a register has no bit 16"}},
		{typo, []string{"bits: a register has no bit 16", `bits: "not a name" can't be part`, "bits: two bits have the name a"}},
		{point(func(p *modbus.Point) { _ = p.Invalid.UnmarshalText([]byte("70000")) }), []string{"invalid: uint16 never is 70000"}},
	} {
		err := c.settings.Validate()
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v; want %s", c.settings, err, want)
			}
		}
	}
}

func TestWordsReadThemselves(t *testing.T) {
	var line modbus.Line
	if err := line.UnmarshalText([]byte("9600 7o2")); err != nil || line.String() != "9600 7O2" {
		t.Errorf("9600 7o2: %v, %v", line, err)
	}
	for _, wrong := range []string{"", "9600", "9600 9N1", "fast 8N1", "9600 8X1", "9600 8N3"} {
		if err := line.UnmarshalText([]byte(wrong)); err == nil {
			t.Errorf("%q was taken for a line", wrong)
		}
	}
	var kind modbus.Type
	if err := kind.UnmarshalText([]byte("real")); err == nil || !strings.Contains(err.Error(), "write float32") {
		t.Errorf("type real: %v", err)
	}
	var mode modbus.Mode
	if err := mode.UnmarshalText([]byte("ascii")); err == nil || !strings.Contains(err.Error(), "write tcp, tls, rtu, rtu-over-tcp or rtu-over-udp") {
		t.Errorf("modbus: ascii: %v", err)
	}
}

func TestAddressesWithoutPort(t *testing.T) {
	for _, address := range []string{"plc", "10.7.2.11", "10.7.2.11:502", "::1", "[::1]:502", "plc.example.com:1502"} {
		c := &modbus.Connection{Modbus: modbus.TCP, Address: address, Timeout: time.Second}
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}
