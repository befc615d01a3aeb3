package rule

import (
	"fmt"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Named is a rule that scripts evaluate by its name: a statement, or a condition and what keeps it on.
type Named struct {
	SQL   string
	When  string
	For   time.Duration // When must be true this long without a break
	Until string        // what ends it; without, When's no longer being true
}

// ParseScriptOf is ParseScript where `eval rule NAME` evaluates a rule that the host knows: a statement as eval does, of a condition
// the moments at which the rule comes `on` and goes `off`.
func ParseScriptOf(name, src string, rules func(name string) (Named, bool)) (*Script, error) {
	return (&scriptParser{script: Script{name: name}, rules: rules}).parse(src)
}

// beginNamed is `eval rule oil_hot`.
func (p *scriptParser) beginNamed(step *scriptStep, name string) error {
	name = strings.TrimSpace(name)
	named, ok := Named{}, false
	if p.rules != nil {
		named, ok = p.rules(name)
	}
	if !ok {
		return fmt.Errorf("there is no rule %q here", shorten(name))
	}
	step.named, step.sql, step.condition = &named, "rule "+name, named.SQL == ""
	return nil
}

// switching is a condition's rule at work.
type switching struct {
	Named
	when, until *Condition
	current     map[string]telemetry.Sample
	on, pending bool
	since       time.Duration // pending: when When became true
	got         []gotRow
}

func (s *scriptStep) playNamed(input []scriptInput) ([]gotRow, error) {
	w := &switching{Named: *s.named, current: map[string]telemetry.Sample{}}
	var err error
	if w.when, err = ParseCondition(w.When); err != nil {
		return nil, err
	}
	if w.Until != "" {
		if w.until, err = ParseCondition(w.Until); err != nil {
			return nil, err
		}
	}
	for i, in := range input {
		if in.message == nil {
			w.current[strings.Replace(s.points[in.sample.Point].Topic, "/", ".", 1)] = in.sample
		}
		if i+1 == len(input) || input[i+1].at != in.at { // all samples of one moment are there before it is judged
			w.due(in.at)
			w.judge(in.at)
		}
	}
	if w.pending {
		w.due(w.since + w.For)
	}
	return w.got, nil
}

// due comes on when the time is over, before what comes at that moment is looked at.
func (w *switching) due(now time.Duration) {
	if w.pending && now >= w.since+w.For {
		w.turn(true, w.since+w.For)
	}
}

func (w *switching) turn(on bool, at time.Duration) {
	w.on, w.pending = on, false
	w.got = append(w.got, gotRow{at, map[bool]string{true: "on", false: "off"}[on]})
}

// judge looks at the conditions. What is unknown changes nothing, and the time runs on. A rule does not come on while until is true.
func (w *switching) judge(now time.Duration) {
	when, ends := w.says(w.when), false
	if w.until == nil {
		ends = when == False
	} else if w.says(w.until) == True {
		when, ends = False, true
	}
	switch {
	case w.on && ends:
		w.turn(false, now)
	case w.on || when == Unknown:
	case when == False:
		w.pending = false
	case w.For == 0:
		w.turn(true, now)
	case !w.pending:
		w.pending, w.since = true, now
	}
}

func (w *switching) says(c *Condition) Tri {
	return c.Eval(func(i int) (telemetry.Value, telemetry.Quality) {
		s, ok := w.current[c.Points()[i]]
		if !ok {
			s.Quality = telemetry.BadWaitingForData
		}
		return s.Value, s.Quality
	})
}
