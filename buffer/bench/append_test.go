package bench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/buffer"
)

// pace collects how many records a second each contender does, a turn each, one behind the other, so that all see the same disk. What it reports
// is the median of the turns.
type pace map[string][]float64

func (p pace) turn(tb testing.TB, name string, records int, do func() error) {
	began := time.Now()
	must(tb, do())
	p[name] = append(p[name], float64(records)/time.Since(began).Seconds())
}

func (p pace) median(name string) float64 {
	slices.Sort(p[name])
	return p[name][len(p[name])/2]
}

func (p pace) report(b *testing.B) {
	best := 0.0
	for _, r := range rivals() {
		m := p.median(r.name)
		best = max(best, m)
		b.ReportMetric(m, r.name+"-rec/s")
	}
	b.ReportMetric(p.median("penstock"), "penstock-rec/s")
	b.ReportMetric(p.median("penstock")/best, "x-best-rival")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkAppend: so many records in one durable call each.
func BenchmarkAppend(b *testing.B) {
	for _, load := range []struct{ records, bytes int }{{1, 200}, {1000, 200}, {1, 50_000}} {
		b.Run(fmt.Sprintf("%dx%d", load.records, load.bytes), func(b *testing.B) {
			q, puts, data, p := openPenstock(b), opened(b), make([]byte, load.bytes), pace{}
			recs, written := records(load.records, data), uint64(0)
			for b.Loop() {
				before := writtenBytes(b)
				p.turn(b, "penstock", load.records, func() error { _, err := q.Append(b.Context(), recs...); return err })
				written += writtenBytes(b) - before
				for i, r := range rivals() {
					p.turn(b, r.name, load.records, func() error { return puts[i](load.records, data) })
				}
			}
			p.report(b)
			b.ReportMetric(float64(written)/float64(b.N*load.records*load.bytes), "written/appended")
		})
	}
}

// BenchmarkWriters: 64 writers with a record of 200 bytes each, through group commit; the rivals have one writer, a record a call.
func BenchmarkWriters(b *testing.B) {
	q, puts, data, p := openPenstock(b), opened(b), make([]byte, 200), pace{}
	before := q.Stats().Commits
	for b.Loop() {
		p.turn(b, "penstock", 64*16, func() error { return writers(b.Context(), q, records(1, data)) })
		for i, r := range rivals() {
			p.turn(b, r.name, 16, func() error {
				for range 16 {
					if err := puts[i](1, data); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	p.report(b)
	b.ReportMetric(float64(64*16*b.N)/float64(q.Stats().Commits-before), "rec/commit")
}

func writers(ctx context.Context, q *buffer.Queue, recs []buffer.Record) (err error) {
	var wg sync.WaitGroup
	var once sync.Once
	for range 64 {
		wg.Go(func() {
			for range 16 {
				if _, e := q.Append(ctx, recs...); e != nil {
					once.Do(func() { err = e })
				}
			}
		})
	}
	wg.Wait()
	return err
}

func opened(tb testing.TB) (puts []put) {
	for _, r := range rivals() {
		puts = append(puts, r.open(tb))
	}
	return puts
}

// writtenBytes is what this process has given to write calls so far.
func writtenBytes(tb testing.TB) (n uint64) {
	text, err := os.ReadFile("/proc/self/io")
	must(tb, err)
	for line := range strings.Lines(string(text)) {
		if m, _ := fmt.Sscanf(line, "wchar: %d", &n); m == 1 {
			return n
		}
	}
	tb.Fatal("no wchar in /proc/self/io")
	return 0
}
