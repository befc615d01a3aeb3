package cmd_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/adapters/modbus/modbussim"
)

// reflexes is how often the input changes while the benchmark looks.
const reflexes = 300

// BenchmarkReflex is a rule from wire to wire: an input of one Modbus TCP device changes, a rule of the gateway sees it and writes an output
// of another. The gateway is a process of its own, reads 10,000 points a second besides, and its cloud is down. The scan of the
// input, 10 ms, is in the figures.
//
//	go test -run xxx -bench Reflex -benchtime 1x ./cmd
func BenchmarkReflex(b *testing.B) {
	addresses := benchPlant(b)
	units, wires := reflexPlant(b)
	dir := b.TempDir()
	benchBuild(b, dir, "penstock")
	web := freePort(b)
	file := filepath.Join(dir, "gateway.yaml")
	text := benchConfig(addresses, dir, freePort(b), web)
	text = strings.Replace(text, "connections:\n", fmt.Sprintf("scan: {reflex: 10ms, normal: 1s}\nconnections:\n  inputs: {modbus: tcp, address: %q}\n  outputs: {modbus: tcp, address: %q}\n", wires[0], wires[1]), 1)
	text = strings.Replace(text, "devices:\n", `devices:
  - name: door
    connection: inputs
    unit: 1
    points: {open: {at: hr:0, type: uint16, scan: reflex, deadband: 0}}
  - name: lamp
    connection: outputs
    unit: 1
    points: {on: {at: hr:0, type: uint16, access: rw}}
`, 1)
	text += "rules:\n  - name: light\n    when: door.open > 0\n    write: {lamp.on: 1}\n    end: {write: {lamp.on: 0}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	run(b, exec.Command(filepath.Join(dir, "penstock"), "run", "-c", file))
	benchStatus(b, "http://127.0.0.1:"+web)
	time.Sleep(settle)

	var took []time.Duration
	for i := range uint16(reflexes) {
		time.Sleep(120*time.Millisecond + rand.N(30*time.Millisecond)) // the input changes at any moment of a scan
		took = append(took, reflex(b, units, (i+1)%2))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
}

// reflexPlant is two devices with a register each.
func reflexPlant(b *testing.B) (units [2]*modbussim.Unit, addresses [2]string) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	for i := range units {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		s := modbussim.New(slog.New(slog.DiscardHandler))
		units[i], addresses[i] = s.Add(1, 10), l.Addr().String()
		go func() { _ = s.ServeTCP(ctx, l) }()
	}
	return units, addresses
}

// reflex sets the input and says how long the output took to follow.
func reflex(b *testing.B, units [2]*modbussim.Unit, to uint16) time.Duration {
	b.Helper()
	at := modbus.Address{Table: modbus.Holding, Number: 0}
	began := time.Now()
	if err := units[0].Put(at, to); err != nil {
		b.Fatal(err)
	}
	for {
		got, err := units[1].Cells(at, 1)
		if err != nil {
			b.Fatal(err)
		}
		if got[0] == to {
			return time.Since(began)
		}
		if time.Since(began) > 5*time.Second {
			b.Fatalf("the output does not follow: it is not %d after 5 s", to)
		}
		time.Sleep(100 * time.Microsecond)
	}
}
