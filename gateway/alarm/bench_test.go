package alarm_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/alarm"
	isa "github.com/penstock-edge/penstock/sync/alarm"
)

// counted is a buffer that says when something was appended.
type counted struct {
	*buffer.Queue
	appended chan int
}

func (c counted) Append(ctx context.Context, recs ...buffer.Record) (uint64, error) {
	last, err := c.Queue.Append(ctx, recs...)
	c.appended <- len(recs)
	return last, err
}

// BenchmarkConditionToBuffer: from what a rule says to the event's being on disk in the buffer, one at a time, on the disk of TMPDIR.
func BenchmarkConditionToBuffer(b *testing.B) {
	cfg := plant7()
	for i := range 1000 {
		cfg.Rules = append(cfg.Rules, rule(fmt.Sprintf("alarm_%03d", i), "press.a > 1", isa.Config{}))
	}
	s := newSite(b, b.TempDir(), cfg, alarm.Options{})
	defer s.close()
	sink := counted{s.queue, make(chan int)}
	p, err := alarm.New(s.db, sink, cfg, alarm.Options{})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var run sync.WaitGroup
	run.Go(func() { _ = p.Run(ctx) })
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		began := time.Now()
		if err := p.Condition(alarm.Condition{Rule: cfg.Rules[n%1000].Name, Is: isa.Condition(1 + (n/1000+1)%2), Text: "oil is at 86.5 °C", At: began}); err != nil {
			b.Fatal(err)
		}
		<-sink.appended
		took = append(took, time.Since(began))
	}
	cancel()
	run.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
}

// BenchmarkFlapping: a second of 1,000 alarms whose conditions change ten times a second each, as their rules' goroutines tell it.
func BenchmarkFlapping(b *testing.B) {
	cfg := plant7()
	for i := range 1000 {
		cfg.Rules = append(cfg.Rules, rule(fmt.Sprintf("alarm_%03d", i), "press.a > 1", isa.Config{}))
	}
	s := newSite(b, b.TempDir(), cfg, alarm.Options{})
	defer s.close()
	ctx, cancel := context.WithCancel(b.Context())
	var run sync.WaitGroup
	run.Go(func() { _ = s.Run(ctx) })
	before, n := cpu(b), 0
	for b.Loop() {
		var rules sync.WaitGroup
		for i := range cfg.Rules {
			rules.Go(func() {
				tick := time.NewTicker(100 * time.Millisecond)
				defer tick.Stop()
				for j := range 10 {
					<-tick.C
					if err := s.Condition(alarm.Condition{Rule: cfg.Rules[i].Name, Is: isa.Condition(1 + j%2), Text: "oil is at 86.5 °C", At: time.Now()}); err != nil {
						b.Error(err)
					}
				}
			})
		}
		rules.Wait()
		n += 10 * len(cfg.Rules)
	}
	b.ReportMetric(100*float64(cpu(b)-before)/float64(b.Elapsed()), "%cpu")
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "changes/s")
	st := s.queue.Stats()
	b.ReportMetric(float64(st.Bytes)/b.Elapsed().Seconds()/1000, "kB/s-to-buffer")
	cancel()
	run.Wait()
}

// cpu is the time that the process has had of all processors.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
