package rule_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters/all"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/rule"
	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// hall is a plant of 10,000 points and 100 rules: 50 conditions with hysteresis, 30 with a delay, 19 windows over 100 points each,
// and one that writes.
func hall(t testing.TB) *config.Config {
	t.Helper()
	var b strings.Builder
	b.WriteString("version: 1\ngateway: {id: plant7}\nconnections: {plc: {modbus: tcp, address: \"127.0.0.1:1\"}}\ndevices:\n")
	for d := range 100 {
		fmt.Fprintf(&b, "  - name: dev_%02d\n    connection: plc\n    unit: %d\n    points:\n", d, d+1)
		for p := range 99 {
			fmt.Fprintf(&b, "      p%02d: {at: hr:%d, type: float32}\n", p, 2*p)
		}
		b.WriteString("      start: {at: co:0, access: rw}\n")
	}
	b.WriteString("rules:\n")
	for i := range 50 {
		fmt.Fprintf(&b, "  - {name: h%d, when: dev_%02d.p01 > 95, until: dev_%02d.p01 < 90, set: {shop.h%d: true}, end: {set: {shop.h%d: false}}}\n", i, i, i, i, i)
	}
	for i := range 30 {
		fmt.Fprintf(&b, "  - {name: d%d, when: dev_%02d.p02 > 40 AND dev_%02d.p03 > 40, for: 10s, set: {shop.d%d: true}}\n", i, i, i, i)
	}
	for i := range 19 {
		fmt.Fprintf(&b, "  - {name: w%d, sql: \"SELECT avg(value) AS value FROM 'dev_%02d/+' GROUP BY TUMBLINGWINDOW(ss, 1)\", set: shop.w%d}\n", i, i, i)
	}
	b.WriteString("  - {name: reflex, when: dev_99.p98 > 0, write: {dev_99.start: true}, end: {write: {dev_99.start: false}}}\n")
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, report := config.Load(file, all.Kinds())
	if cfg == nil || report.Errors() > 0 {
		t.Fatal(report)
	}
	return cfg
}

// quick hands only say when a write came.
type quick struct {
	hands
	wrote chan time.Time
}

func (q *quick) Set(samples []telemetry.Sample) { q.engine.Put(samples) }
func (q *quick) Write(context.Context, rule.Order) error {
	q.wrote <- time.Now()
	return nil
}

// running is an engine on a real disk.
func running(b *testing.B, cfg *config.Config) (*rule.Engine, *quick) {
	b.Helper()
	db, err := state.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	q := &quick{wrote: make(chan time.Time, 1)}
	e, err := rule.New(cfg, db, q, rule.Options{Writes: 1000}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	q.engine = e
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
		_ = db.Close()
	})
	return e, q
}

// rounds are samples of all devices, one slice a device.
func rounds(cfg *config.Config) [][]telemetry.Sample {
	byDevice := make([][]telemetry.Sample, 100)
	for i := range cfg.Points {
		if p := &cfg.Points[i]; !p.Virtual() && p.Name != "p98" {
			var d int
			fmt.Sscanf(p.Device, "dev_%d", &d)
			byDevice[d] = append(byDevice[d], telemetry.Sample{Point: p.ID, Value: telemetry.Float64(20)})
		}
	}
	return byDevice
}

// BenchmarkPut is 10,000 points and 100 rules of which none fires but the windows: time a sample.
func BenchmarkPut(b *testing.B) {
	cfg := hall(b)
	e, _ := running(b, cfg)
	devices := rounds(cfg)
	b.ReportAllocs()
	n := 0
	began := cpu()
	for i := 0; b.Loop(); i++ {
		in := devices[i%len(devices)]
		now := time.Now().UnixNano()
		for j := range in {
			in[j].Time = now
		}
		e.Put(in)
		n += len(in)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/sample")
	b.ReportMetric(float64((cpu()-began).Nanoseconds())/float64(n), "cpu-ns/sample")
	b.ReportMetric(0, "ns/op")
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkReflex is from Put to Hands.Write, through the disk, while 10,000 points a second come in: an operation is one change.
func BenchmarkReflex(b *testing.B) {
	cfg := hall(b)
	e, q := running(b, cfg)
	devices := rounds(cfg)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(10 * time.Millisecond) // a device each
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			in := devices[i%len(devices)]
			for j := range in {
				in[j].Time = time.Now().UnixNano()
			}
			e.Put(in)
		}
	}()
	var input telemetry.PointID
	for i := range cfg.Points {
		if cfg.Points[i].FullName() == "dev_99.p98" {
			input = telemetry.PointID(i)
		}
	}
	var took []time.Duration
	began, busy := time.Now(), cpu()
	for i := 0; b.Loop(); i++ {
		time.Sleep(9 * time.Millisecond)
		at := time.Now()
		e.Put([]telemetry.Sample{{Point: input, Time: at.UnixNano(), Value: telemetry.Float64(float64((i + 1) % 2))}})
		took = append(took, (<-q.wrote).Sub(at))
	}
	share := float64(cpu()-busy) / float64(time.Since(began))
	close(stop)
	<-stopped
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
	b.ReportMetric(share*100, "%cpu")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkStoring is 10,000 points a second for a while, with 19 windows over 1,900 of them: what the engine takes of one processor.
func BenchmarkStoring(b *testing.B) {
	cfg := hall(b)
	e, _ := running(b, cfg)
	devices := rounds(cfg)
	began, busy := time.Now(), cpu()
	n := 0
	for i := 0; b.Loop(); i++ {
		time.Sleep(time.Until(began.Add(time.Duration(i) * 10 * time.Millisecond)))
		in := devices[i%len(devices)]
		for j := range in {
			in[j].Time = time.Now().UnixNano()
		}
		e.Put(in)
		n += len(in)
	}
	b.ReportMetric(float64(n)/time.Since(began).Seconds(), "samples/s")
	b.ReportMetric(float64(cpu()-busy)/float64(time.Since(began))*100, "%cpu")
	b.ReportMetric(0, "ns/op")
}
