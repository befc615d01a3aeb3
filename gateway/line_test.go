package gateway_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters/modbus/modbussim"
)

// BenchmarkThirtySlaves has thirty slaves on one line with the character times of 19200 8E1, ten of them dead, and reads ten registers of each every
// second; an operation is a second of that. It tells how much of its schedule the worst served of the others got, how busy the line was, and how
// long a dead one was not seen after it had returned.
func BenchmarkThirtySlaves(b *testing.B) {
	line, err := modbussim.OpenLine()
	if err != nil {
		b.Fatal(err)
	}
	line.Character = 11 * time.Second / 19200
	sim := modbussim.New(slog.New(slog.DiscardHandler))
	for unit := 1; unit <= 30; unit++ {
		sim.Add(byte(unit), 100).Silent(unit <= 10)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sim.ServeLine(ctx, line) }()
	b.Cleanup(func() { cancel(); <-done })
	s := &site{t: b, dir: b.TempDir()}
	var text strings.Builder
	fmt.Fprintf(&text, "version: 1\nstate: %s\nlocal: {web: 127.0.0.1:0}\nconnections:\n  bus: {modbus: rtu, port: %s, line: 19200 8E1}\ndevices:\n", s.dir, line.Path)
	text.WriteString("  - name: m{unit:02}\n    unit: 1..30\n    connection: bus\n    points:\n")
	for i := range 10 {
		fmt.Fprintf(&text, "      p%d: {at: hr:%d}\n", i, i)
	}
	s.configure(text.String())
	g, _, stop := s.run()
	defer stop()
	time.Sleep(10 * time.Second) // the dead are known by then
	before := make([]int64, 31)
	for unit := range 31 {
		if unit > 10 {
			before[unit] = sim.Unit(byte(unit)).Requests()
		}
	}
	b.ResetTimer()
	for b.Loop() {
		time.Sleep(time.Second)
	}
	took := b.Elapsed()
	least := int64(1 << 62)
	for unit := 11; unit <= 30; unit++ {
		least = min(least, sim.Unit(byte(unit)).Requests()-before[unit])
	}
	b.ReportMetric(100*float64(least)/took.Seconds(), "%of-schedule")
	b.ReportMetric(100*g.Status().Connections[0].Load, "%load")
	b.StopTimer()
	sim.Unit(1).Silent(false)
	back := time.Now()
	for time.Since(back) < 2*time.Minute && g.Points()[0].Quality != "good" {
		time.Sleep(50 * time.Millisecond)
	}
	b.ReportMetric(time.Since(back).Seconds(), "s-until-seen")
}
