//go:build interop

package modbus_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// program starts a peer that ends with the test.
func program(t *testing.T, name string, args ...string) (io.Writer, *bufio.Reader) {
	t.Helper()
	cmd := exec.Command(installed(t, name), args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return in, bufio.NewReader(out)
}

func installed(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: run make test, which installs it", name)
	}
	return path
}

// until polls for something that another program does.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s has not come after 20 s", what)
		}
	}
}

// pymodbus is the device of testdata/peers/modbus_server.py, behind one of the three wires.
func pymodbus(t *testing.T, mode modbus.Mode) (c *modbus.Connection, ask func(question string) string) {
	t.Helper()
	const python, script = "/usr/bin/python3", "testdata/peers/modbus_server.py"
	if out, err := exec.Command(python, "-c", "import pymodbus, serial_asyncio").CombinedOutput(); err != nil {
		t.Fatalf("pymodbus is missing: run make test, which installs it: %s", out)
	}
	c = &modbus.Connection{Modbus: mode, Timeout: time.Second, Retries: 1}
	var in io.Writer
	var out *bufio.Reader
	if mode == modbus.RTU {
		ours, theirs := serialPair(t)
		c.Port, c.Line = ours, modbus.Line{Baud: 19200, Data: 8, Parity: 'N', Stop: 1}
		in, out = program(t, python, script, "rtu", theirs)
	} else {
		c.Address = freePort(t)
		_, port, _ := net.SplitHostPort(c.Address)
		args := []string{script, map[modbus.Mode]string{modbus.TCP: "tcp", modbus.RTUOverTCP: "rtutcp", modbus.RTUOverUDP: "rtuudp", modbus.TLS: "tls"}[mode], port}
		if mode == modbus.TLS {
			p := newPKI(t)
			args = append(args, p.file("device.crt"), p.file("device.key"), p.file("ca.crt"))
			c.Cert, c.Key, c.CA = p.file("client.crt"), p.file("client.key"), p.file("ca.crt")
		}
		in, out = program(t, python, args...)
		until(t, "pymodbus", func() bool {
			if mode == modbus.RTUOverUDP {
				return true // its first answer is waited for below
			}
			conn, err := net.Dial("tcp", c.Address)
			if err == nil {
				conn.Close()
			}
			return err == nil
		})
	}
	ask = func(question string) string {
		fmt.Fprintln(in, question)
		answer, err := out.ReadString('\n')
		if err != nil {
			t.Fatalf("ask pymodbus %q: %v", question, err)
		}
		return strings.TrimSpace(answer)
	}
	ask("1 8 ABCD string") // it has begun
	return c, ask
}

// serialPair is a cable between two serial ports.
func serialPair(t *testing.T) (one, two string) {
	dir := t.TempDir()
	one, two = filepath.Join(dir, "one"), filepath.Join(dir, "two")
	program(t, "socat", "pty,raw,echo=0,link="+one, "pty,raw,echo=0,link="+two)
	until(t, "socat's pair of lines", func() bool {
		_, errOne := os.Stat(one)
		_, errTwo := os.Stat(two)
		return errOne == nil && errTwo == nil
	})
	return one, two
}

func TestPymodbus(t *testing.T) {
	for _, mode := range modes {
		t.Run(string(mode), func(t *testing.T) {
			c, ask := pymodbus(t, mode)
			a := open(t, c)
			var specs []*modbus.Point
			var want []telemetry.Value
			expect := func(unit int, at string, v telemetry.Value, change ...func(*modbus.Point)) {
				specs, want = append(specs, spec(t, device(c, unit), at, change...)), append(want, v)
			}
			for i, order := range []modbus.Order{"ABCD", "CDAB", "BADC", "DCBA"} {
				at := func(n int) string { return fmt.Sprintf("hr:%d", 20*i+n) }
				expect(1, at(0), telemetry.Float64(float64(float32(123.456))), typed(modbus.Float32), ordered(order))
				expect(1, at(2), telemetry.Int64(-70000), typed(modbus.Int32), ordered(order))
				expect(1, at(4), telemetry.Uint64(1<<40+5), typed(modbus.Uint64), ordered(order))
				expect(1, at(8), telemetry.String("ABCDEFGH"), text(8)) // pymodbus leaves texts as they are
				expect(1, at(80), telemetry.Float64(-0.1), typed(modbus.Float64), ordered(order))
				expect(1, at(84), telemetry.Int64(-1<<40-5), typed(modbus.Int64), ordered(order))
				expect(1, at(88), telemetry.Int64(-2), typed(modbus.Int16), ordered(order))
			}
			expect(1, "hr:199", telemetry.Uint64(1))
			expect(1, "30008", telemetry.Uint64(7))
			expect(1, "di:0", telemetry.Bool(true))
			expect(1, "10002", telemetry.Bool(false))
			expect(1, "co:9", telemetry.Bool(false))
			all := points(specs...)
			var got []telemetry.Sample
			until(t, "an answer of pymodbus", func() bool { // it opens a serial port some time after it has begun
				var err error
				got, err = read(t, prepare(t, a, all), len(all))
				return err == nil
			})
			for i, s := range got {
				if s.Quality != telemetry.Good || s.Value != want[i] {
					t.Errorf("%s %s %s is %v %s; want %v", specs[i], specs[i].Type, specs[i].Order, s.Value, s.Quality, want[i])
				}
			}
			for _, unit := range []int{17, 2} {
				if got, err := read(t, prepare(t, a, points(spec(t, device(c, unit), "hr:199"))), 1); err != nil || got[0].Value != telemetry.Uint64(uint64(unit)) {
					t.Errorf("unit %d says that it is %v %s, %v", unit, got[0].Value, got[0].Quality, err)
				}
			}
			if got, err := read(t, prepare(t, a, points(spec(t, device(c, 1), "hr:199"), spec(t, device(c, 1), "hr:200"))), 2); err != nil ||
				got[0].Value != telemetry.Uint64(1) || got[1].Quality != telemetry.BadNodeUnknown {
				t.Errorf("a register beyond the last: %+v, %v", got, err)
			}
			writtenToPymodbus(t, a, c, ask)
		})
	}
}

func writtenToPymodbus(t *testing.T, a adapters.Adapter, c *modbus.Connection, ask func(string) string) {
	d := device(c, 2)
	for _, order := range []modbus.Order{"ABCD", "CDAB", "BADC", "DCBA"} {
		for _, w := range []struct {
			kind modbus.Type
			v    telemetry.Value
			want string
		}{
			{modbus.Float32, telemetry.Float64(-12.25), "-12.25"}, {modbus.Int32, telemetry.Int64(-123456789), "-123456789"},
			{modbus.Uint64, telemetry.Uint64(1<<63 + 9), "9223372036854775817"},
		} {
			if err := write(a, spec(t, d, "hr:160", typed(w.kind), ordered(order)), w.v); err != nil {
				t.Errorf("write %v as %s %s: %v", w.v, w.kind, order, err)
			}
			if held := ask(fmt.Sprintf("2 160 %s %s", order, w.kind)); held != w.want {
				t.Errorf("%v written as %s %s: pymodbus holds %s", w.v, w.kind, order, held)
			}
		}
	}
	if err := write(a, spec(t, d, "hr:170", text(8)), telemetry.String("recipe 7")); err != nil || ask("2 170 ABCD string") != "recipe 7" {
		t.Errorf("a text: %v, %s", err, ask("2 170 ABCD string"))
	}
	if err := write(a, spec(t, d, "co:16"), telemetry.Bool(true)); err != nil || ask("2 16 ABCD coil") != "1" || ask("2 15 ABCD coil") != "0" {
		t.Errorf("a coil: %v, %s", err, ask("2 16 ABCD coil"))
	}
}

func mbpoll(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(installed(t, "mbpoll"), args...).CombinedOutput()
	if err != nil {
		t.Errorf("mbpoll %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestMbpollReadsTheSimulator(t *testing.T) {
	for _, mode := range []modbus.Mode{modbus.TCP, modbus.RTU} {
		t.Run(string(mode), func(t *testing.T) {
			p := newPlant(t, mode)
			u := p.sim.Add(7, 100)
			d := device(p.connection(), 7)
			if err := u.Set(spec(t, d, "hr:4", typed(modbus.Float32)), telemetry.Float64(-2.5)); err != nil {
				t.Fatal(err)
			}
			put(t, u, "di:2", 1)
			where := []string{"-m", "rtu", "-b", "19200", "-P", "none", p.where}
			if mode == modbus.TCP {
				host, port, _ := net.SplitHostPort(p.where)
				where = []string{"-p", port, host}
			}
			poll := func(args ...string) string {
				return mbpoll(t, append(append([]string{"-1", "-0", "-q", "-a", "7"}, args...), where...)...)
			}
			if out := poll("-t", "4:float", "-B", "-r", "4", "-c", "1"); !strings.Contains(out, "-2.5") {
				t.Errorf("hr:4 holds -2.5; mbpoll says\n%s", out)
			}
			if out := poll("-t", "1", "-r", "2", "-c", "1"); !strings.Contains(out, "[2]: \t1") {
				t.Errorf("di:2 is on; mbpoll says\n%s", out)
			}
			args := append([]string{"-0", "-q", "-a", "7", "-t", "4:int", "-B", "-r", "20"}, where...)
			mbpoll(t, append(args, "123456")...)
			if got, err := u.Get(spec(t, d, "hr:20", typed(modbus.Int32))); err != nil || got != telemetry.Int64(123456) {
				t.Errorf("mbpoll wrote 123456; hr:20 is %v, %v", got, err)
			}
		})
	}
}
