package buffer_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penstock-edge/penstock/buffer"
)

// Blocks of 50,000 samples, one a commit, as flow seals them at a very fast plant.
func BenchmarkAppendBlocks(b *testing.B) {
	q := open(b, b.TempDir(), buffer.Options{})
	r := buffer.Record{Class: buffer.Normal, Samples: 50_000, Data: make([]byte, 50_000)}
	for b.Loop() {
		if _, err := q.Append(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*50_000/b.Elapsed().Seconds(), "samples/s")
}

func BenchmarkAppend64Writers(b *testing.B) {
	q := open(b, b.TempDir(), buffer.Options{})
	r := buffer.Record{Class: buffer.Normal, Samples: 1, Data: make([]byte, 200)}
	b.SetParallelism(64 / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := q.Append(context.Background(), r); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkAppendBatch1000(b *testing.B) {
	q := open(b, b.TempDir(), buffer.Options{})
	recs := records(1000)
	for b.Loop() {
		if _, err := q.Append(b.Context(), recs...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "records/s")
}

func records(n int) []buffer.Record {
	recs := make([]buffer.Record, n)
	for i := range recs {
		recs[i] = buffer.Record{Class: buffer.Normal, Samples: 1, Data: make([]byte, 200)}
	}
	return recs
}

// A backlog of small records, taken and acknowledged by so many at a time.
func BenchmarkDrain(b *testing.B) {
	for _, load := range []struct{ backlog, most int }{{1_000, 1000}, {100_000, 1000}, {1_000_000, 1000}, {10_000_000, 1000}, {100_000, 1}} {
		b.Run(fmt.Sprintf("backlog=%d/most=%d", load.backlog, load.most), func(b *testing.B) {
			var took, busy []float64
			for range b.N {
				q := open(b, b.TempDir(), buffer.Options{})
				for recs := records(10_000); q.Stats().Records < uint64(load.backlog); {
					if _, err := q.Append(b.Context(), recs[:min(len(recs), load.backlog)]...); err != nil {
						b.Fatal(err)
					}
				}
				runtime.GC()
				began, cpu := time.Now(), processorTime(b)
				drain(b, q, load.most)
				took, busy = append(took, time.Since(began).Seconds()), append(busy, processorTime(b)-cpu)
				_ = q.Close()
			}
			slices.Sort(took)
			slices.Sort(busy)
			b.ReportMetric(float64(load.backlog)/took[len(took)/2], "records/s")
			b.ReportMetric(float64(load.backlog)/busy[len(busy)/2], "records/cpu-s")
		})
	}
}

// processorTime is how many seconds of processor this process has had: on a shared machine the fairer clock.
func processorTime(tb testing.TB) float64 {
	tb.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

func drain(tb testing.TB, q *buffer.Queue, most int) {
	tb.Helper()
	for after := uint64(0); q.Stats().Records > 0; {
		recs, err := q.Next(tb.Context(), after, most)
		if err != nil {
			tb.Fatal(err)
		}
		first := recs[0].Seq
		after = recs[len(recs)-1].Seq
		if err := q.Ack(first, after); err != nil {
			tb.Fatal(err)
		}
	}
}

// A backlog of 1 GB: how long opening takes, and what memory a drain needs.
func BenchmarkBacklog(b *testing.B) {
	dir := b.TempDir()
	q := open(b, dir, buffer.Options{})
	r := buffer.Record{Class: buffer.Normal, Samples: 50_000, Data: make([]byte, 50_000)}
	for recs := slices.Repeat([]buffer.Record{r}, 10); q.Stats().Bytes < 1e9; {
		if _, err := q.Append(b.Context(), recs...); err != nil {
			b.Fatal(err)
		}
	}
	if err := q.Close(); err != nil {
		b.Fatal(err)
	}
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // forget the peak so far
		b.Fatal(err)
	}
	for b.Loop() {
		began := time.Now()
		q = open(b, dir, buffer.Options{})
		b.ReportMetric(float64(time.Since(began).Microseconds())/1000, "ms-to-open")
		drain(b, q, 100)
	}
	b.ReportMetric(peak(b), "MiB-peak")
}

// peak is the most memory that the process had resident, in MiB.
func peak(tb testing.TB) (mib float64) {
	tb.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var kib float64
		if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kib); n == 1 {
			return kib / 1024
		}
	}
	tb.Fatal("no VmHWM in /proc/self/status")
	return 0
}

// BenchmarkAlarmBehindBacklog: 100,000 blocks wait, and an alarm behind them is asked for.
func BenchmarkAlarmBehindBacklog(b *testing.B) {
	q := open(b, b.TempDir(), buffer.Options{})
	for range 100 {
		if _, err := q.Append(b.Context(), records(1000)...); err != nil {
			b.Fatal(err)
		}
	}
	seq, err := q.Append(b.Context(), buffer.Record{Class: buffer.Alarm, Data: make([]byte, 400)})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if recs, err := q.NextOf(b.Context(), 0, 1, buffer.Alarm); err != nil || recs[0].Seq != seq {
			b.Fatal(recs, err)
		}
	}
}
