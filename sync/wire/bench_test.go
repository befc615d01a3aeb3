package wire

import (
	"fmt"
	"testing"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// shapes are the ways blocks are used.
var shapes = []struct {
	name          string
	points, scans int
	level         Level
}{
	{"100x60", 100, 60, Balanced},      // the codec's set: 100 signals, a block of 60 s
	{"100x10", 100, 10, Balanced},      // the same in blocks of 10 s
	{"10000x10", 10_000, 10, Balanced}, // a large gateway's block
	{"10000x1", 10_000, 1, Fastest},    // its journal
	{"1x4096", 1, 4096, Smallest},      // a chunk of one point in the cloud
}

func BenchmarkEncode(b *testing.B) {
	for _, shape := range shapes {
		b.Run(shape.name, func(b *testing.B) {
			p := newPlant(shape.points)
			samples := p.run(shape.scans)
			e := NewEncoder(shape.level)
			block, err := e.AppendBlock(nil, p.names, samples)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				block, _ = e.AppendBlock(block[:0], p.names, samples)
			}
			report(b, len(block), len(samples))
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, shape := range shapes {
		b.Run(shape.name, func(b *testing.B) {
			p := newPlant(shape.points)
			samples := p.run(shape.scans)
			block, err := NewEncoder(shape.level).AppendBlock(nil, p.names, samples)
			if err != nil {
				b.Fatal(err)
			}
			d := NewDecoder()
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				if err := d.Decode(block, func(string, telemetry.Sample) bool { n++; return true }); err != nil || n != len(samples) {
					b.Fatal(n, err)
				}
			}
			report(b, len(block), len(samples))
		})
	}
}

func report(b *testing.B, size, samples int) {
	b.ReportMetric(float64(size)/float64(samples), "B/sample")
	b.ReportMetric(float64(samples)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Msamples/s")
}

func TestPlantIsAsDescribed(t *testing.T) {
	p := newPlant(100)
	samples := p.run(60)
	t.Log(fmt.Sprintf("%.3f changed", changed(samples)))
}
