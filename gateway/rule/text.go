package rule

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/gateway/config"
	sql "github.com/penstock-edge/penstock/sync/rule"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// reading gives a point by its place in the list of whoever asks; a point that has not been read is bad.
type reading func(i int) (telemetry.Value, telemetry.Quality)

// moment is what templates are filled in from, besides the points as they are: the row of a statement, with the topic of its sample.
type moment struct {
	now   time.Time
	topic string
	row   *sql.Row
	body  *sql.Value // the row as one value, once somebody has asked for it
}

func (m *moment) message() sql.Message {
	if m.body == nil {
		v := m.row.Value()
		m.body = &v
	}
	return sql.Message{Topic: m.topic, Body: m.body}
}

// text is a template or a constant, compiled.
type text struct {
	src     string
	points  *sql.Template // nil for a constant and for one of rows
	reading reading       // of points
	alone   bool          // it is one point and nothing else: its value is taken as it is
	row     *sql.Template
	field   string // it is one field of the row and nothing else
}

// compileText reads a template: of the row's fields in a rule of sql, else of points.
func (p *plan) compileText(src string, ofRow bool) (t text, err error) {
	t.src = src
	if !strings.Contains(src, "${") {
		return t, nil
	}
	inner := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(src, "${"), "}"))
	if ofRow {
		t.row, err = sql.ParseTemplate(src, sql.Options{})
		if isWord(inner) {
			t.field = inner
		}
		return t, err
	}
	if t.points, err = sql.ParsePointTemplate(src); err != nil {
		return t, err
	}
	names := t.points.Points()
	t.reading, err = p.reading(names)
	t.alone = len(names) == 1 && names[0] == inner
	return t, err
}

func isWord(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
}

func (t *text) constant() bool { return t.points == nil && t.row == nil }

// expand fills in the template. What has no value is an empty text.
func (t *text) expand(m *moment) (string, error) {
	switch {
	case t.points != nil:
		return t.points.ExpandPoints(t.reading)
	case t.row != nil:
		return t.row.Expand(m.now, m.message())
	}
	return t.src, nil
}

// value is what a point is to be given; nothing when what it is made of has no value.
func (t *text) value(m *moment, p *config.Point) (telemetry.Value, error) {
	switch {
	case t.alone:
		v, q := t.reading(0)
		if q.IsBad() {
			return telemetry.Value{}, nil
		}
		return v, nil
	case t.field != "":
		if v := m.row.Field(t.field); !v.IsUndefined() {
			return v.Telemetry(), nil
		}
	}
	if t.points != nil && !t.single() && t.anyBad() {
		return telemetry.Value{}, nil // "${press.step}0" must not become 0 when the step is not known
	}
	s, err := t.expand(m)
	if err != nil {
		return telemetry.Value{}, fmt.Errorf("%s: %w", t.src, err)
	}
	if s == "" && !t.constant() {
		return telemetry.Value{}, nil
	}
	return valueOf(p, s), nil
}

// single: the template is one expression, which itself decides what is made of a bad point.
func (t *text) single() bool {
	return strings.HasPrefix(t.src, "${") && strings.HasSuffix(t.src, "}") && strings.Count(t.src, "${") == 1
}

func (t *text) anyBad() bool {
	for i := range t.points.Points() {
		if _, q := t.reading(i); q.IsBad() {
			return true
		}
	}
	return false
}

// valueOf reads a text as narrowly as it can. The name of an enum's value stands for its number.
func valueOf(p *config.Point, s string) telemetry.Value {
	for number, label := range p.Enum {
		if label == s {
			return telemetry.Int64(number)
		}
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return telemetry.Int64(i)
	}
	if u, err := strconv.ParseUint(s, 10, 64); err == nil {
		return telemetry.Uint64(u)
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && f-f == 0 {
		return telemetry.Float64(f)
	}
	switch s {
	case "true", "on":
		return telemetry.Bool(true)
	case "false", "off":
		return telemetry.Bool(false)
	}
	return telemetry.String(s)
}
