// Package bench runs one condition and one sliding average through sync/rule, expr-lang/expr and google/cel-go, in one process.
package bench

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/expr-lang/expr"
	"github.com/google/cel-go/cel"

	"github.com/penstock-edge/penstock/sync/rule"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

const points = 1000

// measure reports samples per second of processor time.
func measure(b *testing.B, one func(i int)) {
	b.ReportAllocs()
	before, i := cpu(b), 0
	for b.Loop() {
		one(i)
		i++
	}
	b.ReportMetric(float64(i)/(cpu(b)-before).Seconds()/1e6, "Msamples/cpu-s")
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func value(i int) float64 { return float64(i % 100) }

type sample struct {
	Value float64 `expr:"value"`
}

func BenchmarkAbove(b *testing.B) {
	b.Run("rule-statement", func(b *testing.B) { penstock(b, "SELECT value FROM '+/v' WHERE value > 80") })
	b.Run("rule-condition", func(b *testing.B) {
		c, err := rule.ParseCondition("m.v > 80")
		if err != nil {
			b.Fatal(err)
		}
		now := telemetry.Value{}
		values := func(int) (telemetry.Value, telemetry.Quality) { return now, telemetry.Good }
		measure(b, func(i int) { now = telemetry.Float64(value(i)); c.Eval(values) })
	})
	b.Run("expr", func(b *testing.B) {
		program, err := expr.Compile("value > 80", expr.Env(&sample{}), expr.AsBool())
		if err != nil {
			b.Fatal(err)
		}
		env := &sample{}
		measure(b, func(i int) {
			env.Value = value(i)
			if _, err := expr.Run(program, env); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("cel", func(b *testing.B) {
		env, err := cel.NewEnv(cel.Variable("value", cel.DoubleType))
		if err != nil {
			b.Fatal(err)
		}
		ast, issues := env.Compile("value > 80.0")
		if issues.Err() != nil {
			b.Fatal(issues.Err())
		}
		program, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize))
		if err != nil {
			b.Fatal(err)
		}
		vars := map[string]any{}
		measure(b, func(i int) {
			vars["value"] = value(i)
			if _, _, err := program.Eval(vars); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// BenchmarkSlidingAverage: neither rival has windows; with them it is a slice of the last ten samples a point, kept by hand.
func BenchmarkSlidingAverage(b *testing.B) {
	b.Run("rule", func(b *testing.B) {
		penstock(b, "SELECT avg(value) AS value FROM '+/v' GROUP BY topic(1), SLIDINGWINDOW(ss, 10)")
	})
	b.Run("expr-mean", func(b *testing.B) {
		type window struct {
			Values []float64 `expr:"values"`
		}
		program, err := expr.Compile("mean(values)", expr.Env(&window{}))
		if err != nil {
			b.Fatal(err)
		}
		windows := make([]window, points)
		measure(b, func(i int) {
			w := &windows[i%points]
			if len(w.Values) == 10 {
				w.Values = append(w.Values[:0], w.Values[1:]...)
			}
			w.Values = append(w.Values, value(i))
			if _, err := expr.Run(program, w); err != nil {
				b.Fatal(err)
			}
		})
	})
}

func penstock(b *testing.B, sql string) {
	s, err := rule.Parse(sql)
	if err != nil {
		b.Fatal(err)
	}
	r := rule.New(s, rule.Options{})
	var all []rule.Point
	for i := range points {
		all = append(all, rule.Point{Topic: fmt.Sprintf("meter_%d/v", i)})
	}
	r.Bind(all)
	now, rows := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 0
	emit := func(rule.Row) { rows++ }
	measure(b, func(i int) {
		if i%points == 0 {
			now = now.Add(time.Second)
		}
		s := telemetry.Sample{Point: telemetry.PointID(i % points), Time: now.UnixNano(), Value: telemetry.Float64(value(i))}
		if err := r.Sample(now, s, emit); err != nil {
			b.Fatal(err)
		}
	})
}
