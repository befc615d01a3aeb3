package rule

import (
	"encoding/base64"
	"unicode/utf8"
)

const maxTransformed = 128 << 10 // bytes of transform's result, as documented

var jsonFunctions = map[string]function{
	"get": {min: 2, max: 2, call: func(_ *env, a []Value) Value { return get(a[0], a[1]) }},
	"get_or_default": {min: 3, max: 3, call: func(_ *env, a []Value) Value {
		if v := get(a[0], a[1]); v.kind != Undefined {
			return v
		}
		return a[2]
	}},
	"isnull":      {min: 1, max: 1, call: func(_ *env, a []Value) Value { return boolean(a[0].kind == Null) }},
	"isundefined": {min: 1, max: 1, call: func(_ *env, a []Value) Value { return boolean(a[0].kind == Undefined) }},
	"encode":      {min: 2, max: 2, call: encode},
	"decode":      {min: 2, max: 2, call: decode},
	"transform":   {min: 3, max: 3, call: transform},
}

// get is an item of an array or a character of a String by its index from 0, or a value of an object by its key.
func get(of, key Value) Value {
	switch of.kind {
	case Object:
		if k := toString(key); k.kind == String {
			return of.fields().get(k.text)
		}
	case Array:
		if at, ok := index(key, len(of.items())); ok {
			return of.items()[at]
		}
	case String:
		at, ok := index(key, utf8.RuneCountInString(of.text))
		if !ok {
			return Value{}
		}
		from := skipRunes(of.text, at)
		_, size := utf8.DecodeRuneInString(of.text[from:])
		return text(of.text[from : from+size])
	}
	return Value{}
}

func index(key Value, length int) (int, bool) {
	n, ok := toNumber(key)
	if !ok {
		return 0, false
	}
	at := rounded(n, cut).small()
	return at, at >= 0 && at < length
}

func encode(e *env, a []Value) Value {
	s, scheme := toString(a[0]), toString(a[1])
	if s.kind != String || scheme.text != "base64" || !e.fits(len(s.text)*4/3+4) {
		return Value{}
	}
	e.charge(len(s.text) / 64)
	return text(base64.StdEncoding.EncodeToString([]byte(s.text)))
}

// decode gives an object or array where the decoded text is JSON, the text itself where it is not, Null where nothing can be decoded.
func decode(e *env, a []Value) Value {
	s, scheme := toString(a[0]), toString(a[1])
	if s.kind != String || scheme.text != "base64" {
		return Value{}
	}
	e.charge(len(s.text) / 16)
	plain, err := base64.StdEncoding.DecodeString(s.text)
	if err != nil {
		return Value{kind: Null}
	}
	if v, err := ParseJSON(plain); err == nil && (v.kind == Object || v.kind == Array) {
		return v
	}
	return text(string(plain))
}

// transform adds an object's keys to each object of an array; a key that is in both keeps the array's value.
func transform(e *env, a []Value) Value {
	if a[0].kind != String || a[0].text != "enrichArray" || a[1].kind != Object || a[2].kind != Array {
		return Value{}
	}
	extra, items := a[1].fields(), []Value{}
	for _, item := range a[2].items() {
		if e.charge(1 + len(extra.keys)); item.kind != Object || e.err != nil {
			return Value{}
		}
		f := &fields{}
		f.merge(item.fields())
		for i, key := range extra.keys {
			if f.place(key) < 0 {
				f.set(key, extra.values[i])
			}
		}
		items = append(items, object(f))
	}
	if result := list(items); len(result.AppendJSON(nil)) <= maxTransformed {
		return result
	}
	e.failf("the array that transform returns is larger than 128 KiB")
	return Value{}
}

func (f *fields) merge(from *fields) {
	for i, key := range from.keys {
		f.set(key, from.values[i])
	}
}
