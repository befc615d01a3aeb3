package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/adapters/modbus/modbussim"
	"github.com/penstock-edge/penstock/gateway/status"
)

// said is what a command gave.
type said struct {
	code     int
	out, err string
}

func penstock(t *testing.T, args ...string) said {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var out, err bytes.Buffer
	code := run(ctx, args, &out, &err)
	return said{code, out.String(), err.String()}
}

// want checks the exit code and words of what was said on either stream.
func (s said) want(t *testing.T, what string, code int, words ...string) {
	t.Helper()
	if s.code != code {
		t.Errorf("%s: exit code %d, want %d", what, s.code, code)
	}
	for _, w := range words {
		if !strings.Contains(s.out+s.err, w) {
			t.Errorf("%s does not say %q", what, w)
		}
	}
	if t.Failed() {
		t.Logf("%s said:\n%s%s", what, s.out, s.err)
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// plant is a configuration with a simulated PLC behind it.
func plant(t *testing.T) (file string, plc *modbussim.Unit) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := modbussim.New(slog.New(slog.DiscardHandler))
	plc = server.Add(1, 100)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.ServeTCP(ctx, ln) }()
	t.Cleanup(func() { stop(); <-done })
	return write(t, "gateway.yaml", fmt.Sprintf(`version: 1
gateway: {id: plant7}
state: %s
scan: {normal: 50ms}
connections:
  plc: {modbus: tcp, address: %q, timeout: 200ms}
devices:
  - name: press
    connection: plc
    points:
      temp:     {at: hr:1, unit: °C}
      setpoint: {at: hr:2, access: rw, range: 0..100, unit: °C}
      mode:     {at: hr:3, access: rw, enum: {0: stopped, 1: running}}
local: {web: ""}
`, t.TempDir(), ln.Addr())), plc
}

// startDaemon runs the gateway until the test ends.
func startDaemon(t *testing.T, file string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan said, 1)
	go func() {
		var out, err bytes.Buffer
		code := run(ctx, []string{"run", "-c", file}, &out, &err)
		done <- said{code, out.String(), err.String()}
	}()
	t.Cleanup(func() {
		stop()
		s := <-done
		s.want(t, "run", 0, "msg=running")
	})
	for end := time.Now().Add(10 * time.Second); penstock(t, "status", "-c", file).code != 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the gateway does not come up")
		}
	}
}

func TestEveryCommandHasAnExample(t *testing.T) {
	var walk func(c *cobra.Command)
	seen := 0
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			walk(sub)
		}
		if c.Hidden {
			return
		}
		seen++
		args := append(strings.Fields(c.CommandPath())[1:], "--help")
		s := penstock(t, args...)
		if s.code != 0 || !strings.Contains(s.out, "Examples:") || s.err != "" {
			t.Errorf("penstock %v: exit %d, no example in:\n%s%s", args, s.code, s.out, s.err)
		}
	}
	walk(command())
	if seen < 8 {
		t.Errorf("%d commands were seen", seen)
	}
}

func TestAWrongCommandLineIsTwo(t *testing.T) {
	for _, args := range [][]string{
		{"dance"}, {"--loud"}, {"run", "extra"}, {"run", "--loud"}, {"check", "a", "b"}, {"read"}, {"write", "press.start"}, {"status", "-o", "xml"}, {"enroll", "https://cloud"}, {"version", "1"},
	} {
		penstock(t, args...).want(t, strings.Join(args, " "), 2, "penstock: ", "see penstock --help")
	}
	penstock(t).want(t, "penstock alone", 0, "Available Commands")
}

func TestCheck(t *testing.T) {
	good, _ := plant(t)
	bad := write(t, "bad.yaml", "version: 1\nconnections:\n  plc: {modbus: tcp, adress: 127.0.0.1}\n")
	warning := write(t, "warning.yaml", "version: 1\nbuffer: {keep: [press.none]}\n")
	penstock(t, "check", good).want(t, "a good file", 0, "good: 1 connection, 1 device, 3 points")
	penstock(t, "check", "--strict", "-c", good).want(t, "a good file, strictly", 0)
	penstock(t, "check", bad).want(t, "a bad file", 1, `:3:22: error: unknown key "adress"`, "error")
	penstock(t, "check", warning).want(t, "a warning", 0, "warning: ")
	penstock(t, "check", "--strict", warning).want(t, "a warning, strictly", 2, "warning: ")
	penstock(t, "check", "/nowhere.yaml").want(t, "no file", 1, "/nowhere.yaml")
	s := penstock(t, "check", "-o", "json", bad)
	var report any
	if err := json.Unmarshal([]byte(s.out), &report); err != nil || s.code != 1 || s.err != "" {
		t.Errorf("-o json: exit %d, %v:\n%s%s", s.code, err, s.out, s.err)
	}
}

func TestAPowerOfTenIsAPointOfTheDevice(t *testing.T) {
	const site = `version: 1
connections:
  plc: {modbus: tcp, address: 10.7.2.11}
devices:
  - name: inverter
    connection: plc
    points:
      power:    {at: hr:100, type: int16, scale_from: %s}
      power_sf: {at: hr:101, type: int16}
`
	penstock(t, "check", write(t, "good.yaml", fmt.Sprintf(site, "power_sf"))).want(t, "check", 0, "2 points")
	penstock(t, "check", write(t, "bad.yaml", fmt.Sprintf(site, "power_fs"))).want(t, "check", 1, `bad.yaml:8:55: error: scale_from of point inverter.power: the device has no point "power_fs"`)
}

func TestWithoutADaemonTheDeviceIsReadDirectly(t *testing.T) {
	file, plc := plant(t)
	penstock(t, "status", "-c", file).want(t, "status", 1, "the gateway is not running: start it with")
	penstock(t, "read", "press", "-c", file).want(t, "read", 0, "press.temp", "hr:1", "stopped (0)")
	s := penstock(t, "read", "press.setpoint", "-c", file, "-o", "json")
	var p status.Point
	if err := json.Unmarshal([]byte(s.out), &p); err != nil || p.Point != "press.setpoint" || p.Value.String() != "0" || p.Quality != "good" {
		t.Errorf("read -o json: %v %+v", err, p)
	}
	penstock(t, "write", "press.setpoint", "72", "-c", file).want(t, "write", 0, "press.setpoint", "72 °C")
	penstock(t, "write", "press.mode", "running", "-c", file).want(t, "write a name", 0, "running (1)")
	penstock(t, "write", "press.setpoint", "101", "-c", file).want(t, "too much", 1, "outside press.setpoint's range: write 0..100")
	penstock(t, "write", "press.temp", "1", "-c", file).want(t, "read only", 1, "access: rw")
	penstock(t, "write", "press", "1", "-c", file).want(t, "a device", 1, "name a point of it, as in press.temp")
	penstock(t, "write", "oven.temp", "1", "-c", file).want(t, "no such point", 1, "oven.temp")
	penstock(t, "read", "oven", "-c", file).want(t, "no such device", 1, `no device or point is called "oven"`)
	penstock(t, "explain", "press", "-c", file).want(t, "explain", 0, "press on plc (modbus)", "nothing was learned of it yet", "every 50ms: 1 request", "hr:1..3, 3 registers", "temp, setpoint, mode")
	penstock(t, "explain", "oven", "-c", file).want(t, "explain what is not there", 1, `no device is called "oven"`)
	plc.Silent(true)
	penstock(t, "read", "press.temp", "-c", file).want(t, "a silent device", 0, "bad: timeout")
	penstock(t, "write", "press.setpoint", "1", "-c", file).want(t, "write to a silent device", 1, "write press.setpoint at hr:2")
	plc.Silent(false)
}

func TestADaemonIsAskedWhereOneRuns(t *testing.T) {
	file, _ := plant(t)
	startDaemon(t, file)
	s := penstock(t, "status", "-c", file, "-o", "json")
	var st status.Status
	if err := json.Unmarshal([]byte(s.out), &st); err != nil || st.Gateway != "plant7" || len(st.Connections) != 1 || s.code != 0 {
		t.Errorf("status -o json: exit %d, %v: %s", s.code, err, s.out)
	}
	penstock(t, "status", "-c", file).want(t, "status", 0, "plant7", "modbus plc", "up")
	penstock(t, "write", "press.setpoint", "55", "-c", file).want(t, "write", 0, "55 °C")
	penstock(t, "read", "press.setpoint", "-c", file).want(t, "read", 0, "55 °C")
	penstock(t, "write", "press.setpoint", "101", "-c", file).want(t, "too much", 1, "outside press.setpoint's range")
	penstock(t, "explain", "press", "-c", file).want(t, "explain", 0, "every 50ms: 1 request", "hr:1..3, 3 registers")
	penstock(t, "explain", "oven", "-c", file).want(t, "explain what is not there", 1, `no device is called "oven"`)
	penstock(t, "run", "-c", file).want(t, "a second daemon", 1, "another penstock is running on this state folder")

	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	newer := write(t, "newer.yaml", strings.Replace(string(text), "      temp:", "      fresh:    {at: hr:9}\n      temp:", 1))
	penstock(t, "read", "press.fresh", "-c", newer).want(t, "a point it does not know yet", 1, "restart it")
}

func TestEnrollSaysWhatToDo(t *testing.T) {
	file, _ := plant(t)
	penstock(t, "enroll", "https://127.0.0.1:1", "-c", file).want(t, "no token", 2, "penstock-cloud invite GATEWAY")
	penstock(t, "enroll", "https://127.0.0.1:1", "--token", "sesame", "-c", file).want(t, "no such token", 1, "penstock-cloud invite GATEWAY")
	token := strings.Repeat("A", 32) + "." + strings.Repeat("0", 32)
	penstock(t, "enroll", "https://127.0.0.1:1", "--token", token, "-c", file).want(t, "nobody there", 1, "127.0.0.1:1")
	penstock(t, "enroll", "cloud:8443", "--token", token, "-c", file).want(t, "no URL", 1, "want https://HOST:PORT")
}

func TestVersion(t *testing.T) {
	penstock(t, "version").want(t, "version", 0, "penstock dev")
	s := penstock(t, "version", "-o", "json")
	var v struct{ Version, Go, Arch string }
	if err := json.Unmarshal([]byte(s.out), &v); err != nil || v.Version != "dev" || v.Go == "" || v.Arch == "" {
		t.Errorf("%v %+v", err, v)
	}
}
