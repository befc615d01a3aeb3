package rule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Bounds of what is read as JSON.
const (
	maxPayload = 1 << 20
	maxDepth   = 128
)

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$`)

var errJSON = errors.New("not JSON")

// ParseJSON reads one JSON document of at most 1 MiB and 128 levels. Numbers keep all their digits up to 34.
func ParseJSON(data []byte) (Value, error) {
	if len(data) > maxPayload {
		return Value{}, fmt.Errorf("payload of %d bytes: at most %d are read as JSON", len(data), maxPayload)
	}
	r := jsonReader{data: data}
	v, err := r.value(0)
	if r.space(); err == nil && r.at < len(data) {
		err = r.fail("more behind its end")
	}
	return v, err
}

type jsonReader struct {
	data []byte
	at   int
}

func (r *jsonReader) fail(what string) error {
	return fmt.Errorf("%w at byte %d: %s", errJSON, r.at, what)
}

func (r *jsonReader) space() {
	for r.at < len(r.data) {
		switch r.data[r.at] {
		case ' ', '\t', '\r', '\n':
			r.at++
		default:
			return
		}
	}
}

// take skips space and the byte, if it is next.
func (r *jsonReader) take(b byte) bool {
	r.space()
	if r.at < len(r.data) && r.data[r.at] == b {
		r.at++
		return true
	}
	return false
}

func (r *jsonReader) value(depth int) (Value, error) {
	if depth > maxDepth {
		return Value{}, r.fail(fmt.Sprintf("more than %d levels", maxDepth))
	}
	r.space()
	if r.at == len(r.data) {
		return Value{}, r.fail("it ends too early")
	}
	switch c := r.data[r.at]; {
	case c == '{':
		return r.object(depth)
	case c == '[':
		return r.array(depth)
	case c == '"':
		s, err := r.string()
		return text(s), err
	case c == '-' || c >= '0' && c <= '9':
		return r.number()
	}
	return r.word()
}

var jsonWords = []struct {
	text []byte
	v    Value
}{{[]byte("true"), boolean(true)}, {[]byte("false"), boolean(false)}, {[]byte("null"), Value{kind: Null}}}

func (r *jsonReader) word() (Value, error) {
	for _, w := range jsonWords {
		if bytes.HasPrefix(r.data[r.at:], w.text) {
			r.at += len(w.text)
			return w.v, nil
		}
	}
	return Value{}, r.fail("want a value")
}

func (r *jsonReader) object(depth int) (Value, error) {
	r.at++
	f := &fields{keys: make([]string, 0, 4), values: make([]Value, 0, 4)}
	if r.take('}') {
		return object(f), nil
	}
	for {
		if r.space(); r.at == len(r.data) || r.data[r.at] != '"' {
			return Value{}, r.fail("want a key in double quotes")
		}
		key, err := r.string()
		if err != nil {
			return Value{}, err
		}
		if !r.take(':') {
			return Value{}, r.fail("want a colon")
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		f.set(key, v)
		if r.take('}') {
			return object(f), nil
		}
		if !r.take(',') {
			return Value{}, r.fail("want a comma or the end of the object")
		}
	}
}

func (r *jsonReader) array(depth int) (Value, error) {
	r.at++
	items := []Value{}
	if r.take(']') {
		return list(items), nil
	}
	for {
		v, err := r.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		items = append(items, v)
		if r.take(']') {
			return list(items), nil
		}
		if !r.take(',') {
			return Value{}, r.fail("want a comma or the end of the array")
		}
	}
}

func (r *jsonReader) string() (string, error) {
	start := r.at
	plain := true
	for r.at++; r.at < len(r.data); r.at++ {
		switch c := r.data[r.at]; {
		case c == '"':
			r.at++
			return r.unquote(r.data[start:r.at], plain)
		case c == '\\':
			plain = false
			r.at++
		case c < 0x20:
			return "", r.fail("a control character in a string")
		}
	}
	return "", r.fail("a string without its end")
}

func (r *jsonReader) unquote(quoted []byte, plain bool) (string, error) {
	if inner := quoted[1 : len(quoted)-1]; plain && utf8.Valid(inner) {
		return string(inner), nil
	}
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return "", r.fail("a string with a bad escape")
	}
	return s, nil
}

func (r *jsonReader) number() (Value, error) {
	start := r.at
	for r.at < len(r.data) && strings.IndexByte("+-.eE0123456789", r.data[r.at]) >= 0 {
		r.at++
	}
	digits := r.data[start:r.at]
	if !jsonNumber.Match(digits) {
		return Value{}, r.fail("a bad number")
	}
	v, ok := parseNumber(strings.ReplaceAll(string(digits), "+", ""))
	if !ok || v.kind == Undefined {
		return Value{}, r.fail("a number larger than 9.99E999 or of more than 4096 digits")
	}
	return v, nil
}

// AppendJSON writes v. Undefined alone is nothing at all; in an object its key is left out, in an array it is null.
func (v Value) AppendJSON(b []byte) []byte {
	switch v.kind {
	case Null:
		return append(b, "null"...)
	case Boolean:
		if v.isTrue() {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	case Int, Decimal:
		return append(b, v.numeral()...)
	case String:
		return appendString(b, v.text)
	case Array:
		return appendArray(b, v.items())
	case Object:
		return appendObject(b, v.fields())
	}
	return b
}

func appendArray(b []byte, items []Value) []byte {
	b = append(b, '[')
	for i, item := range items {
		if i > 0 {
			b = append(b, ',')
		}
		if item.kind == Undefined {
			item.kind = Null
		}
		b = item.AppendJSON(b)
	}
	return append(b, ']')
}

func appendObject(b []byte, f *fields) []byte {
	b = append(b, '{')
	first := true
	for i, key := range f.keys {
		if f.values[i].kind == Undefined {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendString(b, key), ':')
		b = f.values[i].AppendJSON(b)
	}
	return append(b, '}')
}

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s { // a range over bytes that are no UTF-8 gives U+FFFD
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r < 0x20:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// String is v as a substitution template and a person see it: a String without quotes, anything else as JSON.
func (v Value) String() string {
	if v.kind == String {
		return v.text
	}
	return string(v.AppendJSON(nil))
}
