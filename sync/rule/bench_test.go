package rule

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// perCPU reports samples per second of processor time: what a shared machine cannot distort.
func perCPU(b *testing.B, samples func() int) {
	b.Helper()
	b.ReportAllocs()
	before := cpu()
	n := samples()
	b.ReportMetric(float64(n)/(cpu()-before).Seconds()/1e6, "Msamples/cpu-s")
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func bound(b *testing.B, sql string, points int) *Rule {
	b.Helper()
	s, err := Parse(sql)
	if err != nil {
		b.Fatal(err)
	}
	r := New(s, Options{})
	var all []Point
	for i := range points {
		all = append(all, Point{Topic: fmt.Sprintf("meter_%d/power_total", i), Unit: "kW"})
	}
	r.Bind(all)
	return r
}

func benchSamples(b *testing.B, sql string, points int, step time.Duration) {
	r := bound(b, sql, points)
	rows, now := 0, noon
	emit := func(row Row) { rows += len(row.values) }
	i := 0
	perCPU(b, func() int {
		for b.Loop() {
			s := telemetry.Sample{Point: telemetry.PointID(i % points), Time: now.UnixNano(), Value: telemetry.Float64(float64(i % 100))}
			if err := r.Sample(now, s, emit); err != nil {
				b.Fatal(err)
			}
			if i++; i%points == 0 {
				now = now.Add(step)
			}
		}
		return b.N
	})
	if rows == 0 && b.N > 1000 {
		b.Fatal("no row")
	}
}

func BenchmarkValueAbove(b *testing.B) {
	benchSamples(b, "SELECT value FROM '+/power_total' WHERE value > 80", 1000, time.Second)
}

func BenchmarkSlidingAverage(b *testing.B) {
	benchSamples(b, "SELECT avg(value) AS value FROM '+/power_total' GROUP BY topic(1), SLIDINGWINDOW(ss, 10)", 1000, time.Second)
}

func BenchmarkTumblingSum(b *testing.B) {
	benchSamples(b, "SELECT sum(value) AS value FROM '+/power_total' WHERE startswith(topic(1), 'meter_') GROUP BY TUMBLINGWINDOW(ss, 10)", 1000, time.Second)
}

func BenchmarkCondition(b *testing.B) {
	c, err := ParseCondition("press.oil_temp > 85 AND press.running")
	if err != nil {
		b.Fatal(err)
	}
	now := [...]telemetry.Value{telemetry.Float64(86), telemetry.Bool(true)}
	values := func(i int) (telemetry.Value, telemetry.Quality) { return now[i], telemetry.Good }
	hits := 0
	perCPU(b, func() int {
		for b.Loop() {
			if c.Eval(values) == True {
				hits++
			}
		}
		return b.N
	})
	if hits != b.N {
		b.Fatal("it must hold")
	}
}

func BenchmarkMessage(b *testing.B) {
	s, err := Parse("SELECT temp, topic(2) AS device FROM 'plant/+' WHERE temp > 80")
	if err != nil {
		b.Fatal(err)
	}
	r, in := New(s, Options{}), Message{Topic: "plant/press", Payload: []byte(`{"temp": 85.5, "running": true, "state": {"n": 3}}`)}
	perCPU(b, func() int {
		for b.Loop() {
			if err := r.Eval(noon, in, func(row Row) { row.Payload() }); err != nil {
				b.Fatal(err)
			}
		}
		return b.N
	})
}
