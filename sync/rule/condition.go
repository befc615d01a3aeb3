package rule

import (
	"math/rand/v2"
	"strings"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Condition is a question about points, as `press.oil_temp > 85 AND press.running`. One goroutine at a time.
type Condition struct {
	src    string
	points []string
	holds  cond
	env    env
	o      Options
}

// ParseCondition reads a condition. Names in it are points, `device.point`. An error is a *SyntaxError.
func ParseCondition(src string) (*Condition, error) {
	c := &Condition{src: src}
	err := parse(src, func(p *parser) {
		n := p.expression()
		p.checkCondition(n)
		c.compile(n)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// checkCondition keeps out what needs a message, a window or a past: a condition is about this moment.
func (p *parser) checkCondition(n node) {
	walk(n, func(n node) {
		switch n := n.(type) {
		case *star, *nested:
			p.fail(n.place(), "a condition is about points: there is no message here to select from")
		case *call:
			f, _ := lookUp(n.fn)
			switch {
			case isAggregate(n) || isMemory(n):
				p.fail(n.place(), "%s looks at more than this moment: that is for a rule with `sql`", n.fn)
			case f.message:
				p.fail(n.place(), "%s asks about a message; a condition is about points", n.fn)
			case n.fn == "quality":
				if _, isPath := path(n.args[0]); !isPath {
					p.fail(n.args[0].place(), "quality wants a point here, as in quality(press.oil_temp)")
				}
			}
		}
	})
}

func (c *Condition) compile(n node) {
	compiler := &compiler{source: fromPoints, sorted: true, points: c.place, slots: map[node]eval{}}
	compiler.qualities(n)
	compiler.number = func(n node) *fastValue {
		dotted, ok := path(n)
		if !ok {
			return nil
		}
		at := c.place(dotted)
		read := fastValue(func(e *env) (float64, bool) { return fastNumber(e.values(at)) })
		return &read
	}
	c.holds = compiler.cond(n)
	c.o = Options{Rand: rand.Uint64}
	c.o.defaults()
}

// place is the point's in Points, where it is put the first time.
func (c *Condition) place(point string) int {
	return placeIn(&c.points, point)
}

func placeIn(points *[]string, point string) int {
	for i, p := range *points {
		if p == point {
			return i
		}
	}
	*points = append(*points, point)
	return len(*points) - 1
}

// qualities makes quality(device.point) read the point's quality, not its value.
func (c *compiler) qualities(n node) {
	if c.source != fromPoints {
		return
	}
	walk(n, func(n node) {
		q, ok := n.(*call)
		if !ok || q.fn != "quality" {
			return
		}
		dotted, _ := path(q.args[0])
		at := c.points(dotted)
		c.slots[n] = func(e *env) Value {
			_, quality := e.values(at)
			return text(quality.Severity())
		}
	})
}

// Points are the names in the condition, each once, in the order they appear.
func (c *Condition) Points() []string { return c.points }

// String is the source.
func (c *Condition) String() string { return c.src }

// Eval asks for the points by their place in Points and decides. A point that is bad or has no value is Undefined: then false AND x
// is still false and true OR x is still true, and anything else that depends on it is Unknown.
func (c *Condition) Eval(values func(i int) (telemetry.Value, telemetry.Quality)) Tri {
	e := &c.env
	e.o, e.values = &c.o, values
	e.begin(0)
	t := c.holds(e)
	if e.err != nil {
		return Unknown
	}
	return t
}

func (e *env) pointValue(at int) Value {
	v, q := e.values(at)
	if q.IsBad() {
		return Value{}
	}
	return Of(v)
}

// DevicePoint cuts a point's name in two: "press.oil_temp" is oil_temp of press.
func DevicePoint(name string) (device, point string, ok bool) {
	return strings.Cut(name, ".")
}
