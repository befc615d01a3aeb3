package gateway_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/flow"
	"github.com/penstock-edge/penstock/gateway/poll"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// BenchmarkChangeToFlow is how long it takes from a register's change to its sample in the flow: 1,000 points of one device over Modbus TCP, read every
// 20 ms. What the scan alone costs is 20 ms at the most.
func BenchmarkChangeToFlow(b *testing.B) {
	const points, scan = 1000, 20 * time.Millisecond
	s := newSite(b, "")
	var text strings.Builder
	fmt.Fprintf(&text, "version: 1\nstate: %s\nscan: {normal: %v}\nconnections:\n  plc: {modbus: tcp, address: %q}\ndevices:\n  - name: d\n    connection: plc\n    points:\n", s.dir, scan, s.address)
	for i := range points {
		fmt.Fprintf(&text, "      p%d: {at: hr:%d, deadband: 1}\n", i, i)
	}
	s.configure(text.String())
	seen := make(chan time.Time, 1)
	var want telemetry.Sample // written between two changes, when nothing is waited for
	armed := make(chan telemetry.Sample, 1)
	q, err := buffer.Open(b.TempDir(), buffer.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer q.Close()
	f := flow.New(s.cfg.Points, q, flow.Options{Tap: func(samples []telemetry.Sample) {
		select {
		case want = <-armed:
		default:
		}
		if want.Value.IsNone() {
			return
		}
		for _, got := range samples {
			if got.Point == want.Point && got.Value == want.Value {
				want = telemetry.Sample{}
				seen <- time.Now()
				return
			}
		}
	}}, slog.New(slog.DiscardHandler))
	p := poll.New(s.cfg.Connections[0], s.cfg.Points, f.Put, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- f.Run(ctx) }()
	go func() { done <- p.Run(ctx) }()
	var took []time.Duration
	for b.Loop() {
		id := rand.IntN(points)
		v := uint16(1 + rand.IntN(60000))
		time.Sleep(rand.N(scan)) // at any moment of the scan
		armed <- telemetry.Sample{Point: telemetry.PointID(id), Value: telemetry.Uint64(uint64(v))}
		changed := time.Now()
		if err := s.plc.Put(modbus.Address{Table: modbus.Holding, Number: uint16(id)}, v); err != nil {
			b.Fatal(err)
		}
		took = append(took, (<-seen).Sub(changed))
	}
	cancel()
	<-done
	<-done
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
	b.ReportMetric(ms(took[len(took)*99/100]), "p99-ms")
	b.ReportMetric(ms(took[len(took)-1]), "max-ms")
	b.ReportMetric(ms(scan+5*time.Millisecond), "goal-ms")
}
