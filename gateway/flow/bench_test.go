package flow_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/flow"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// BenchmarkMinute: a minute of 10,000 points a second on a real disk, flush 1s, send every 5s, acknowledged as it is sealed: what the disk sees of it.
func BenchmarkMinute(b *testing.B) {
	for b.Loop() {
		dir, began := b.TempDir(), written(b)
		synctest.Test(&testing.T{}, func(*testing.T) {
			q, err := buffer.Open(dir, buffer.Options{})
			if err != nil {
				b.Fatal(err)
			}
			sink := &scale{Queue: q}
			minute(b, q, sink)
			if err := q.Close(); err != nil {
				b.Fatal(err)
			}
			bytes := float64(written(b) - began)
			b.ReportMetric(2*float64(q.Stats().Commits)/60, "fsyncs/s")
			b.ReportMetric(bytes/600_000, "written-B/sample")
			b.ReportMetric(bytes/float64(sink.bytes), "written/appended")
		})
	}
}

// scale counts what a flow gives to the buffer.
type scale struct {
	*buffer.Queue
	bytes int
}

func (s *scale) Journal(ctx context.Context, data []byte, samples uint32) error {
	s.bytes += len(data)
	return s.Queue.Journal(ctx, data, samples)
}

func (s *scale) Seal(ctx context.Context, recs ...buffer.Record) (uint64, error) {
	for _, r := range recs {
		s.bytes += len(r.Data)
	}
	return s.Queue.Seal(ctx, recs...)
}

func minute(b *testing.B, q *buffer.Queue, sink flow.Sink) {
	const n = 10_000
	f := flow.New(points(n, config.Point{}), sink, flow.Options{}, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	samples, dice := make([]telemetry.Sample, n), rand.New(rand.NewPCG(1, 2))
	for second := range 60 {
		now := time.Now().UnixNano()
		for i := range samples {
			v := math.Round(1000+100*math.Sin(float64(second+i)/30)+3*dice.NormFloat64()) / 10
			samples[i] = telemetry.Sample{Point: telemetry.PointID(i), Time: now, Value: telemetry.Float64(v)}
		}
		f.Put(samples)
		time.Sleep(time.Second)
		if err := q.Ack(1, q.Stats().Newest); err != nil {
			b.Fatal(err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

// written is how many bytes this process has given to write calls so far.
func written(tb testing.TB) (n uint64) {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if m, _ := fmt.Sscanf(line, "wchar: %d", &n); m == 1 {
			return n
		}
	}
	tb.Fatal("no wchar in /proc/self/io")
	return 0
}
