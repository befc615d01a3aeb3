package rule

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// remembering statements: between them every kind of window, aggregate and memory.
var stateful = []string{
	"SELECT topic(1) AS m, sum(value) AS s, percentile(value, 0.9) AS p FROM '+/v' GROUP BY topic(1), TUMBLINGWINDOW(ss, 3)",
	"SELECT min(value) AS a, max(value) AS b, first(value) AS c FROM '+/v' GROUP BY HOPPINGWINDOW(ss, 4, 2)",
	"SELECT avg(value) AS a, stddev(value) AS d, min(value) AS lo, max(value) AS hi, first(value) AS f, last(value) AS l, percentile(value, 0.5) AS p, count(*) AS n FROM '+/v' GROUP BY topic(1), SLIDINGWINDOW(ss, 3)",
	"SELECT count(value) AS n, avg(value) AS a FROM '+/v' GROUP BY topic(1), SESSIONWINDOW(ss, 9, 2)",
	"SELECT sum(value) AS s, max(value) AS m FROM '+/v' GROUP BY topic(1), COUNTWINDOW(5, 2)",
	"SELECT sum(value) AS s, percentile(value, 0.1) AS p, quality FROM '+/v' GROUP BY COUNTWINDOW(4)",
	"SELECT lag(value, 3) AS a, value FROM '+/v' WHERE changed(value)",
}

// history gives a rule n samples of four points with gaps, bad ones, late ones and texts, and what a restart does in between.
func history(t testing.TB, sql string, seed uint64, n int, restart func(*Rule) *Rule) string {
	t.Helper()
	s, err := Parse(sql)
	if err != nil {
		t.Fatal(err)
	}
	points := []Point{{"a/v", "kW"}, {"b/v", ""}, {"c/v", ""}, {"d/v", ""}}
	r := New(s, Options{Late: time.Second})
	random, now := rand.New(rand.NewPCG(seed, 1)), noon
	var b bytes.Buffer
	emit := func(row Row) {
		payload, _ := row.Payload()
		fmt.Fprintf(&b, "%v %s\n", row.Time().Sub(noon), payload)
	}
	for range n {
		r.Bind(points)
		now = now.Add(time.Duration(random.IntN(900)) * time.Millisecond)
		sample := telemetry.Sample{Point: telemetry.PointID(random.IntN(4)), Time: now.Add(-time.Duration(random.IntN(1500)) * time.Millisecond).UnixNano(), Value: telemetry.Float64(float64(random.IntN(20)) / 8)}
		switch random.IntN(12) {
		case 0:
			sample.Quality, sample.Value = telemetry.Bad, telemetry.Value{}
		case 1:
			sample.Value = telemetry.String("text")
		case 2:
			sample.Value = telemetry.Int64(int64(random.IntN(5)))
		case 3:
			now = now.Add(3 * time.Second)
		}
		if err := r.Tick(now, emit); err != nil {
			t.Fatal(err)
		}
		if err := r.Sample(now, sample, emit); err != nil {
			t.Fatal(err)
		}
		r = restart(r)
	}
	if err := r.Tick(now.Add(time.Minute), emit); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(b.String(), r.Stats())
}

func TestStateGoesOnExactly(t *testing.T) {
	for _, sql := range stateful {
		for seed := range uint64(20) {
			want := history(t, sql, seed, 200, func(r *Rule) *Rule { return r })
			got := history(t, sql, seed, 200, func(r *Rule) *Rule { return restored(t, r) })
			if got != want {
				t.Fatalf("%s, seed %d: killed after every sample it gives\n%s\nnot\n%s", sql, seed, got, want)
			}
			if len(want) < 500 {
				t.Fatalf("%s gives only %s", sql, want)
			}
		}
	}
}

func TestStateIsRefused(t *testing.T) {
	a, _ := Parse(stateful[0])
	b, _ := Parse(stateful[1])
	var full []byte
	history(t, stateful[0], 1, 100, func(r *Rule) *Rule { full, _ = r.MarshalBinary(); return r })
	for what, c := range map[string]struct {
		s    *Statement
		data []byte
	}{
		"nothing": {a, nil}, "another version": {a, append([]byte{9}, full[1:]...)}, "another statement's": {b, full}, "a cut one": {a, full[:len(full)/2]},
		"a longer one": {a, append(bytes.Clone(full), 0)},
	} {
		r := New(c.s, Options{})
		if err := r.UnmarshalBinary(c.data); !errors.Is(err, ErrState) {
			t.Errorf("%s is read: %v", what, err)
		}
		r.Bind([]Point{{Topic: "a/v"}})
		if err := r.Sample(noon, telemetry.Sample{Time: noon.UnixNano(), Value: telemetry.Int64(1)}, func(Row) {}); err != nil {
			t.Errorf("after %s the rule does not work: %v", what, err)
		}
	}
}

func TestGroupsAreBounded(t *testing.T) {
	s, _ := Parse("SELECT sum(v) AS s FROM 'x' GROUP BY v, SLIDINGWINDOW(ss, 10)")
	r := New(s, Options{MaxGroups: 3, MaxEvents: 5})
	refused := 0
	give := func(v int, at time.Duration) {
		err := r.Eval(noon.Add(at), Message{Topic: "x", Payload: fmt.Appendf(nil, `{"v":%d}`, v)}, func(Row) {})
		if errors.Is(err, ErrTooMuch) {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for v := range 5 {
		give(v, 0)
	}
	if refused != 2 {
		t.Errorf("%d groups were refused, want 2", refused)
	}
	give(7, time.Minute) // the clock has not moved for the others, but events this old are never looked at again
	if give(1, time.Minute); refused > 3 {
		t.Errorf("%d refused after a minute", refused)
	}
}

func FuzzState(f *testing.F) {
	for _, sql := range stateful {
		history(f, sql, 1, 30, func(r *Rule) *Rule {
			data, _ := r.MarshalBinary()
			f.Add(data)
			return r
		})
	}
	var rules []*Rule
	for _, sql := range stateful {
		s, _ := Parse(sql)
		rules = append(rules, New(s, Options{MaxEvents: 10_000}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, r := range rules {
			if len(data) < 9 || r.UnmarshalBinary(data) != nil {
				continue
			}
			again, err := r.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			if err := New(r.statement, r.o).UnmarshalBinary(again); err != nil {
				t.Fatalf("what was read is written so that it cannot be read: %v", err)
			}
			r.Bind([]Point{{Topic: "a/v"}, {Topic: "b/v"}})
			for i := range 20 {
				now := noon.Add(time.Duration(i) * time.Second)
				s := telemetry.Sample{Point: telemetry.PointID(i % 2), Time: now.UnixNano(), Value: telemetry.Int64(int64(i))}
				if err := r.Sample(now, s, func(row Row) { row.Payload() }); err != nil && !errors.Is(err, ErrTooMuch) {
					t.Fatal(err)
				}
			}
		}
	})
}

// TestRowsThatCannotBeMade: one group's row fails, the others come.
func TestRowsThatCannotBeMade(t *testing.T) {
	s, err := Parse("SELECT topic(1) AS d, replace(last(value), 'a', last(value)) AS x FROM '+/v' GROUP BY topic(1), TUMBLINGWINDOW(ss, 1)")
	if err != nil {
		t.Fatal(err)
	}
	r := New(s, Options{})
	r.Bind([]Point{{Topic: "a/v"}, {Topic: "b/v"}, {Topic: "c/v"}})
	for i, size := range []int{1, 2000, 2} {
		if err := r.Sample(noon, telemetry.Sample{Point: telemetry.PointID(i), Time: noon.UnixNano(), Value: telemetry.String(string(bytes.Repeat([]byte("a"), size)))}, nil); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	err = r.Tick(noon.Add(time.Second), func(row Row) { got = append(got, row.Field("d").String()+" "+row.Field("x").String()) })
	if fmt.Sprint(got) != "[a a c aaaa]" || err == nil {
		t.Errorf("rows %v, %v; want those of a and c, and an error about b", got, err)
	}
}
