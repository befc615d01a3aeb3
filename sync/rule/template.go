package rule

import (
	"strings"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Template is a text with ${expressions} in it: a topic to publish on, the text of an alarm. One goroutine at a time.
type Template struct {
	src    string
	parts  []templatePart
	points []string
	about  source
	env    env
	o      Options
}

type templatePart struct {
	text string
	expr eval // nil for text
}

// ParseTemplate reads a template. Expressions see the message as it came: no aliases of a SELECT list.
func ParseTemplate(src string, o Options) (*Template, error) {
	return parseTemplate(src, o, fromMessage)
}

// ParsePointTemplate reads a template whose names are points, as those of a condition: "Press oil ${press.oil_temp} °C".
func ParsePointTemplate(src string) (*Template, error) {
	return parseTemplate(src, Options{}, fromPoints)
}

func parseTemplate(src string, o Options, about source) (*Template, error) {
	o.defaults()
	t := &Template{src: src, o: o, about: about}
	t.env.o = &t.o
	if len(src) > maxSource {
		return nil, syntaxError(src, 0, "%d bytes: at most %d are read", len(src), maxSource)
	}
	for rest := 0; ; {
		start := strings.Index(src[rest:], "${")
		if start < 0 {
			t.parts = append(t.parts, templatePart{text: src[rest:]})
			return t, nil
		}
		start += rest
		end := closing(src, start+2)
		if end < 0 {
			return nil, syntaxError(src, start, "this ${ has no }")
		}
		expr, err := t.compile(start+2, end)
		if err != nil {
			return nil, err
		}
		t.parts = append(t.parts, templatePart{text: src[rest:start]}, templatePart{expr: expr})
		rest = end + 1
	}
}

// closing is the place of the } that ends an expression: not one in quotes or of an object inside.
func closing(src string, at int) int {
	depth := 0
	quote := byte(0)
	for ; at < len(src); at++ {
		switch c := src[at]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '{':
			depth++
		case c == '}' && depth == 0:
			return at
		case c == '}':
			depth--
		}
	}
	return -1
}

// compile reads one expression; spaces stand for what is before it, so that an error names the place in the whole template.
func (t *Template) compile(start, end int) (eval, error) {
	before := []byte(t.src[:start])
	for i, c := range before {
		if c != '\n' && c < 0x80 {
			before[i] = ' '
		}
	}
	var expr eval
	blank := strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return ' '
	}, string(before))
	err := parse(blank+t.src[start:end], func(p *parser) {
		n := p.expression()
		p.checkNested(n)
		p.forbid(n, func(n node) bool {
			c, ok := n.(*call)
			return ok && (isAggregate(n) || isMemory(n) || c.fn == "quality" && t.about != fromPoints)
		}, "cannot stand in a template: it sees one message")
		if t.about == fromPoints {
			p.checkCondition(n)
		}
		c := &compiler{source: t.about, points: t.place, slots: map[node]eval{}, sorted: t.about == fromPoints}
		c.qualities(n)
		expr = c.eval(n)
	})
	return expr, err
}

func (t *Template) place(point string) int { return placeIn(&t.points, point) }

// Points are the points that a point template asks for.
func (t *Template) Points() []string { return t.points }

// Expand fills in the template from the message as it came. Undefined is an empty text.
func (t *Template) Expand(now time.Time, in Message) (string, error) {
	t.env.begin(now.UnixNano())
	t.env.msg = &in
	return t.expand()
}

// ExpandPoints fills in a point template, whose points are given by their place in Points.
func (t *Template) ExpandPoints(values func(i int) (telemetry.Value, telemetry.Quality)) (string, error) {
	t.env.begin(0)
	t.env.values = values
	return t.expand()
}

func (t *Template) expand() (string, error) {
	e := &t.env
	var b strings.Builder
	for _, part := range t.parts {
		b.WriteString(part.text)
		if part.expr == nil {
			continue
		}
		v := part.expr(e)
		if s := toString(v); s.kind == String && e.fits(b.Len()+len(s.text)) {
			b.WriteString(s.text)
		} else if v.kind == Null {
			b.WriteString("null")
		}
		if e.err != nil {
			return "", e.err
		}
	}
	return b.String(), nil
}
