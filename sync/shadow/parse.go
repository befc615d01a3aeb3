package shadow

import (
	"encoding/json"
	"fmt"
	"strings"
)

// maxSpare is how many levels a request has round and beside its sections.
const maxSpare = 2

// parse reads one JSON object, no deeper than depth. Numbers keep their text. A key that stands twice in an object is refused:
// who reads it later could not know which of the two was meant.
func parse(payload []byte, depth int) (Object, *Error) {
	if !json.Valid(payload) {
		return nil, invalid("Invalid JSON")
	}
	p := parser{rest: string(payload), depth: depth + maxSpare, told: depth}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	o, ok := v.(Object)
	if !ok {
		return nil, invalid("Invalid JSON")
	}
	return o, nil
}

// parser walks over JSON that json.Valid has found valid, so that no step of it needs to look for mistakes, and
// json.Decoder's token by token, each in an interface, is not paid for.
type parser struct {
	rest        string
	depth, told int // the bound, and what the error says of it
}

const space = " \t\r\n"

// next drops the white space before the next token and says with which byte that begins.
func (p *parser) next() byte {
	p.rest = strings.TrimLeft(p.rest, space)
	return p.rest[0]
}

// drop takes one byte that next saw.
func (p *parser) drop() { p.rest = p.rest[1:] }

func (p *parser) value(level int) (any, *Error) {
	switch p.next() {
	case '{':
		return p.object(level + 1)
	case '[':
		return p.array(level + 1)
	case '"':
		return p.text(), nil
	case 't':
		p.rest = p.rest[len("true"):]
		return true, nil
	case 'f':
		p.rest = p.rest[len("false"):]
		return false, nil
	case 'n':
		p.rest = p.rest[len("null"):]
		return nil, nil
	}
	end := strings.IndexAny(p.rest, ",]}"+space)
	if end < 0 {
		end = len(p.rest)
	}
	number := json.Number(p.rest[:end])
	p.rest = p.rest[end:]
	return number, nil
}

// text reads a string; those without a backslash, which are nearly all, as they are.
func (p *parser) text() string {
	end := 1
	for p.rest[end] != '"' {
		if p.rest[end] == '\\' {
			end++
		}
		end++
	}
	quoted := p.rest[:end+1]
	p.rest = p.rest[end+1:]
	if !strings.Contains(quoted, `\`) {
		return quoted[1 : len(quoted)-1]
	}
	var s string
	if err := json.Unmarshal([]byte(quoted), &s); err != nil {
		panic("BUG: a valid string is not: " + err.Error())
	}
	return s
}

func (p *parser) object(level int) (any, *Error) {
	if level > p.depth {
		return nil, tooDeep(p.told)
	}
	p.drop()
	o := Object{}
	for p.next() != '}' {
		if p.next() == ',' {
			p.drop()
			p.next()
		}
		key := p.text()
		p.next()
		p.drop() // the colon
		v, err := p.value(level)
		if err != nil {
			return nil, err
		}
		if _, twice := o[key]; twice {
			return nil, invalid(fmt.Sprintf("Invalid JSON: '%.64s' stands twice in an object", key))
		}
		o[key] = v
	}
	p.drop()
	return o, nil
}

func (p *parser) array(level int) (any, *Error) {
	if level > p.depth {
		return nil, tooDeep(p.told)
	}
	p.drop()
	a := []any{}
	for p.next() != ']' {
		if p.next() == ',' {
			p.drop()
		}
		v, err := p.value(level)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
	}
	p.drop()
	return a, nil
}
