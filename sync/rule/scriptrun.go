package rule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// scriptStart is 0s in a script: a midnight, so that windows begin with it.
var scriptStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Failure is what an eval gave that it should not have, or did not give.
type Failure struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"` // several lines
}

func (f Failure) String() string { return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text) }

// Run evaluates everything, and gives what failed.
func (s *Script) Run() []Failure { return s.run(func(r *Rule) *Rule { return r }) }

// Evals is how many there are: a script without any tests nothing.
func (s *Script) Evals() int { return len(s.steps) }

// run lets between replace the rule after each input, for tests that kill and restore it.
func (s *Script) run(between func(*Rule) *Rule) []Failure {
	var failures []Failure
	for i := range s.steps {
		step := &s.steps[i]
		got, err := step.play(between)
		if text := step.judge(got, err); text != "" {
			failures = append(failures, Failure{s.name, step.line, text})
		}
	}
	return failures
}

type gotRow struct {
	at   time.Duration
	text string
}

func (s *scriptStep) play(between func(*Rule) *Rule) ([]gotRow, error) {
	input := slices.Clone(s.input)
	slices.SortStableFunc(input, func(a, b scriptInput) int { return cmp.Compare(a.at, b.at) })
	source := s.sql
	switch {
	case s.named != nil && s.condition:
		return s.playNamed(input)
	case s.named != nil:
		source = s.named.SQL
	case s.condition:
		return s.playCondition(input)
	}
	statement, err := Parse(source)
	if err != nil {
		return nil, err
	}
	r := New(statement, Options{Late: s.late})
	r.Bind(s.points)
	var got []gotRow
	emit := func(row Row) {
		payload, wrong := row.Payload()
		if wrong != nil {
			err = wrong
		}
		got = append(got, gotRow{row.Time().Sub(scriptStart), string(payload)})
	}
	for _, in := range input {
		if e := in.give(r, emit); e != nil {
			return got, fmt.Errorf("at %v: %w", in.at, e)
		}
		r = between(r)
		r.Bind(s.points)
	}
	for next, ok := r.Next(); ok && err == nil; next, ok = r.Next() {
		if e := r.Tick(next, emit); e != nil {
			return got, e
		}
	}
	return got, err
}

func (in scriptInput) give(r *Rule, emit func(Row)) error {
	now := scriptStart.Add(in.at)
	if err := r.Tick(now, emit); err != nil {
		return err
	}
	if in.message != nil {
		return r.Eval(now, *in.message, emit)
	}
	s := in.sample
	s.Time = now.UnixNano()
	return r.Sample(now, s, emit)
}

// playCondition gives a row whenever what a condition says has changed; before the first sample it is undefined.
func (s *scriptStep) playCondition(input []scriptInput) ([]gotRow, error) {
	c, err := ParseCondition(s.sql)
	if err != nil {
		return nil, err
	}
	current := make([]telemetry.Sample, len(c.Points()))
	for i := range current {
		current[i].Quality = telemetry.BadWaitingForData
	}
	values := func(i int) (telemetry.Value, telemetry.Quality) { return current[i].Value, current[i].Quality }
	var got []gotRow
	before := Unknown
	for i, in := range input {
		if in.message == nil {
			name := strings.Replace(s.points[in.sample.Point].Topic, "/", ".", 1)
			if at := slices.Index(c.Points(), name); at >= 0 {
				current[at] = in.sample
			}
		}
		if i+1 < len(input) && input[i+1].at == in.at { // all samples of one moment are there before it is judged
			continue
		}
		if now := c.Eval(values); now != before {
			got, before = append(got, gotRow{in.at, now.String()}), now
		}
	}
	return got, nil
}

// judge says what is wrong, nothing when all is as it should be.
func (s *scriptStep) judge(got []gotRow, err error) string {
	switch {
	case s.fails != "" && err == nil:
		return s.sql + "\n  should fail with: " + s.fails
	case s.fails != "" && (s.fails == "?" || strings.Contains(err.Error(), s.fails)):
		return ""
	case s.fails != "":
		return s.sql + "\n  fails with:       " + err.Error() + "\n  should fail with: " + s.fails
	case err != nil:
		return s.sql + "\n  fails with: " + err.Error()
	}
	same := len(got) == len(s.want)
	for i := 0; same && i < len(got); i++ {
		same = s.want[i].matches(got[i], s.condition)
	}
	if same {
		return ""
	}
	return s.sql + "\n" + s.diff(got)
}

func (r scriptRow) matches(got gotRow, condition bool) bool {
	if got.at != r.at {
		return false
	}
	if condition || r.want == "" {
		return got.text == r.want
	}
	v, err := ParseJSON([]byte(got.text))
	return err == nil && nearly(v, r.v)
}

// nearly is same, save that numbers may differ in the last digits of double precision.
func nearly(a, b Value) bool {
	switch {
	case a.isNumber() && b.isNumber():
		x, y := a.float(), b.float()
		return compare(a, b) == 0 || max(x-y, y-x) <= 1e-12*max(x, -x, y, -y)
	case a.kind == Array && b.kind == Array:
		return slices.EqualFunc(a.items(), b.items(), nearly)
	case a.kind == Object && b.kind == Object && len(a.fields().keys) == len(b.fields().keys):
		for i, key := range a.fields().keys {
			if b.fields().place(key) < 0 || !nearly(a.fields().values[i], b.fields().get(key)) {
				return false
			}
		}
		return true
	}
	return same(a, b)
}

// diff shows rows as they came, those that should not have with +, those that are missing with -.
func (s *scriptStep) diff(got []gotRow) string {
	var b strings.Builder
	i, j := 0, 0
	for i < len(s.want) || j < len(got) {
		switch {
		case i < len(s.want) && j < len(got) && s.want[i].matches(got[j], s.condition):
			fmt.Fprintf(&b, "    %v %s\n", got[j].at, got[j].text)
			i, j = i+1, j+1
		case j == len(got) || i < len(s.want) && s.want[i].at <= got[j].at:
			fmt.Fprintf(&b, "  - %v %s\n", s.want[i].at, s.want[i].want)
			i++
		default:
			fmt.Fprintf(&b, "  + %v %s\n", got[j].at, got[j].text)
			j++
		}
	}
	return strings.TrimRight(b.String(), "\n")
}
