//go:build unix

package wire

import (
	"syscall"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// shapes are the ways blocks are used.
var shapes = []struct {
	name          string
	points, scans int
	level         Level
	deadband      bool // only samples that changed
}{
	{"100x60s", 100, 60, Balanced, false},         // the codec's set: 100 signals at 1 s, a block of 60 s
	{"100x10s", 100, 10, Balanced, false},         // the same in blocks of 10 s
	{"100x60s-deadband", 100, 60, Balanced, true}, // the same when a deadband kept the changes only
	{"10000x10s", 10_000, 10, Balanced, false},    // a large gateway's block
	{"10000x1s", 10_000, 1, Fastest, false},       // its journal
	{"1x4096s", 1, 4096, Smallest, false},         // a chunk of one point in the cloud
}

func BenchmarkEncode(b *testing.B) {
	for _, shape := range shapes {
		b.Run(shape.name, func(b *testing.B) {
			p := newPlant(shape.points)
			samples := p.run(shape.scans)
			if shape.deadband {
				samples = changes(samples)
			}
			e := NewEncoder(shape.level)
			block, err := e.AppendBlock(nil, p.names, samples)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			start := cpu()
			for b.Loop() {
				block, _ = e.AppendBlock(block[:0], p.names, samples)
			}
			report(b, start, len(block), len(samples))
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, shape := range shapes {
		b.Run(shape.name, func(b *testing.B) {
			p := newPlant(shape.points)
			samples := p.run(shape.scans)
			if shape.deadband {
				samples = changes(samples)
			}
			block, err := NewEncoder(shape.level).AppendBlock(nil, p.names, samples)
			if err != nil {
				b.Fatal(err)
			}
			d := NewDecoder()
			b.ReportAllocs()
			start := cpu()
			for b.Loop() {
				n := 0
				if err := d.Decode(block, func(string, telemetry.Sample) bool { n++; return true }); err != nil || n != len(samples) {
					b.Fatal(n, err)
				}
			}
			report(b, start, len(block), len(samples))
		})
	}
}

// BenchmarkColumn reads one point out of a large gateway's block.
func BenchmarkColumn(b *testing.B) {
	p := newPlant(10_000)
	block, err := NewEncoder(Balanced).AppendBlock(nil, p.names, p.run(10))
	if err != nil {
		b.Fatal(err)
	}
	d := NewDecoder()
	for b.Loop() {
		if err := d.Column(block, p.names[len(p.names)/2], func(telemetry.Sample) bool { return true }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRivalsEncode(b *testing.B) {
	for name, encode := range map[string]func([]byte, *Encoder, []string, []telemetry.Sample) []byte{
		"json+zstd": jsonRows, "protobuf+zstd": protobufRows, "gorilla-ms": gorilla,
	} {
		b.Run(name+"/100x60s", func(b *testing.B) {
			p := newPlant(100)
			samples := p.run(60)
			e := NewEncoder(Balanced)
			block := encode(nil, e, p.names, samples)
			start := cpu()
			for b.Loop() {
				block = encode(block[:0], e, p.names, samples)
			}
			report(b, start, len(block), len(samples))
		})
	}
}

// report prints bytes a sample and millions of samples a second of processor time: other work on the machine does not count.
func report(b *testing.B, start time.Duration, size, samples int) {
	b.ReportMetric(float64(size)/float64(samples), "B/sample")
	b.ReportMetric(float64(samples)*float64(b.N)/(cpu()-start).Seconds()/1e6, "Msamples/cpu-s")
}

// cpu is the processor time this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// changes leaves out the samples that say the same as the one before of their point.
func changes(samples []telemetry.Sample) []telemetry.Sample {
	last := map[telemetry.PointID]telemetry.Sample{}
	var kept []telemetry.Sample
	for _, s := range samples {
		if before, ok := last[s.Point]; !ok || !before.Same(s) {
			kept = append(kept, s)
		}
		last[s.Point] = s
	}
	return kept
}

// TestSizeOfABlock holds the codec to its size on the set it is measured by.
func TestSizeOfABlock(t *testing.T) {
	p := newPlant(100)
	samples := p.run(60)
	changed := float64(len(changes(samples))-100) / float64(len(samples)-100)
	if changed < 0.3 || changed > 0.36 {
		t.Errorf("%.2f of the samples changed, where the set is meant to have a third", changed)
	}
	block, err := NewEncoder(Balanced).AppendBlock(nil, p.names, samples)
	if err != nil {
		t.Fatal(err)
	}
	if size := float64(len(block)) / float64(len(samples)); size > 0.45 {
		t.Errorf("%.3f bytes a sample, where it was 0.42", size)
	}
}
