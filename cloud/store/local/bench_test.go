package local_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/store/local"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// plant makes the blocks of a gateway with many points, like those that come in: slow floats rounded to a sensor's
// resolution, counters, booleans, states; one sample a second of each.
type plant struct {
	names  []string
	values []float64
	random *rand.Rand
	enc    *wire.Encoder
	second int64
}

func newPlant(points int) *plant {
	p := &plant{values: make([]float64, points), random: rand.New(rand.NewPCG(1, 2)), enc: wire.NewEncoder(wire.Balanced), second: 1_700_000_000}
	for i := range points {
		p.names = append(p.names, fmt.Sprintf("machine_%03d.signal_%02d", i/100, i%100))
	}
	return p
}

func (p *plant) value(i int) telemetry.Value {
	switch i % 10 {
	case 0, 1:
		p.values[i] += float64(p.random.IntN(4))
		return telemetry.Uint64(uint64(p.values[i]))
	case 2:
		return telemetry.Bool(p.random.IntN(50) == 0)
	case 3:
		if p.random.IntN(30) == 0 {
			p.values[i] = float64(p.random.IntN(5))
		}
		return telemetry.Int64(int64(p.values[i]))
	}
	p.values[i] += p.random.NormFloat64() / 3
	return telemetry.Float64(math.Round((50+p.values[i])*10) / 10)
}

// batch is the next block: so many samples of every point.
func (p *plant) batch(tb testing.TB, gateway string, seq uint64, each int) cloud.Batch {
	tb.Helper()
	samples := make([]telemetry.Sample, 0, each*len(p.names))
	for range each {
		p.second++
		for i := range p.names {
			at := p.second*int64(time.Second) + int64(i/100)*int64(time.Millisecond)
			samples = append(samples, telemetry.Sample{Point: telemetry.PointID(i), Time: at, Value: p.value(i)})
		}
	}
	block, err := p.enc.AppendBlock(nil, p.names, samples)
	if err != nil {
		tb.Fatal(err)
	}
	sum, err := wire.Peek(block)
	if err != nil {
		tb.Fatal(err)
	}
	return cloud.Batch{Thing: gateway, Epoch: "E", Seq: seq, Received: time.Unix(p.second, 0), Block: block,
		Samples: sum.Samples, Points: sum.Points, From: sum.From, To: sum.To}
}

// BenchmarkIngest appends blocks of 10,000 points with 10 samples each from four gateways at once, each decoded first as ingest
// does, while compaction runs. samples/s is what was acknowledged; with-compaction/s counts the time until all were chunks, too;
// samples/CPU-s is the same by processor time; blocks-left is how far compaction was behind at the last acknowledgement.
func BenchmarkIngest(b *testing.B) {
	const gateways, points, each = 4, 10_000, 10
	var batches [gateways][]cloud.Batch
	var bytes int
	blocks := max(b.N, 40) / gateways
	for g := range gateways {
		p := newPlant(points)
		for i := range blocks {
			batch := p.batch(b, fmt.Sprint("gateway", g), uint64(i)+1, each)
			batches[g] = append(batches[g], batch)
			bytes += len(batch.Block)
		}
	}
	samples := float64(gateways * blocks * points * each)
	dir := b.TempDir()
	s := openStore(b, dir)
	for g := range gateways {
		if err := s.CreateThing(b.Context(), cloud.Thing{Name: fmt.Sprint("gateway", g), Kind: cloud.KindGateway}); err != nil {
			b.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })

	b.ResetTimer()
	before := cpu(b)
	var senders sync.WaitGroup
	for g := range gateways {
		senders.Go(func() { send(b, s, batches[g]) })
	}
	senders.Wait()
	acknowledged := b.Elapsed()
	cancel()
	running.Wait()
	left := waiting(b, dir)
	if err := s.Compact(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(samples/acknowledged.Seconds(), "samples/s")
	b.ReportMetric(samples/b.Elapsed().Seconds(), "with-compaction/s")
	b.ReportMetric(samples/(cpu(b)-before).Seconds(), "samples/CPU-s")
	b.ReportMetric(float64(left), "blocks-left")
	b.ReportMetric(float64(bytes)/samples, "B/sample-in")
	b.ReportMetric(float64(used(b, dir))/samples, "B/sample-stored")
	b.ReportMetric(float64(used(b, dir)+free(b, dir))/samples, "B/sample-file")
	b.ReportMetric(0, "ns/op")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// cpu is the processor time that the process has used: what a busy machine does not falsify.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func send(b *testing.B, s *local.Store, batches []cloud.Batch) {
	dec := wire.NewDecoder()
	for _, batch := range batches {
		count := 0
		if err := dec.Decode(batch.Block, func(string, telemetry.Sample) bool { count++; return true }); err != nil || count != batch.Samples {
			b.Errorf("decoded %d, %v", count, err)
		}
		if _, err := s.Append(b.Context(), batch); err != nil {
			b.Error(err)
		}
	}
}

// BenchmarkManyThings appends messages of ten samples from 64 callers at once: each waits for the disk, together.
func BenchmarkManyThings(b *testing.B) {
	s := openStore(b, b.TempDir())
	defer s.Close()
	batch := crashBatch(wire.NewEncoder(wire.Fastest), "g", 1)
	batch.Epoch, batch.Seq = "", 0
	if err := s.CreateThing(b.Context(), cloud.Thing{Name: "g", Kind: cloud.KindThing}); err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Append(b.Context(), batch); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkManyGateways has gateways send small blocks, ten samples each, one after the other, each when the last was acknowledged. commits/s is how
// many transactions, of one sync each, that took; with one gateway each block has one of its own.
func BenchmarkManyGateways(b *testing.B) {
	for _, gateways := range []int{1, 50, 500} {
		b.Run(fmt.Sprint(gateways, "-gateways"), func(b *testing.B) {
			s := openStore(b, b.TempDir())
			defer s.Close()
			for g := range gateways {
				if err := s.CreateThing(b.Context(), cloud.Thing{Name: fmt.Sprint("g", g), Kind: cloud.KindGateway}); err != nil {
					b.Fatal(err)
				}
			}
			batch := crashBatch(wire.NewEncoder(wire.Fastest), "g", 1)
			ctx, cancel := context.WithCancel(b.Context())
			var compacting, senders sync.WaitGroup
			compacting.Go(func() { s.Run(ctx) })
			var next atomic.Int64
			before := s.Commits()
			b.ResetTimer()
			for g := range gateways {
				senders.Go(func() {
					mine := batch
					mine.Thing, mine.Epoch = fmt.Sprint("g", g), "E"
					for seq := uint64(1); next.Add(1) <= int64(b.N); seq++ {
						mine.Seq = seq
						if stored, err := s.Append(b.Context(), mine); err != nil || !stored[0] {
							b.Error(stored, err)
						}
					}
				})
			}
			senders.Wait()
			b.StopTimer()
			commits := float64(s.Commits() - before)
			cancel()
			compacting.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "blocks/s")
			b.ReportMetric(commits/b.Elapsed().Seconds(), "commits/s")
			b.ReportMetric(float64(b.N)/commits, "blocks/commit")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkChart draws 10,000 samples of one of 1,000 points as 1,000 buckets. Blocks have 10 s of every point, and
// compaction comes every 30 s; in a flood 31 more blocks wait.
func BenchmarkChart(b *testing.B) {
	for name, flood := range map[string]int{"in-step": 0, "in-a-flood": 31} {
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			s := openStore(b, dir)
			defer s.Close()
			p := newPlant(1_000)
			history(b, s, p, 1_100, flood)
			q := cloud.Query{Thing: "g", To: (p.second + 1) * int64(time.Second)}
			q.From = q.To - 10_000*int64(time.Second)
			b.ResetTimer()
			for i := range b.N {
				q.Point = p.names[i*37%len(p.names)]
				got, err := cloud.Buckets(b.Context(), s, q, 1000)
				if err != nil || len(got) < 990 {
					b.Fatal(len(got), err)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(waiting(b, dir)), "blocks-waiting")
		})
	}
}

// BenchmarkLast asks for the newest 10 samples of a point.
func BenchmarkLast(b *testing.B) {
	s := openStore(b, b.TempDir())
	defer s.Close()
	p := newPlant(1_000)
	history(b, s, p, 1_100, 0)
	for b.Loop() {
		n := 0
		q := cloud.Query{Thing: "g", Point: p.names[500], Last: 10}
		if err := s.Range(b.Context(), q, func(telemetry.Sample) bool { n++; return true }); err != nil || n != 10 {
			b.Fatal(n, err)
		}
	}
}

// history stores blocks and compacts them as time would, but for the last few.
func history(b *testing.B, s *local.Store, p *plant, blocks, waiting int) {
	b.Helper()
	if err := s.CreateThing(b.Context(), cloud.Thing{Name: "g", Kind: cloud.KindGateway}); err != nil {
		b.Fatal(err)
	}
	for i := range blocks {
		if _, err := s.Append(b.Context(), p.batch(b, "g", uint64(i)+1, 10)); err != nil {
			b.Fatal(err)
		}
		if i%3 == 2 && i < blocks-waiting {
			if err := s.Compact(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
}
