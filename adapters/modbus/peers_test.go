//go:build interop

package modbus_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

const peers = "testdata/peers"

// hundred reads every table of a peer that holds 1000+n and 2000+n in a hundred registers and is on at multiples of three, writes to it, and
// asks for what it does not have.
func hundred(t *testing.T, a adapters.Adapter, d *modbus.Device) {
	t.Helper()
	var specs []*modbus.Point
	var want []telemetry.Value
	expect := func(at string, v telemetry.Value) { specs, want = append(specs, spec(t, d, at)), append(want, v) }
	for _, n := range []int{0, 1, 7, 40, 49} {
		expect(fmt.Sprintf("hr:%d", n), telemetry.Uint64(uint64(1000+n)))
		expect(fmt.Sprintf("ir:%d", n), telemetry.Uint64(uint64(2000+n)))
		expect(fmt.Sprintf("co:%d", n), telemetry.Bool(n%3 == 0))
		expect(fmt.Sprintf("di:%d", n), telemetry.Bool(n%3 == 0))
	}
	specs = append(specs, spec(t, d, "hr:120"))
	all := points(specs...)
	r := prepare(t, a, all)
	for round := range 3 {
		got, err := read(t, r, len(all))
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for i, v := range want {
			if got[i].Value != v || got[i].Quality != telemetry.Good {
				t.Errorf("round %d: %s is %v %s; want %v", round, specs[i], got[i].Value, got[i].Quality, v)
			}
		}
		if missing := got[len(got)-1]; !missing.Quality.IsBad() {
			t.Errorf("a register beyond the last is %v %s", missing.Value, missing.Quality)
		}
	}
	for _, w := range []struct {
		at     string
		v      telemetry.Value
		change func(*modbus.Point)
	}{
		{"hr:60", telemetry.Uint64(4711), typed(modbus.Uint16)}, {"hr:62", telemetry.Float64(-12.5), typed(modbus.Float32)}, {"co:61", telemetry.Bool(true), typed(modbus.Bool)},
	} {
		s := spec(t, d, w.at, w.change)
		if err := write(a, s, w.v); err != nil {
			t.Errorf("write %v to %s: %v", w.v, s, err)
		}
		if got, err := read(t, prepare(t, a, points(s)), 1); err != nil || got[0].Value != w.v {
			t.Errorf("%v written to %s reads %v %s, %v", w.v, s, got[0].Value, got[0].Quality, err)
		}
	}
}

// oneBit sets a bit of a register that holds 1066.
func oneBit(t *testing.T, a adapters.Adapter, d *modbus.Device) {
	t.Helper()
	if err := write(a, spec(t, d, "hr:66", func(p *modbus.Point) { p.Bit = 15 }), telemetry.Bool(true)); err != nil {
		t.Error(err)
	}
	if got, err := read(t, prepare(t, a, points(spec(t, d, "hr:66"))), 1); err != nil || got[0].Value != telemetry.Uint64(0x8000|1066) {
		t.Errorf("after its bit 15 was set, hr:66 is %v, %v; its other bits were 1066", got[0].Value, err)
	}
}

// compiled builds the device of libmodbus_server.c.
func compiled(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "libmodbus_server")
	out, err := exec.Command(installed(t, "gcc"), "-O1", "-Wall", "-o", binary, filepath.Join(peers, "libmodbus_server.c"), "-lmodbus").CombinedOutput()
	if err != nil {
		t.Fatalf("build libmodbus_server (make test installs libmodbus-dev): %v\n%s", err, out)
	}
	return binary
}

func TestLibmodbus(t *testing.T) {
	binary := compiled(t)
	for _, mode := range []modbus.Mode{modbus.TCP, modbus.RTU} {
		t.Run(string(mode), func(t *testing.T) {
			c := &modbus.Connection{Modbus: mode, Timeout: time.Second, Retries: 1}
			args := []string{"tcp"}
			if mode == modbus.RTU {
				ours, theirs := serialPair(t)
				c.Port, c.Line = ours, modbus.Line{Baud: 19200, Data: 8, Parity: 'N', Stop: 1}
				args = []string{"rtu", theirs}
			}
			_, out := program(t, binary, args...)
			port, err := out.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if mode == modbus.TCP {
				c.Address = net.JoinHostPort("127.0.0.1", strings.TrimSpace(port))
			}
			d := device(c, 17)
			a := open(t, c)
			hundred(t, a, d)
			oneBit(t, a, d)
			for i, order := range []modbus.Order{"ABCD", "CDAB", "BADC", "DCBA"} {
				s := spec(t, d, fmt.Sprintf("hr:%d", 50+2*i), typed(modbus.Float32), ordered(order))
				if got, err := read(t, prepare(t, a, points(s)), 1); err != nil || got[0].Value != telemetry.Float64(230.5) {
					t.Errorf("libmodbus's float %s is %v %s, %v", order, got[0].Value, got[0].Quality, err)
				}
			}
		})
	}
}

// javascript gives a library's script its arguments.
func javascript(t *testing.T, script, library string, port string) []string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(peers, "node_modules", library)); err != nil {
		t.Fatalf("%s is missing: run make test, which installs it", library)
	}
	return []string{filepath.Join(peers, script), library, port}
}

func TestJavaScriptDevices(t *testing.T) {
	for _, library := range []string{"modbus-serial", "jsmodbus"} {
		t.Run(library, func(t *testing.T) {
			_, port, _ := net.SplitHostPort(freePort(t))
			_, out := program(t, "node", javascript(t, "serve.js", library, port)...)
			if said, err := out.ReadString('\n'); err != nil || strings.TrimSpace(said) != port {
				t.Fatalf("%s says %q, %v; want its port %s", library, said, err, port)
			}
			c := &modbus.Connection{Modbus: modbus.TCP, Address: "127.0.0.1:" + port, Timeout: time.Second, Retries: 1}
			a, d := open(t, c), device(c, 1)
			hundred(t, a, d)
			if library != "jsmodbus" { // which says nothing more once it was sent a function that it does not know
				oneBit(t, a, d)
			}
		})
	}
}

func TestJavaScriptClients(t *testing.T) {
	for _, library := range []string{"modbus-serial", "jsmodbus"} {
		t.Run(library, func(t *testing.T) {
			p := newPlant(t, modbus.TCP)
			u := p.sim.Add(7, 100)
			put(t, u, "hr:4", 10, 20, 30, 40)
			put(t, u, "ir:0", 7, 65535)
			put(t, u, "co:0", 1, 0, 1, 1)
			put(t, u, "di:0", 0, 0, 1, 0)
			_, port, _ := net.SplitHostPort(p.where)
			out, err := exec.Command(installed(t, "node"), javascript(t, "client.js", library, port)...).CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v\n%s", library, err, out)
			}
			var read struct {
				Holding, Input  []int
				Coils, Discrete []bool
			}
			if err := json.Unmarshal(out, &read); err != nil {
				t.Fatalf("%s says %s: %v", library, out, err)
			}
			if !reflect.DeepEqual(read.Holding, []int{10, 20, 30, 40}) || !reflect.DeepEqual(read.Input, []int{7, 65535}) ||
				!reflect.DeepEqual(read.Coils, []bool{true, false, true, true}) || !reflect.DeepEqual(read.Discrete, []bool{false, false, true, false}) {
				t.Errorf("%s read %s", library, out)
			}
			if cells, _ := u.Cells(modbus.Address{Table: modbus.Holding, Number: 20}, 4); !reflect.DeepEqual(cells, []uint16{123, 1, 2, 3}) {
				t.Errorf("%s wrote 123, 1, 2, 3; the registers hold %v", library, cells)
			}
			if cells, _ := u.Cells(modbus.Address{Table: modbus.Coil, Number: 5}, 1); cells[0] != 1 {
				t.Errorf("%s set coil 5; it is %d", library, cells[0])
			}
		})
	}
}
