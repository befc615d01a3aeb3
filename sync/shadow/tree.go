package shadow

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Object is a JSON object: strings, json.Number, bool, nil, []any and Object as values. Objects of a Document are shared by
// all who read them and are never written to; an update makes new ones along the path it changes.
type Object = map[string]any

// maxSpare is how many levels a request has round and beside its sections.
const maxSpare = 2

// parse reads one JSON object, no deeper than depth. Numbers keep their text. A key that stands twice in an object is refused:
// who reads it later could not know which of the two was meant.
func parse(payload []byte, depth int) (Object, *Error) {
	if !json.Valid(payload) {
		return nil, invalid("Invalid JSON")
	}
	p := parser{dec: json.NewDecoder(bytes.NewReader(payload)), depth: depth + maxSpare, told: depth}
	p.dec.UseNumber()
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

type parser struct {
	dec         *json.Decoder
	depth, told int // the bound, and what the error says of it
}

func (p *parser) value(level int) (any, *Error) {
	token, err := p.dec.Token()
	if err != nil {
		return nil, invalid("Invalid JSON")
	}
	switch token {
	case json.Delim('{'):
		return p.object(level + 1)
	case json.Delim('['):
		return p.array(level + 1)
	}
	return token, nil
}

func (p *parser) object(level int) (any, *Error) {
	if level > p.depth {
		return nil, tooDeep(p.told)
	}
	o := Object{}
	for p.dec.More() {
		token, err := p.dec.Token()
		key, ok := token.(string)
		if err != nil || !ok {
			return nil, invalid("Invalid JSON")
		}
		v, bad := p.value(level)
		if bad != nil {
			return nil, bad
		}
		if _, twice := o[key]; twice {
			return nil, invalid(fmt.Sprintf("Invalid JSON: '%.64s' stands twice in an object", key))
		}
		o[key] = v
	}
	return o, p.end()
}

func (p *parser) array(level int) (any, *Error) {
	if level > p.depth {
		return nil, tooDeep(p.told)
	}
	a := []any{}
	for p.dec.More() {
		v, bad := p.value(level)
		if bad != nil {
			return nil, bad
		}
		a = append(a, v)
	}
	return a, p.end()
}

// end takes the closing bracket.
func (p *parser) end() *Error {
	if _, err := p.dec.Token(); err != nil {
		return invalid("Invalid JSON")
	}
	return nil
}

// Equal compares two values as JSON means them: objects without order, arrays with it, numbers by what they amount to
// (1 is 1.0 is 10e-1).
func Equal(a, b any) bool {
	switch a := a.(type) {
	case Object:
		b, ok := b.(Object)
		return ok && equalObjects(a, b)
	case []any:
		b, ok := b.([]any)
		return ok && equalArrays(a, b)
	case json.Number:
		b, ok := b.(json.Number)
		return ok && equalNumbers(a, b)
	}
	switch b.(type) {
	case Object, []any:
		return false
	}
	return a == b
}

func equalObjects(a, b Object) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || !Equal(v, w) {
			return false
		}
	}
	return true
}

func equalArrays(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}
