package rule

import (
	"fmt"
	"strings"
)

// Bounds of what is parsed.
const (
	maxSource  = 64 << 10
	maxNesting = 64
	maxChain   = 1000 // operators of one precedence in a row
)

// reserved words cannot name a field by themselves; behind a dot they can.
var reserved = map[string]bool{"select": true, "from": true, "where": true, "as": true, "and": true, "or": true, "not": true, "case": true,
	"when": true, "then": true, "else": true, "end": true, "group": true, "by": true, "having": true, "true": true, "false": true, "null": true}

// bail carries a SyntaxError out of the depth of the parser; parse catches it.
type bail struct{ err error }

type parser struct {
	src    string
	tokens []token
	next   int
	depth  int
}

// Parse reads a SELECT. An error is a *SyntaxError.
func Parse(src string) (*Statement, error) {
	var s *Statement
	err := parse(src, func(p *parser) { s = p.statement() })
	if err != nil {
		return nil, err
	}
	return s, nil
}

func parse(src string, read func(*parser)) (err error) {
	if len(src) > maxSource {
		return syntaxError(src, 0, "%d bytes of SQL: at most %d are read", len(src), maxSource)
	}
	tokens, err := lex(src)
	if err != nil {
		return err
	}
	defer func() {
		if r := recover(); r != nil {
			b, ours := r.(bail)
			if !ours {
				panic(r)
			}
			err = b.err
		}
	}()
	p := &parser{src: src, tokens: tokens}
	read(p)
	if t := p.peek(); t.kind != endToken {
		p.fail(t.at, "did not expect %s here", t)
	}
	return nil
}

func (p *parser) fail(at int, format string, args ...any) {
	panic(bail{syntaxError(p.src, at, format, args...)})
}

func (p *parser) peek() token { return p.tokens[p.next] }

// ahead looks n tokens past the next one.
func (p *parser) ahead(n int) token { return p.tokens[min(p.next+n, len(p.tokens)-1)] }

func (p *parser) advance() token {
	t := p.peek()
	if t.kind != endToken {
		p.next++
	}
	return t
}

func (t token) is(word string) bool { return t.kind == wordToken && strings.EqualFold(t.text, word) }

func (t token) sign(sign string) bool { return t.kind == signToken && t.text == sign }

func (p *parser) accept(word string) bool {
	if p.peek().is(word) {
		p.next++
		return true
	}
	return false
}

func (p *parser) acceptSign(sign string) bool {
	if p.peek().sign(sign) {
		p.next++
		return true
	}
	return false
}

func (p *parser) expect(word string) token {
	t := p.peek()
	if !p.accept(word) {
		p.fail(t.at, "want %s, not %s", strings.ToUpper(word), t)
	}
	return t
}

func (p *parser) expectSign(sign, why string) token {
	t := p.peek()
	if !p.acceptSign(sign) {
		p.fail(t.at, "want %q %s, not %s", sign, why, t)
	}
	return t
}

// nest guards the depth of everything that can contain itself.
func (p *parser) nest(at int) func() {
	if p.depth++; p.depth > maxNesting {
		p.fail(at, "more than %d levels of nesting", maxNesting)
	}
	return func() { p.depth-- }
}

func (p *parser) statement() *Statement {
	s := &Statement{src: p.src}
	p.expect("select")
	s.body = p.selected()
	if p.accept("from") {
		s.from = p.filter()
	}
	if p.accept("where") {
		s.body.where = p.expression()
	}
	if p.accept("group") {
		p.expect("by")
		p.grouping(s)
	}
	if p.peek().is("having") {
		p.advance()
		s.having = p.expression()
	}
	p.check(s)
	return s
}

// selected reads what stands behind SELECT, up to FROM.
func (p *parser) selected() *query {
	q := &query{}
	if p.valueKeyword() {
		p.advance()
		q.value = true
	}
	for {
		q.items = append(q.items, p.item())
		if !p.acceptSign(",") {
			break
		}
	}
	if q.value && (len(q.items) > 1 || len(q.items[0].alias) > 0) {
		p.fail(q.items[0].at, "SELECT VALUE takes one expression, without AS")
	}
	return q
}

// valueKeyword tells SELECT VALUE x from SELECT value, a field of that name: the keyword has an expression behind it.
func (p *parser) valueKeyword() bool {
	if !p.peek().is("value") {
		return false
	}
	switch next := p.ahead(1); next.kind {
	case numberToken, stringToken:
		return true
	case wordToken:
		word := strings.ToLower(next.text)
		return !reserved[word] || word == "case" || word == "not" || word == "true" || word == "false" || word == "null"
	case signToken:
		if next.text == "*" {
			behind := p.ahead(2)
			return behind.kind == endToken || behind.is("from") || behind.is("where") || behind.sign(",") || behind.sign(")")
		}
		return next.text == "(" || next.text == "[" || next.text == "{"
	}
	return false
}

func (p *parser) item() item {
	t := p.peek()
	if t.sign("*") {
		p.advance()
		return item{at: t.at}
	}
	it := item{expr: p.expression(), at: t.at}
	if p.accept("as") {
		it.alias = p.alias()
	}
	return it
}

func (p *parser) alias() []string {
	var parts []string
	for {
		t := p.advance()
		switch {
		case t.kind == stringToken && t.text != "", t.kind == wordToken:
			parts = append(parts, t.text)
		default:
			p.fail(t.at, "want a name behind AS, not %s", t)
		}
		if !p.acceptSign(".") {
			return parts
		}
	}
}

// filter reads FROM's topic filter.
func (p *parser) filter() string {
	t := p.advance()
	if t.kind != stringToken {
		p.fail(t.at, "want a topic filter in single quotes behind FROM, as in 'press/+', not %s", t)
	}
	if err := checkFilter(t.text); err != nil {
		p.fail(t.at, "%v", err)
	}
	return t.text
}

func checkFilter(filter string) error {
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		switch {
		case filter == "" || len(filter) > 1024:
			return fmt.Errorf("a topic filter has 1 to 1024 bytes")
		case level == "#" && i < len(levels)-1:
			return fmt.Errorf("# stands for the rest of a topic and can only be last in %q", shorten(filter))
		case len(level) > 1 && strings.ContainsAny(level, "+#"):
			return fmt.Errorf("+ and # stand alone between slashes; %q mixes them with text", shorten(level))
		}
	}
	return nil
}
