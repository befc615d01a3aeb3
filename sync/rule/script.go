package rule

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Script is a file in the test language: what comes when, and what rules and conditions must make of it. See "Tests" in the README.
type Script struct {
	name  string
	steps []scriptStep
}

// scriptStep is an eval with what has been loaded until then.
type scriptStep struct {
	line      int
	input     []scriptInput
	points    []Point
	condition bool
	named     *Named // eval rule
	fails     string // eval_fail: what the error must say
	sql       string
	late      time.Duration
	want      []scriptRow
}

type scriptInput struct {
	at      time.Duration
	sample  telemetry.Sample // of a place in points
	message *Message
}

type scriptRow struct {
	line int
	at   time.Duration
	want string // as it is written
	v    Value
}

// Bounds of a script.
const (
	maxScript  = 16 << 20
	maxSamples = 1_000_000
)

type scriptParser struct {
	script Script
	line   int
	input  []scriptInput
	points []Point
	late   time.Duration
	every  time.Duration // of the load under way; 0 outside
	eval   *scriptStep   // under way
	rules  func(name string) (Named, bool)
}

// ParseScript reads a script. An error names file and line.
func ParseScript(name, src string) (*Script, error) {
	return ParseScriptOf(name, src, nil)
}

func (p *scriptParser) parse(src string) (*Script, error) {
	name := p.script.name
	if len(src) > maxScript {
		return nil, fmt.Errorf("%s: %d bytes, at most %d are read", name, len(src), maxScript)
	}
	for i, line := range strings.Split(src, "\n") {
		p.line = i + 1
		line = strings.TrimRight(line, " \t\r")
		if line == "" || strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		if err := p.read(line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, p.line, err)
		}
	}
	p.finish()
	return &p.script, nil
}

func (p *scriptParser) read(line string) error {
	indented := line[0] == ' ' || line[0] == '\t'
	line = strings.TrimSpace(line)
	switch {
	case indented && p.eval != nil:
		return p.row(line)
	case indented && p.every > 0:
		return p.series(line)
	case indented:
		return fmt.Errorf("an indented line belongs to load or eval, and there is neither above")
	}
	p.finish()
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "load":
		return duration(rest, &p.every)
	case "late":
		return duration(rest, &p.late)
	case "message":
		return p.message(rest)
	case "clear":
		p.input, p.points, p.late = nil, nil, 0
		return nil
	case "eval", "eval_fail":
		return p.begin(word, rest)
	}
	return fmt.Errorf("%q is no command: want load, message, late, eval, eval_fail or clear", shorten(word))
}

func duration(s string, into *time.Duration) error {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is no time: want as 500ms, 10s, 1m30s", shorten(s))
	}
	*into = d
	return nil
}

// finish ends a load or an eval.
func (p *scriptParser) finish() {
	if p.eval != nil {
		p.script.steps = append(p.script.steps, *p.eval)
	}
	p.eval, p.every = nil, 0
}

func (p *scriptParser) begin(word, rest string) error {
	step := scriptStep{line: p.line, input: p.input, points: p.points, late: p.late}
	p.eval = &step
	if name, ok := strings.CutPrefix(rest, "rule "); ok && word == "eval" {
		return p.beginNamed(&step, name)
	}
	if condition, ok := strings.CutPrefix(rest, "condition "); ok {
		step.condition, rest = true, condition
	}
	step.sql = rest
	if word == "eval_fail" {
		step.fails = "?"
	}
	return nil
}

// row is what an eval must give, `10s {"value": 5}`; a line that does not begin with a time goes on with the SQL.
func (p *scriptParser) row(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	at, err := time.ParseDuration(word)
	switch {
	case p.eval.fails == "?" || p.eval.fails != "":
		p.eval.fails = line
		return nil
	case err != nil && (len(p.eval.want) > 0 || p.eval.named != nil):
		return fmt.Errorf("want a row, as in 10s {\"value\": 5}, not %q", shorten(line))
	case err != nil:
		p.eval.sql += "\n" + line
		return nil
	}
	r := scriptRow{line: p.line, at: at, want: strings.TrimSpace(rest)}
	if !p.eval.condition && r.want != "" {
		if r.v, err = ParseJSON([]byte(r.want)); err != nil {
			return fmt.Errorf("the row %s: %w", shorten(r.want), err)
		}
	}
	p.eval.want = append(p.eval.want, r)
	return nil
}

// message is `message 3s plant/press {"temp": 5}`: anything behind the topic is the payload.
func (p *scriptParser) message(rest string) error {
	word, rest, _ := strings.Cut(rest, " ")
	at, err := time.ParseDuration(word)
	if err != nil {
		return fmt.Errorf("want a time, a topic and a payload, as in message 3s plant/press {\"temp\": 5}")
	}
	topic, payload, _ := strings.Cut(strings.TrimSpace(rest), " ")
	p.input = append(p.input[:len(p.input):len(p.input)], scriptInput{at: at, message: &Message{Topic: topic, Payload: []byte(payload)}})
	return nil
}

// series is `press/oil_temp{°C} 80 81+0.5x10 _ bad true 'text'`: one place in time each, the load's step apart.
func (p *scriptParser) series(line string) error {
	topic, rest, _ := strings.Cut(line, " ")
	topic, unit, _ := strings.Cut(strings.TrimSuffix(topic, "}"), "{")
	values, err := words(rest)
	if err != nil {
		return err
	}
	point := p.point(Point{Topic: topic, Unit: unit})
	at := time.Duration(0)
	p.input = p.input[:len(p.input):len(p.input)]
	for _, word := range values {
		samples, err := notation(word)
		if err != nil {
			return err
		}
		for _, s := range samples {
			if s.Point = point; s.Quality != nothing {
				p.input = append(p.input, scriptInput{at: at, sample: s})
			}
			at += p.every
		}
		if len(p.input) > maxSamples {
			return fmt.Errorf("more than %d samples", maxSamples)
		}
	}
	return nil
}

func (p *scriptParser) point(want Point) telemetry.PointID {
	for i, known := range p.points {
		if known.Topic == want.Topic {
			return telemetry.PointID(i)
		}
	}
	p.points = append(p.points[:len(p.points):len(p.points)], want)
	return telemetry.PointID(len(p.points) - 1)
}

// words cuts at spaces outside single quotes.
func words(s string) ([]string, error) {
	var all []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		end := strings.IndexByte(s, ' ')
		if s[0] == '\'' {
			if end = strings.IndexByte(s[1:], '\'') + 2; end == 1 {
				return nil, fmt.Errorf("the text %s has no closing quote", shorten(s))
			}
		}
		if end < 0 {
			end = len(s)
		}
		all, s = append(all, s[:end]), s[end:]
	}
	return all, nil
}

// nothing marks a place in time without a sample.
const nothing = telemetry.Quality(math.MaxUint32)

// notation is one word of a series: a value, `_` for nothing, a quality, and `x5` behind it for 5 of them; `80+0.5x5` is 80 and 5
// more, each 0.5 above the one before.
func notation(word string) ([]telemetry.Sample, error) {
	value, times, repeated := cutLast(word, "x")
	n := 1
	if repeated {
		count, err := strconv.Atoi(times)
		if err != nil || count < 1 || count > maxSamples {
			return nil, fmt.Errorf("%q: want how often behind the x, as in 80x5", shorten(word))
		}
		n = count
	}
	if start, step, ok := ramp(value); ok && repeated {
		samples := make([]telemetry.Sample, n+1)
		for i := range samples {
			samples[i].Value = telemetry.Float64(start + float64(i)*step)
		}
		return samples, nil
	}
	s, err := scriptSample(value)
	samples := make([]telemetry.Sample, n)
	for i := range samples {
		samples[i] = s
	}
	return samples, err
}

// cutLast cuts off a count; a text in quotes is left alone.
func cutLast(s, sep string) (before, after string, found bool) {
	at := strings.LastIndex(s, sep)
	if at < 1 || strings.HasPrefix(s, "'") || !isDigit(s[len(s)-1]) || strings.Trim(s[at+1:], "0123456789") != "" {
		return s, "", false
	}
	return s[:at], s[at+1:], true
}

func ramp(s string) (start, step float64, ok bool) {
	at := strings.LastIndexAny(s, "+-")
	if at < 1 {
		return 0, 0, false
	}
	start, err := strconv.ParseFloat(s[:at], 64)
	step, wrong := strconv.ParseFloat(s[at:], 64)
	return start, step, err == nil && wrong == nil
}

func scriptSample(s string) (telemetry.Sample, error) {
	if s == "_" {
		return telemetry.Sample{Quality: nothing}, nil
	}
	if strings.HasPrefix(s, "'") {
		return telemetry.Sample{Value: telemetry.String(strings.Trim(s, "'"))}, nil
	}
	switch s {
	case "true", "false":
		return telemetry.Sample{Value: telemetry.Bool(s == "true")}, nil
	case "bad":
		return telemetry.Sample{Quality: telemetry.Bad}, nil
	}
	s, doubtful := strings.CutSuffix(s, "?")
	quality := telemetry.Good
	if doubtful {
		quality = telemetry.Uncertain
	}
	if whole, err := strconv.ParseInt(strings.TrimSuffix(s, "i"), 10, 64); err == nil && strings.HasSuffix(s, "i") {
		return telemetry.Sample{Value: telemetry.Int64(whole), Quality: quality}, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return telemetry.Sample{}, fmt.Errorf("%q is no sample: want a number, 5i for an integer, 5? for an uncertain one, true, 'text', bad, or _ for none", shorten(s))
	}
	return telemetry.Sample{Value: telemetry.Float64(f), Quality: quality}, nil
}
