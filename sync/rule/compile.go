package rule

// eval computes an expression; cond a condition, without making a Value of what it gives.
type (
	eval func(*env) Value
	cond func(*env) Tri
)

// source is where names get their values from.
type source uint8

const (
	fromMessage source = iota
	fromSample
	fromPoints
	fromInner // the element of a nested query
)

// compiler makes closures of nodes.
type compiler struct {
	source source
	slots  map[node]eval           // nodes whose value is kept somewhere: columns of a window, memories
	points func(path string) int   // fromPoints
	sorted bool                    // three-valued logic as SQL has it, where AWS's is Undefined too often: conditions
	number func(n node) *fastValue // the points and fields that have a shorter way
	known  *int                    // fromSample: how many calls depend on the point alone, and are kept with it
}

func (c *compiler) all(nodes []node) []eval {
	evals := make([]eval, len(nodes))
	for i, n := range nodes {
		evals[i] = c.eval(n)
	}
	return evals
}

func (c *compiler) eval(n node) eval {
	if kept, ok := c.slots[n]; ok {
		return kept
	}
	switch n := n.(type) {
	case *literal:
		v := n.v
		return func(*env) Value { return v }
	case *name:
		return c.name(n, n.text)
	case *star:
		return c.star()
	case *member:
		return c.member(n)
	case *unary:
		return c.unary(n)
	case *operation:
		return c.binary(n)
	case *call:
		return c.call(n)
	case *choice:
		return c.choice(n)
	case *build:
		return c.build(n)
	case *nested:
		return c.nested(n)
	}
	panic("BUG: a node that nobody compiles")
}

func (c *compiler) name(n node, key string) eval {
	switch c.source {
	case fromSample:
		if read, ok := sampleFields[key]; ok {
			return read
		}
		return func(*env) Value { return Value{} }
	case fromPoints:
		at := c.points(key)
		return func(e *env) Value { return e.pointValue(at) }
	case fromInner:
		return func(e *env) Value { return e.inner.Get(key) }
	}
	return func(e *env) Value { return e.field(key) }
}

func (c *compiler) star() eval {
	if c.source == fromInner {
		return func(e *env) Value { return e.inner }
	}
	return func(e *env) Value {
		v, ok := e.payload()
		if !ok {
			return text(string(e.msg.Payload))
		}
		return v
	}
}

func (c *compiler) member(n *member) eval {
	if c.source == fromPoints {
		if dotted, ok := path(n); ok {
			return c.name(n, dotted)
		}
	}
	of, key := c.eval(n.of), n.key
	return func(e *env) Value { return of(e).Get(key) }
}

func (c *compiler) unary(n *unary) eval {
	if n.op == "not" {
		is := c.cond(n)
		return func(e *env) Value { return is(e).value() }
	}
	x := c.eval(n.x)
	return func(e *env) Value {
		v, ok := toNumber(x(e))
		if !ok {
			return Value{}
		}
		return negate(v)
	}
}

func (c *compiler) call(n *call) eval {
	if n.fn == "cast" {
		v, to := c.eval(n.args[0]), n.as
		return func(e *env) Value { return cast(v(e), to) }
	}
	if n.fn == "encode" {
		if _, whole := n.args[0].(*star); whole && c.source == fromMessage {
			return c.encodePayload(n)
		}
	}
	f, ok := lookUp(n.fn)
	if !ok {
		panic("BUG: a function that the parser let through: " + n.fn)
	}
	args, fn := c.all(n.args), f.call
	return c.keep(n, func(e *env) Value {
		base := len(e.stack)
		for _, arg := range args {
			v := arg(e)
			e.stack = append(e.stack, v)
		}
		e.steps--
		v := fn(e, e.stack[base:])
		e.stack = e.stack[:base]
		return v
	})
}

// keep works out once a point what depends on nothing else: topic(1), startswith(topic(1), 'meter_').
func (c *compiler) keep(n node, fn eval) eval {
	if c.source != fromSample || c.known == nil || !dependsOnPoint(n) {
		return fn
	}
	at := *c.known
	*c.known++
	return func(e *env) Value {
		if len(e.point.known) <= at {
			e.point.known = append(e.point.known, make([]kept, at+1-len(e.point.known))...)
		}
		k := &e.point.known[at]
		if !k.is {
			k.v = fn(e)
			k.is = e.err == nil
		}
		return k.v
	}
}

// encodePayload takes the bytes as they came, JSON or not.
func (c *compiler) encodePayload(n *call) eval {
	scheme := c.eval(n.args[1])
	return func(e *env) Value {
		if e.msg == nil || e.msg.Payload == nil {
			v, _ := e.payload()
			return encode(e, []Value{v, scheme(e)})
		}
		return encode(e, []Value{text(string(e.msg.Payload)), scheme(e)})
	}
}

func (c *compiler) choice(n *choice) eval {
	of, whens := c.eval(n.of), make([][2]eval, len(n.whens))
	for i, w := range n.whens {
		whens[i] = [2]eval{c.eval(w.is), c.eval(w.then)}
	}
	other := func(*env) Value { return Value{} }
	if n.other != nil {
		other = c.eval(n.other)
	}
	return func(e *env) Value {
		v := of(e)
		if v.kind == Undefined {
			return v
		}
		for _, w := range whens {
			if equal(v, w[0](e)) == True {
				return w[1](e)
			}
		}
		return other(e)
	}
}

func (c *compiler) build(n *build) eval {
	items, keys := c.all(n.items), n.keys
	if n.array {
		return func(e *env) Value {
			values := make([]Value, len(items))
			for i, item := range items {
				values[i] = item(e)
			}
			e.steps -= len(items)
			return list(values)
		}
	}
	return func(e *env) Value {
		f := &fields{}
		for i, item := range items {
			f.set(keys[i], item(e))
		}
		e.steps -= len(items)
		return object(f)
	}
}

// nested selects from an array into an array, or from an object into what SELECT gives.
func (c *compiler) nested(n *nested) eval {
	from := c.eval(n.q.from)
	inside := &compiler{source: fromInner, sorted: c.sorted}
	pick, where, cost := inside.selected(n.q), inside.where(n.q.where), n.q.cost()
	one := func(e *env, item Value) (Value, bool) {
		if e.charge(cost); e.err != nil {
			return Value{}, false
		}
		e.inner = item
		if where(e) != True {
			return Value{}, false
		}
		v := pick(e)
		return v, v.kind != Undefined
	}
	return func(e *env) Value {
		outer := e.inner
		defer func() { e.inner = outer }()
		switch source := from(e); source.kind {
		case Object:
			v, _ := one(e, source)
			return v
		case Array:
			found := []Value{}
			for _, item := range source.items() {
				if v, ok := one(e, item); ok {
					found = append(found, v)
				}
			}
			return list(found)
		}
		return Value{}
	}
}

// cost is how many steps one element takes: its nodes.
func (q *query) cost() int {
	cost := 1
	count := func(node) { cost++ }
	walk(q.where, count)
	for _, it := range q.items {
		walk(it.expr, count)
	}
	return cost
}

func (c *compiler) where(n node) cond {
	if n == nil {
		return func(*env) Tri { return True }
	}
	return c.cond(n)
}

// selected makes what a nested SELECT gives for one element.
func (c *compiler) selected(q *query) eval {
	if q.value {
		if q.items[0].expr == nil {
			return c.star()
		}
		return c.eval(q.items[0].expr)
	}
	layout, evals := layoutOf(q), c.items(q)
	return func(e *env) Value {
		values := make([]Value, len(evals))
		for i, eval := range evals {
			values[i] = eval(e)
		}
		return layout.object(values)
	}
}

func (c *compiler) items(q *query) []eval {
	evals := make([]eval, len(q.items))
	for i, it := range q.items {
		if it.expr == nil {
			evals[i] = c.star()
			continue
		}
		evals[i] = c.eval(it.expr)
	}
	return evals
}
