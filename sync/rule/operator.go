package rule

import (
	"strings"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

func (c *compiler) binary(n *operation) eval {
	var fn func(a, b Value) Value
	switch n.op {
	case "+":
		return c.plus(n)
	case "-":
		fn = func(a, b Value) Value { return add(a, negate(b)) }
	case "*":
		fn = multiply
	case "/":
		fn = divide
	case "%":
		fn = remainder
	default:
		is := c.cond(n)
		return func(e *env) Value { return is(e).value() }
	}
	a, b := c.eval(n.a), c.eval(n.b)
	return func(e *env) Value {
		x, ok := toNumber(a(e))
		y, also := toNumber(b(e))
		if !ok || !also {
			return Value{}
		}
		return fn(x, y)
	}
}

// plus joins texts when either side is one, and adds numbers.
func (c *compiler) plus(n *operation) eval {
	a, b := c.eval(n.a), c.eval(n.b)
	return func(e *env) Value {
		x, y := a(e), b(e)
		switch {
		case x.isNumber() && y.isNumber():
			return add(x, y)
		case x.kind != String && y.kind != String:
			return Value{}
		}
		if x, y = toString(x), toString(y); x.kind != String || y.kind != String || !e.fits(len(x.text)+len(y.text)) {
			return Value{}
		}
		e.charge((len(x.text) + len(y.text)) / 64)
		return text(x.text + y.text)
	}
}

func (c *compiler) cond(n node) cond {
	switch n := n.(type) {
	case *unary:
		if n.op == "not" {
			is := c.cond(n.x)
			return func(e *env) Tri { return is(e).not() }
		}
	case *operation:
		switch n.op {
		case "and", "or":
			return c.logic(n)
		case "=", "<>":
			return c.equality(n)
		case "<", "<=", ">", ">=":
			return c.order(n)
		}
	}
	if dotted, ok := path(n); ok && c.source == fromPoints {
		return c.pointHolds(dotted)
	}
	v := c.eval(n)
	return func(e *env) Tri { return triOf(v(e)) }
}

// pointHolds is a condition that is a point by itself, `press.running`.
func (c *compiler) pointHolds(dotted string) cond {
	at := c.points(dotted)
	return func(e *env) Tri {
		v, q := e.values(at)
		switch {
		case q.IsBad():
			return Unknown
		case v.Kind() == telemetry.KindBool:
			return tri(v.Bool())
		}
		return triOf(Of(v))
	}
}

// logic: AWS gives Undefined when either side is; conditions know that false AND x is false and true OR x is true, whatever x is.
func (c *compiler) logic(n *operation) cond {
	a, b := c.cond(n.a), c.cond(n.b)
	decisive := False
	if n.op == "or" {
		decisive = True
	}
	if c.sorted {
		return func(e *env) Tri {
			x := a(e)
			if x == decisive {
				return x
			}
			if y := b(e); y == decisive || x == y {
				return y
			}
			return Unknown
		}
	}
	return func(e *env) Tri {
		x := a(e)
		if x == Unknown {
			return x
		}
		if y := b(e); y == Unknown || y == decisive {
			return y
		}
		return x
	}
}

func (c *compiler) equality(n *operation) cond {
	if fast := c.fastOrder(n); fast != nil {
		return fast
	}
	a, b, negated := c.eval(n.a), c.eval(n.b), n.op == "<>"
	return func(e *env) Tri {
		is := equal(a(e), b(e))
		if negated {
			return is.not()
		}
		return is
	}
}

// accepts says for <, = and > (places 0, 1, 2) whether the operator holds.
var accepts = map[string][3]bool{"<": {true, false, false}, "<=": {true, true, false}, ">": {false, false, true}, ">=": {false, true, true},
	"=": {false, true, false}, "<>": {true, false, true}}

func (c *compiler) order(n *operation) cond {
	if fast := c.fastOrder(n); fast != nil {
		return fast
	}
	a, b, holds := c.eval(n.a), c.eval(n.b), accepts[n.op]
	return func(e *env) Tri {
		x, ok := toNumber(a(e))
		y, also := toNumber(b(e))
		if !ok || !also {
			return Unknown
		}
		return tri(holds[compare(x, y)+1])
	}
}

// fastValue reads a number without making a Value of it; false where the long way must be taken.
type fastValue func(*env) (float64, bool)

// fastOrder compares a point or a sample's value with a constant: what most conditions are.
func (c *compiler) fastOrder(n *operation) cond {
	l, ok := n.b.(*literal)
	if !ok || c.number == nil || !l.v.isNumber() || l.v.kind == Int && (l.v.form != exact || l.v.exp != 0) {
		return nil
	}
	read := c.number(n.a)
	if read == nil {
		return nil
	}
	slow := (&compiler{source: c.source, slots: c.slots, points: c.points, sorted: c.sorted}).cond(n)
	number, with := *read, l.v.float()
	return compared(n.op, number, with, slow)
}

// compared has a closure for each operator, so that none decides at run time what it compares.
func compared(op string, number fastValue, with float64, slow cond) cond {
	switch op {
	case ">":
		return func(e *env) Tri {
			if f, ok := number(e); ok {
				return tri(f > with)
			}
			return slow(e)
		}
	case "<":
		return func(e *env) Tri {
			if f, ok := number(e); ok {
				return tri(f < with)
			}
			return slow(e)
		}
	}
	holds := accepts[strings.ToLower(op)]
	return func(e *env) Tri {
		if f, ok := number(e); ok {
			return tri(holds[order(f, with)+1])
		}
		return slow(e)
	}
}
