package rule

import (
	"slices"
	"strings"
)

// function is one of the language. It is given as many arguments as min and max allow, and may not keep the slice.
type function struct {
	min, max int
	call     func(e *env, args []Value) Value
	message  bool // asks about the message, so that a condition, which has none, cannot use it
}

const any1000 = 1000 // as many arguments as anybody needs

// functions lists them all, by the room they are written in.
func functions() []map[string]function {
	return []map[string]function{mathFunctions, bitFunctions, textFunctions, regexpFunctions, jsonFunctions, hashFunctions, timeFunctions, messageFunctions, hostFunctions}
}

func lookUp(name string) (function, bool) {
	for _, room := range functions() {
		if f, ok := room[name]; ok {
			return f, true
		}
	}
	return function{}, false
}

// remembering functions look at earlier messages of the same topic; aggregates at all events of a window.
var (
	remembering = map[string]function{"lag": {min: 1, max: 3}, "changed": {min: 1, max: 1}}
	aggregates  = map[string]function{"avg": {min: 1, max: 1}, "sum": {min: 1, max: 1}, "min": {min: 1, max: 1}, "max": {min: 1, max: 1},
		"count": {min: 1, max: 1}, "stddev": {min: 1, max: 1}, "first": {min: 1, max: 1}, "last": {min: 1, max: 1},
		"percentile": {min: 2, max: 2}, "window_start": {}, "window_end": {}}
)

func isAggregate(n node) bool {
	c, ok := n.(*call)
	if !ok {
		return false
	}
	_, ok = aggregates[c.fn]
	return ok
}

func contains(n node, is func(node) bool) bool {
	found := false
	walk(n, func(n node) { found = found || is(n) })
	return found
}

func (p *parser) checkCall(n *call) {
	f, ok := lookUp(n.fn)
	if r, remembers := remembering[n.fn]; remembers {
		f, ok = r, true
	}
	if a, aggregate := aggregates[n.fn]; aggregate {
		f, ok = a, true
	}
	switch {
	case n.fn == "cast":
		f, ok = function{min: 1, max: 1}, true
	case windowNames[n.fn] != noWindow:
		p.fail(n.place(), "a window stands behind GROUP BY")
	case n.fn == "quality": // of a condition; checked where the points are known
		f, ok = function{min: 1, max: 1}, true
	}
	switch {
	case !ok:
		p.fail(n.place(), "there is no function %q%s", n.fn, suggestion(n.fn))
	case len(n.args) < f.min || len(n.args) > f.max:
		p.fail(n.place(), "%s takes %s, not %d", n.fn, arity(f), len(n.args))
	}
	p.checkArguments(n)
}

func (p *parser) checkArguments(n *call) {
	for i, arg := range n.args {
		if isAggregate(n) && contains(arg, isAggregate) {
			p.fail(arg.place(), "an aggregate of an aggregate: %s sees one event at a time", n.fn)
		}
		l, isLiteral := arg.(*literal)
		switch {
		case n.fn == "percentile" && i == 1:
			if !isLiteral || !l.v.isNumber() || l.v.float() < 0 || l.v.float() > 1 {
				p.fail(arg.place(), "percentile wants a number from 0 to 1 here: 0.95 is the 95th percentile")
			}
		case n.fn == "lag" && i == 1:
			if !isLiteral || l.v.kind != Int || l.v.small() < 1 || l.v.small() > 1000 {
				p.fail(arg.place(), "lag wants a whole number from 1 to 1000 here")
			}
		case strings.HasPrefix(n.fn, "regexp_") && i == 1 && isLiteral:
			if _, err := compilePattern(l.v.String()); err != nil {
				p.fail(arg.place(), "%v", err)
			}
		}
	}
}

func arity(f function) string {
	count := func(n int) string {
		if n == 1 {
			return "1 argument"
		}
		return whole(int64(n)).numeral() + " arguments"
	}
	switch {
	case f.max == any1000:
		return "at least " + count(f.min)
	case f.min == f.max:
		return count(f.min)
	}
	return whole(int64(f.min)).numeral() + " to " + count(f.max)
}

// suggestion names the function that was probably meant.
func suggestion(wrong string) string {
	best, distance := "", 3
	for _, room := range append(functions(), remembering, aggregates) {
		for right := range room {
			if d := edits(wrong, right); d < distance || d == distance && best != "" && right < best {
				best, distance = right, d
			}
		}
	}
	if best == "" {
		return ""
	}
	return " (did you mean " + best + "?)"
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			corner, row[j+1] = row[j+1], min(corner+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// check holds what the grammar alone cannot: where aggregates and memories may stand.
func (p *parser) check(s *Statement) {
	outer := []node{s.having}
	for _, it := range s.body.items {
		if it.expr == nil && s.window.kind != noWindow {
			p.fail(it.at, "* of a window: say which fields, as in last(value) AS value")
		}
		outer = append(outer, it.expr)
	}
	for _, n := range append(slices.Clone(s.group), s.body.where) {
		p.forbid(n, isAggregate, "looks at the events of a window: in HAVING or in the SELECT list, not here")
	}
	for _, n := range append(slices.Clone(outer), append(slices.Clone(s.group), s.body.where)...) {
		p.checkNested(n)
		p.forbid(n, func(n node) bool { c, ok := n.(*call); return ok && c.fn == "quality" }, "of a point is for conditions; here quality is a field")
	}
	if s.window.kind != noWindow {
		return
	}
	if s.having != nil {
		p.fail(s.having.place(), "HAVING looks at groups: it needs GROUP BY with a window; WHERE looks at each message")
	}
	for _, n := range outer {
		p.forbid(n, isAggregate, "looks at the events of a window: add GROUP BY with one, as in TUMBLINGWINDOW(ss, 10)")
	}
}

func (p *parser) forbid(n node, is func(node) bool, why string) {
	walk(n, func(n node) {
		if is(n) {
			p.fail(n.place(), "%s %s", n.(*call).fn, why)
		}
	})
}

// checkNested keeps aggregates and memories out of nested queries, which see one message.
func (p *parser) checkNested(n node) {
	walk(n, func(n node) {
		sub, ok := n.(*nested)
		if !ok {
			return
		}
		inner := []node{sub.q.where}
		for _, it := range sub.q.items {
			inner = append(inner, it.expr)
		}
		for _, n := range inner {
			p.forbid(n, func(n node) bool { return isAggregate(n) || isMemory(n) }, "cannot stand in a nested SELECT")
			p.checkNested(n)
		}
	})
}

func isMemory(n node) bool {
	c, ok := n.(*call)
	if !ok {
		return false
	}
	_, ok = remembering[c.fn]
	return ok
}
