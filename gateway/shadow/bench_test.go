package shadow_test

import (
	"testing"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/shadow"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// BenchmarkPut is what a reading costs on its way past: of a point that is not reported, and of one that is and has not changed.
func BenchmarkPut(b *testing.B) {
	const points = 100_000
	cfg := &config.Config{}
	samples := make([]telemetry.Sample, points)
	for i := range points {
		id := telemetry.PointID(i)
		cfg.Points = append(cfg.Points, config.Point{Point: adapters.Point{ID: id, Device: "press", Name: "p"}})
		samples[i] = telemetry.Sample{Point: id, Value: telemetry.Float64(1.5)}
	}
	for name, report := range map[string][]telemetry.PointID{"passing": {0}, "unchanged": ids(points)} {
		b.Run(name, func(b *testing.B) {
			cfg.Cloud = []config.Target{{Report: report}}
			m, err := shadow.New(cfg, nil, shadow.Options{Gateway: "plant7"})
			if err != nil {
				b.Fatal(err)
			}
			m.Put(samples)
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += points {
				m.Put(samples[:min(points, b.N-i)])
			}
		})
	}
}

func ids(n int) []telemetry.PointID {
	list := make([]telemetry.PointID, n)
	for i := range list {
		list[i] = telemetry.PointID(i)
	}
	return list
}
