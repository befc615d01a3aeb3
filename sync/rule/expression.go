package rule

import (
	"slices"
	"strings"
)

// levels of binary operators, loosest first.
var levels = [][]string{{"or"}, {"and"}, {"=", "<>", "!=", "<", "<=", ">", ">="}, {"+", "-"}, {"*", "/", "%"}}

const notLevel = 2 // NOT binds tighter than AND, looser than =

func (p *parser) expression() node {
	defer p.nest(p.peek().at)()
	return p.level(0)
}

func (p *parser) level(n int) node {
	if n == len(levels) {
		return p.sign()
	}
	if t := p.peek(); n == notLevel && t.is("not") {
		defer p.nest(t.at)()
		p.advance()
		return &unary{at(t.at), "not", p.level(n)}
	}
	left := p.level(n + 1)
	for chain := 1; ; chain++ {
		t := p.peek()
		op := strings.ToLower(t.text)
		if t.kind != signToken && t.kind != wordToken || !slices.Contains(levels[n], op) {
			return left
		}
		if chain > maxChain {
			p.fail(t.at, "more than %d operators in a row", maxChain)
		}
		p.advance()
		if op == "!=" {
			op = "<>"
		}
		left = &operation{at(t.at), op, left, p.level(n + 1)}
	}
}

func (p *parser) sign() node {
	t := p.peek()
	if !t.sign("-") {
		return p.postfix()
	}
	defer p.nest(t.at)()
	p.advance()
	x := p.sign()
	if l, ok := x.(*literal); ok && l.v.isNumber() {
		return &literal{at(t.at), negate(l.v)}
	}
	return &unary{at(t.at), "-", x}
}

// postfix reads a primary and the keys behind it.
func (p *parser) postfix() node {
	n := p.primary()
	for chain := 1; p.acceptSign("."); chain++ {
		t := p.advance()
		if t.kind != wordToken && t.kind != stringToken {
			p.fail(t.at, "want a key behind the dot, not %s", t)
		}
		if chain > maxNesting {
			p.fail(t.at, "more than %d levels of nesting", maxNesting)
		}
		n = &member{at(t.at), n, t.text}
	}
	return n
}

func (p *parser) primary() node {
	t := p.advance()
	switch t.kind {
	case numberToken:
		v, ok := parseNumber(strings.ReplaceAll(t.text, "+", ""))
		if !ok || v.kind == Undefined {
			p.fail(t.at, "the number %s is beyond 9.99E999", shorten(t.text))
		}
		return &literal{at(t.at), v}
	case stringToken:
		return &literal{at(t.at), text(t.text)}
	case wordToken:
		return p.word(t)
	case signToken:
		switch t.text {
		case "(":
			return p.parenthesis(t)
		case "[":
			return p.array(t)
		case "{":
			return p.object(t)
		}
	}
	p.fail(t.at, "want an expression, not %s", t)
	return nil
}

func (p *parser) word(t token) node {
	switch word := strings.ToLower(t.text); {
	case word == "true" || word == "false":
		return &literal{at(t.at), boolean(word == "true")}
	case word == "null":
		return &literal{at(t.at), Value{kind: Null}}
	case word == "case":
		return p.choice(t)
	case reserved[word]:
		p.fail(t.at, "want an expression, not %s; a field of this name is read with get(*, '%s')", t, t.text)
	case p.peek().sign("("):
		return p.call(t)
	}
	return &name{at(t.at), t.text}
}

func (p *parser) parenthesis(t token) node {
	var n node
	if p.peek().is("select") {
		n = p.nestedQuery(t)
	} else {
		n = p.expression()
	}
	p.expectSign(")", "to close the parenthesis")
	return n
}

func (p *parser) nestedQuery(t token) node {
	defer p.nest(t.at)()
	p.expect("select")
	q := p.selected()
	p.expect("from")
	q.from = p.postfix()
	if p.accept("where") {
		q.where = p.expression()
	}
	return &nested{at(t.at), q}
}

func (p *parser) array(t token) node {
	n := &build{at: at(t.at), array: true}
	if p.acceptSign("]") {
		return n
	}
	for {
		n.items = append(n.items, p.expression())
		if p.acceptSign("]") {
			return n
		}
		p.expectSign(",", "or \"]\" in the array")
	}
}

func (p *parser) object(t token) node {
	n := &build{at: at(t.at)}
	if p.acceptSign("}") {
		return n
	}
	for {
		key := p.advance()
		if key.kind != stringToken && key.kind != wordToken {
			p.fail(key.at, "want a key, not %s", key)
		}
		p.expectSign(":", "behind the key")
		n.keys, n.items = append(n.keys, key.text), append(n.items, p.expression())
		if p.acceptSign("}") {
			return n
		}
		p.expectSign(",", "or \"}\" in the object")
	}
}

// choice reads CASE v WHEN t THEN r ... [ELSE e] END.
func (p *parser) choice(t token) node {
	if p.peek().is("when") {
		p.fail(p.peek().at, "want an expression between CASE and WHEN: CASE true WHEN a > 1 THEN ... tries conditions")
	}
	n := &choice{at: at(t.at), of: p.expression()}
	for p.accept("when") {
		is := p.expression()
		p.expect("then")
		n.whens = append(n.whens, when{is, p.expression()})
	}
	if len(n.whens) == 0 {
		p.expect("when")
	}
	if p.accept("else") {
		n.other = p.expression()
	}
	p.expect("end")
	return n
}

var castTypes = []string{"string", "nvarchar", "text", "ntext", "varchar", "int", "integer", "double", "decimal", "bool", "boolean"}

func (p *parser) call(t token) node {
	defer p.nest(t.at)()
	p.expectSign("(", "")
	n := &call{at: at(t.at), fn: strings.ToLower(t.text)}
	for !p.acceptSign(")") {
		if len(n.args) > 0 {
			p.expectSign(",", "or \")\" in the arguments of "+t.text)
		}
		n.args = append(n.args, p.argument())
		if n.fn == "cast" {
			p.expect("as")
			as := p.advance()
			if n.as = strings.ToLower(as.text); as.kind != wordToken || !slices.Contains(castTypes, n.as) {
				p.fail(as.at, "cast knows the types %s; not %s", strings.Join(castTypes, ", "), as)
			}
		}
	}
	p.checkCall(n)
	return n
}

// argument of a function may be *, the whole payload.
func (p *parser) argument() node {
	if t := p.peek(); t.sign("*") {
		p.advance()
		return &star{at(t.at)}
	}
	return p.expression()
}
