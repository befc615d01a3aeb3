package config

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/penstock-edge/penstock/adapters"
)

// BenchmarkLoad is a site of 10,000 points, all written out: 100 devices of 100.
func BenchmarkLoad(b *testing.B) {
	benchmark(b, site(), 10_000)
}

// BenchmarkLoadRules is the same site with 500 rules.
func BenchmarkLoadRules(b *testing.B) {
	var y strings.Builder
	y.WriteString(site() + "rules:\n")
	for r := range 250 {
		fmt.Fprintf(&y, "  - {name: w%d, when: d%d.p%d > 85 AND d0.p1 < 5, for: 10s, alarm: {text: \"${d1.p%d} °C\"}}\n", r, r%100, r%90, r%100)
		fmt.Fprintf(&y, "  - {name: s%d, sql: \"SELECT avg(value) AS value FROM '+/p%d' GROUP BY TUMBLINGWINDOW(ss, 10)\", set: averages.p%d}\n", r, r%100, r)
	}
	benchmark(b, y.String(), 10_250)
}

func site() string {
	var y strings.Builder
	y.WriteString("version: 1\nconnections:\n")
	for d := range 100 {
		fmt.Fprintf(&y, "  c%d: {modbus: tcp, address: \"10.0.0.%d:502\", timeout: 300ms}\n", d, d)
	}
	y.WriteString("devices:\n")
	for d := range 100 {
		fmt.Fprintf(&y, "  - name: d%d\n    connection: c%d\n    unit: 1\n    points:\n", d, d)
		for p := range 100 {
			fmt.Fprintf(&y, "      p%d: {at: hr:%d, type: float32, unit: °C, deadband: 0.5, scan: 1s}\n", p, 2*p)
		}
	}
	return y.String()
}

// BenchmarkLoadOneDevice is as many points in one block of keys, the most there may be.
func BenchmarkLoadOneDevice(b *testing.B) {
	var y strings.Builder
	y.WriteString("version: 1\nconnections: {c: {modbus: tcp}}\ndevices:\n  - name: d\n    connection: c\n    points:\n")
	for p := range maxKeys {
		fmt.Fprintf(&y, "      p%d: {at: hr:%d, type: float32, unit: °C, deadband: 0.5}\n", p, 2*p)
	}
	benchmark(b, y.String(), maxKeys)
}

// BenchmarkLoadUnits is as many points from one entry: a range of units.
func BenchmarkLoadUnits(b *testing.B) {
	var y strings.Builder
	y.WriteString("version: 1\nconnections: {bus: {modbus: rtu}}\ndevices:\n  - name: meter_{unit:03}\n    connection: bus\n    unit: 1..200\n    points:\n")
	for p := range 50 {
		fmt.Fprintf(&y, "      p%d: {at: hr:%d, type: float32, unit: °C, deadband: 0.5}\n", p, 2*p)
	}
	benchmark(b, y.String(), 10_000)
}

func benchmark(b *testing.B, text string, points int) {
	loader := Loader{Kinds: []adapters.Kind{plainKind()}}
	b.ReportAllocs()
	start := cpuTime(b)
	for b.Loop() {
		cfg, report := loader.load("gateway.yaml", memory{"gateway.yaml", []byte(text)})
		if cfg == nil || len(cfg.Points) != points {
			b.Fatalf("the site does not load:\n%s", report)
		}
	}
	b.ReportMetric((cpuTime(b)-start)*1000/float64(b.N), "cpu-ms/op")
}

// cpuTime is the seconds that this process has used, on all cores: what does not depend on who else is busy.
func cpuTime(b *testing.B) float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(used.Utime) + seconds(used.Stime)
}
