//go:build interop

package cmd_test

import (
	"fmt"
	"io"
	"maps"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// pymodbus starts a device by that library behind one of three wires, and gives how a gateway is told of it.
func pymodbus(t *testing.T, mode string) (connection string) {
	t.Helper()
	if out, err := exec.Command(python, "-c", "import pymodbus, serial_asyncio").CombinedOutput(); err != nil {
		t.Fatalf("pymodbus is missing: run make test, which installs it: %s", out)
	}
	args := []string{"testdata/peers/modbus_server.py"}
	if mode == "rtu" {
		device, gateway := serialLine(t)
		args, connection = append(args, "rtu", device), fmt.Sprintf("{modbus: rtu, port: %s, line: 19200 8N1, timeout: 1s}", gateway)
	} else {
		address := unusedPort(t)
		_, port, _ := net.SplitHostPort(address)
		args, connection = append(args, strings.ReplaceAll(strings.ReplaceAll(mode, "-over-", ""), "-", ""), port), fmt.Sprintf("{modbus: %s, address: %q}", mode, address)
	}
	p := start(t, foreign(t, "../adapters/modbus", python, args...))
	if _, err := io.WriteString(p.input, "1 8 ABCD string\n"); err != nil {
		t.Fatal(err)
	}
	p.says("ABCDEFGH")
	return connection
}

// What pymodbus serves, over every wire and in every order, is what comes out at the other end of the product.
func TestPymodbusToQuery(t *testing.T) {
	t.Parallel()
	var connections, devices strings.Builder
	want := map[string]string{} // by point, as JSON
	for _, mode := range []string{"tcp", "rtu", "rtu-over-tcp"} {
		name := strings.ReplaceAll(mode, "-", "_")
		fmt.Fprintf(&connections, "  %s: %s\n", name, pymodbus(t, mode))
		fmt.Fprintf(&devices, "  - name: dev_%s\n    connection: %s\n    unit: 17\n    points:\n      id: {at: hr:199}\n", name, name)
		want["dev_"+name+".id"] = "17"
		for i, order := range []string{"ABCD", "CDAB", "BADC", "DCBA"} {
			for _, p := range []struct {
				kind  string
				at    int
				value string
			}{
				{"float32", 0, "123.45600128173828"}, {"int32", 2, "-70000"}, {"uint64", 4, "1099511627781"},
				{"float64", 80, "-0.1"}, {"int64", 84, "-1099511627781"}, {"int16", 88, "-2"},
			} {
				fmt.Fprintf(&devices, "      %s_%s: {at: hr:%d, type: %s, order: %s}\n", p.kind, order, 20*i+p.at, p.kind, order)
				want[fmt.Sprintf("dev_%s.%s_%s", name, p.kind, order)] = p.value
			}
			fmt.Fprintf(&devices, "      text_%s: {at: hr:%d, type: string, length: 8}\n", order, 20*i+8) // pymodbus leaves texts as they are
			want[fmt.Sprintf("dev_%s.text_%s", name, order)] = `"ABCDEFGH"`
		}
	}
	s := newSite(t)
	s.configure("scan: {normal: 200ms}\nconnections:\n" + connections.String() + "devices:\n" + devices.String())
	s.enroll()
	for _, device := range []string{"dev_tcp", "dev_rtu", "dev_rtu_over_tcp"} { // pymodbus opens its ports some time after it has begun
		until(t, 20*time.Second, device+" answers", func() bool {
			r := command(t, nil, "penstock", "read", device, "-c", s.config(), "-o", "json")
			return r.code == 0 && !strings.Contains(r.stdout, "bad")
		})
	}
	s.collect(uint64(4 * len(want)))

	compared := 0
	for _, point := range slices.Sorted(maps.Keys(want)) {
		list := s.query(point)
		inOrder(t, point, list)
		if len(list) == 0 {
			t.Errorf("nothing is stored of %s", point)
		}
		for _, one := range list {
			compared++
			if string(one.Value) != want[point] || one.Quality != "good" {
				t.Errorf("%s is stored as %s %s; pymodbus served %s", point, one.Value, one.Quality, want[point])
			}
		}
	}
	t.Logf("%d points, %d samples stored, all as pymodbus served them", len(want), compared)
}
