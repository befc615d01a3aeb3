package command_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/gateway/command"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// BenchmarkOrder is one order after the other to equipment that takes no time: what the disk costs.
func BenchmarkOrder(b *testing.B) {
	p := newPlant(b)
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		if r := p.desk.Do(b.Context(), anna("count", fmt.Sprint(i))); r.State != command.Done {
			b.Fatalf("%+v", r)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	at := func(share float64) float64 {
		return float64(took[int(share*float64(len(took)-1))].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
}

// BenchmarkOrders is 64 who ask at a time, each for a point of its own, with keys as commands have them.
func BenchmarkOrders(b *testing.B) {
	p := newPlant(b)
	var all sync.WaitGroup
	for worker := range many {
		all.Go(func() {
			for i := worker; i < b.N; i += many {
				o := anna(fmt.Sprint("heater", worker), "")
				o.Value, o.Key = telemetry.Int64(int64(i)), fmt.Sprint(i)
				if r := p.desk.Do(b.Context(), o); r.State != command.Done {
					b.Errorf("%+v", r)
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
}
