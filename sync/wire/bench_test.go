//go:build unix

package wire

import (
	"syscall"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// uses are the ways blocks are used.
var uses = []use{
	{name: "100x60s", points: 100, scans: 60},                          // the codec's set: 100 signals at 1 s, a block of 60 s
	{name: "100x60s-µs", points: 100, scans: 60, round: 1000},          // the same with times in whole microseconds
	{name: "100x60s-deadband", points: 100, scans: 60, deadband: true}, // the same when a deadband kept the changes only
	{name: "100x10s", points: 100, scans: 10},                          // blocks of 10 s
	{name: "10000x10s", points: 10_000, scans: 10},                     // a large gateway's block
	{name: "10000x1s", points: 10_000, scans: 1, level: Fastest},       // its journal
	{name: "1x4096s", points: 1, scans: 4096, level: Smallest},         // a chunk of one point in the cloud
	{name: "1x4096s-µs", points: 1, scans: 4096, level: Smallest, round: 1000},
}

type use struct {
	name          string
	points, scans int
	level         Level
	round         int64 // times are multiples of so many nanoseconds
	deadband      bool  // only samples that changed
}

func (u use) samples() (names []string, samples []telemetry.Sample) {
	p := newPlant(u.points)
	samples = p.run(u.scans)
	if u.deadband {
		samples = changes(samples)
	}
	if u.round > 0 {
		for i := range samples {
			samples[i].Time -= samples[i].Time % u.round
		}
	}
	return p.names, samples
}

func BenchmarkEncode(b *testing.B) {
	for _, use := range uses {
		b.Run(use.name, func(b *testing.B) {
			names, samples := use.samples()
			e := NewEncoder(use.level)
			block, err := e.AppendBlock(nil, names, samples)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			start := cpu()
			for b.Loop() {
				block, _ = e.AppendBlock(block[:0], names, samples)
			}
			report(b, start, len(block), len(samples))
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, use := range uses {
		b.Run(use.name, func(b *testing.B) {
			names, samples := use.samples()
			block, err := NewEncoder(use.level).AppendBlock(nil, names, samples)
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
