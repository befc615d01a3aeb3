package rule

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestHostileSQLIsRefused(t *testing.T) {
	deep := func(open, inner, shut string) string {
		return "SELECT " + strings.Repeat(open, 10_000) + inner + strings.Repeat(shut, 10_000) + " FROM 'a'"
	}
	for what, c := range map[string][2]string{
		"1 MB":                   {"SELECT " + strings.Repeat("1+", 1<<19) + "1 FROM 'a'", "at most 65536 are read"},
		"10,000 parentheses":     {deep("(", "1", ")"), "1:72: more than 64 levels"},
		"10,000 arrays":          {deep("[", "1", "]"), "more than 64 levels"},
		"10,000 minuses":         {deep("-", "a", ""), "more than 64 levels"},
		"10,000 NOTs":            {deep("NOT ", "a", ""), "more than 64 levels"},
		"10,000 calls":           {deep("abs(", "a", ")"), "more than 64 levels"},
		"1,000 queries":          {"SELECT " + strings.Repeat("(SELECT VALUE ", 1000) + "a", "more than 64 levels"},
		"10,000 keys":            {deep("", "a", ".a"), "more than 64 levels"},
		"10,000 operators":       {deep("", "1", "+1"), "more than 1000 operators"},
		"an exploding regexp":    {"SELECT regexp_matches(a, '((a{1000}){1000}){1000}') FROM 'a'", "error parsing regexp"},
		"a long regexp":          {"SELECT regexp_matches(a, '" + strings.Repeat("a?", 600) + "') FROM 'a'", "at most 1000"},
		"bytes that are no text": {"SELECT \xff FROM 'a'", "not UTF-8"},
		"a window of a century":  {"SELECT count(*) FROM 'a' GROUP BY TUMBLINGWINDOW(dd, 36500)", "at most 31 days"},
		"a million windows":      {"SELECT count(*) FROM 'a' GROUP BY HOPPINGWINDOW(dd, 30, 1)", ""},
		"a hop of nothing":       {"SELECT count(*) FROM 'a' GROUP BY HOPPINGWINDOW(hh, 9000000000000, 1)", "at least 1"},
		"windows without end":    {"SELECT count(*) FROM 'a' GROUP BY HOPPINGWINDOW(ms, 100000, 1)", "more than 1000 windows"},
	} {
		start := time.Now()
		_, err := Parse(c[0])
		if c[1] == "" && err == nil {
			continue
		}
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %.200v", what, err)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s took %v", what, took)
		}
	}
}

func TestHostileMessages(t *testing.T) {
	const double = "(SELECT get_or_default(*, '', *) AS a, get_or_default(*, '', *) AS b FROM "
	array := "[" + strings.Repeat(`{"a":1},`, 9_999) + `{"a":2}]`
	for what, c := range map[string]struct {
		sql, payload string
		want         error // nil: no row, or a small one
	}{
		"queries in queries":     {"SELECT VALUE (SELECT VALUE a FROM (SELECT * FROM l WHERE a > 0) WHERE a > 0) FROM 'a/b' WHERE isUndefined((SELECT VALUE (SELECT VALUE b FROM l) FROM l))", `{"l":` + array + `}`, nil},
		"doubling":               {"SELECT VALUE " + strings.Repeat(double, 30) + "l" + strings.Repeat(")", 30) + " FROM 'a/b'", `{"l":[{}]}`, nil},
		"doubling, compared":     {"SELECT 1 AS x FROM 'a/b' WHERE " + strings.Repeat(double, 30) + "l" + strings.Repeat(")", 30) + " = l", `{"l":[{}]}`, nil},
		"an exploding regexp":    {"SELECT regexp_matches(s, '^(a+)+$') AS x FROM 'a/b'", `{"s":"` + strings.Repeat("a", 5000) + `b"}`, nil},
		"a pattern that is sent": {"SELECT regexp_matches(s, p) AS x FROM 'a/b'", `{"s":"aaaa","p":"((a{900}){900}){900}"}`, nil},
		"replacing":              {"SELECT replace(replace(replace(s, 'a', s), 'a', s), 'a', s) AS x FROM 'a/b'", `{"s":"` + strings.Repeat("a", 500) + `"}`, errAny},
		"deep JSON":              {"SELECT a FROM 'a/b'", strings.Repeat("[", 100_000), ErrPayload},
		"a long number":          {"SELECT a FROM 'a/b'", `{"a":` + strings.Repeat("9", 100_000) + `}`, ErrPayload},
		"a large number":         {"SELECT a FROM 'a/b'", `{"a":1e99999999999999999999}`, ErrPayload},
		"a small number":         {"SELECT a FROM 'a/b'", `{"a":1e-99999999999999999999}`, nil},
		"numbers far apart":      {"SELECT a + b AS c, a * b AS d, a / b AS e, a % b AS f FROM 'a/b'", `{"a":9e999,"b":1e-999}`, nil},
	} {
		s, err := Parse(c.sql)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		start := time.Now()
		err = New(s, Options{}).Eval(noon, message(c.payload), func(r Row) {
			if p, err := r.Payload(); err == nil && len(p) > 1<<20 {
				t.Errorf("%s: a row of %d bytes", what, len(p))
			}
		})
		if c.want == errAny && err == nil || c.want != errAny && c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s took %v", what, took)
		}
	}
}

var errAny = errors.New("any")

func TestTooManySteps(t *testing.T) {
	s, err := Parse("SELECT VALUE (SELECT VALUE get((SELECT VALUE get((SELECT VALUE x FROM l), 0) FROM l), 0) FROM l) FROM 'a/b'")
	if err != nil {
		t.Fatal(err)
	}
	in := message(`{"l":[` + strings.Repeat(`{"l":[`+strings.Repeat("{},", 999)+`{}]},`, 20) + `{}]}`)
	if err := New(s, Options{Steps: 1000}).Eval(noon, in, func(Row) { t.Error("a row") }); !errors.Is(err, ErrSteps) {
		t.Errorf("%v, want %v", err, ErrSteps)
	}
}

// TestSamplesAndMessagesAgree: a sample and the message it would be give the same.
func TestSamplesAndMessagesAgree(t *testing.T) {
	samples := []telemetry.Sample{{Value: telemetry.Float64(80.5)}, {Value: telemetry.Int64(81)}, {Value: telemetry.Float64(-0.25)}, {Value: telemetry.Bool(true)}, {Value: telemetry.String("90")},
		{Quality: telemetry.BadTimeout}, {Value: telemetry.Float64(79), Quality: telemetry.Uncertain}, {Value: telemetry.Uint64(1 << 63)}, {Value: telemetry.Int64(1<<60 + 1)}}
	for _, where := range []string{"value > 80", "value < 80.5", "value >= 81", "value <= 1e3", "value = 80.5", "value <> 81", "NOT value > 80", "value = '90'", "value", "value > 1152921504606846976",
		"quality = 'good' AND value > 0", "unit = 'kW' OR value > 1", "topic(1) = 'm' AND value + 1 > 81", "isUndefined(value)", "value * 4 = 324", "startswith(value, '8')", "(value) > 80"} {
		s, err := Parse("SELECT value, unit, quality, topic(2) AS p, value > 80 AS hot FROM 'm/p' WHERE " + where)
		if err != nil {
			t.Fatal(err)
		}
		r := New(s, Options{})
		r.Bind([]Point{{Topic: "m/p", Unit: "kW"}})
		for _, sample := range samples {
			sample.Time = noon.UnixNano()
			var typed, parsed string
			emit := func(into *string) func(Row) {
				return func(row Row) { p, _ := row.Payload(); *into = string(p) }
			}
			if err := r.Sample(noon, sample, emit(&typed)); err != nil {
				t.Fatal(err)
			}
			r.env.read = false
			body := r.env.sampleBody()
			if err := r.Eval(noon, Message{Topic: "m/p", Body: &body}, emit(&parsed)); err != nil {
				t.Fatal(err)
			}
			if typed != parsed {
				t.Errorf("%s of %v: the sample gives %s, the message %s", where, sample, typed, parsed)
			}
		}
	}
}

// TestNothingIsAllocated between a sample and a decision.
func TestNothingIsAllocated(t *testing.T) {
	s, _ := Parse("SELECT avg(value) AS value FROM '+/p' WHERE value > 80 AND startswith(topic(1), 'm') GROUP BY topic(1), SLIDINGWINDOW(ss, 10)")
	r := New(s, Options{})
	r.Bind([]Point{{Topic: "m/p"}})
	c, _ := ParseCondition("press.oil_temp > 85 AND press.running OR press.force / 2 >= 7")
	values := func(i int) (telemetry.Value, telemetry.Quality) { return telemetry.Float64(float64(i)), telemetry.Good }
	rows, now := 0, noon
	emit := func(row Row) { rows += int(row.Field("value").Telemetry().Bits() & 1) }
	give := func() {
		now = now.Add(100 * time.Millisecond)
		if err := r.Sample(now, telemetry.Sample{Time: now.UnixNano(), Value: telemetry.Float64(90)}, emit); err != nil {
			t.Error(err)
		}
		c.Eval(values)
	}
	for range 1000 {
		give()
	}
	if n := testing.AllocsPerRun(1000, give); n != 0 {
		t.Errorf("%v allocations a sample", n)
	}
	runtime.KeepAlive(rows)
}

func FuzzParse(f *testing.F) {
	for _, sql := range append(stateful, "SELECT *, 15 AS a.b FROM 'x/+' WHERE CASE a WHEN 1 THEN true ELSE false END", "SELECT VALUE (SELECT a, b FROM e WHERE n = 't') FROM '#'", "SELECT cast({'k': [1, -2.5E-3]} AS String)", "press.oil_temp > 85 AND NOT press.running", "x ${topic(1)} y") {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if s, err := Parse(sql); err == nil {
			New(s, Options{})
		}
		if c, err := ParseCondition(sql); err == nil {
			c.Eval(func(int) (telemetry.Value, telemetry.Quality) { return telemetry.Int64(1), telemetry.Good })
		}
		if tpl, err := ParseTemplate(sql, Options{}); err == nil {
			_, _ = tpl.Expand(noon, message(`{"a":1}`))
		}
		if s, err := ParseScript("fuzz", sql); err == nil && len(sql) < 1000 && !strings.Contains(sql, "x") {
			s.Run()
		}
	})
}

func FuzzEval(f *testing.F) {
	for _, payload := range []string{press, senml, `{"a":1e999,"b":-1e-999}`, "[1,2", `"x"`, "\xff"} {
		for _, expr := range []string{"a + b", "regexp_replace(name, '(.)', '$1$9')", "substring(name, n, temp)", "parse_time(name, n)", "time_to_epoch(name, 'dd MMM yyyy')", "(SELECT VALUE * FROM e WHERE v > 10)",
			"trunc(temp, n) % 3", "concat(list, name, temp)", "decode(encode(*, 'base64'), 'base64')", "bitnot(n) / bitand(n, 3)", "transform('enrichArray', state, e)", "cast(name AS Decimal)"} {
			f.Add(expr, payload)
		}
	}
	f.Fuzz(func(t *testing.T, expr, payload string) {
		s, err := Parse("SELECT " + expr + " AS x FROM 'a/b'")
		if err != nil {
			return
		}
		r := New(s, Options{Steps: 10_000, Rand: func() uint64 { return 5 }})
		_ = r.Eval(noon, message(payload), func(row Row) {
			out, err := row.Payload()
			if err != nil || row.raw != nil {
				return
			}
			if _, err := ParseJSON(out); len(out) > 0 && err != nil {
				t.Fatalf("%s over %q gives %q: %v", expr, payload, out, err)
			}
			fmt.Fprint(new(strings.Builder), row.Value().Telemetry())
		})
	})
}
