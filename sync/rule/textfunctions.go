package rule

import (
	"math"
	"strings"
	"unicode/utf8"
)

// maxText is the longest text that an expression may make.
const maxText = 1 << 20

var textFunctions = map[string]function{
	"chr": numbers(func(v Value) Value {
		n := rounded(v, down)
		if n.kind != Int || n.small() < 0 || n.small() > 127 {
			return Value{}
		}
		return text(string(rune(n.small())))
	}),
	"concat":     {max: any1000, call: concat},
	"endswith":   texts2(func(a, b string) Value { return boolean(strings.HasSuffix(a, b)) }),
	"startswith": texts2(func(a, b string) Value { return boolean(strings.HasPrefix(a, b)) }),
	"indexof":    texts2(indexOf),
	"length":     texts(func(s string) Value { return whole(int64(utf8.RuneCountInString(s))) }),
	"numbytes":   texts(func(s string) Value { return whole(int64(len(s))) }),
	"lower":      texts(func(s string) Value { return text(strings.ToLower(s)) }),
	"upper":      texts(func(s string) Value { return text(strings.ToUpper(s)) }),
	"ltrim":      texts(func(s string) Value { return text(strings.TrimLeft(s, " \t")) }),
	"rtrim":      texts(func(s string) Value { return text(strings.TrimRight(s, " \t")) }),
	"trim":       texts(func(s string) Value { return text(strings.TrimSpace(s)) }),
	"lpad":       {min: 2, max: 2, call: func(e *env, a []Value) Value { return pad(e, a, true) }},
	"rpad":       {min: 2, max: 2, call: func(e *env, a []Value) Value { return pad(e, a, false) }},
	"replace":    {min: 3, max: 3, call: replace},
	"substring":  {min: 2, max: 3, call: substring},
}

func texts(fn func(string) Value) function {
	return function{min: 1, max: 1, call: func(e *env, a []Value) Value {
		s := toString(a[0])
		if s.kind != String {
			return Value{}
		}
		e.charge(len(s.text) / 64)
		return fn(s.text)
	}}
}

func texts2(fn func(a, b string) Value) function {
	return function{min: 2, max: 2, call: func(e *env, args []Value) Value {
		a, b := toString(args[0]), toString(args[1])
		if a.kind != String || b.kind != String {
			return Value{}
		}
		e.charge((len(a.text) + len(b.text)) / 64)
		return fn(a.text, b.text)
	}}
}

// indexOf counts characters; what is not found is at -1.
func indexOf(a, b string) Value {
	before, _, found := strings.Cut(a, b)
	if !found {
		return whole(-1)
	}
	return whole(int64(utf8.RuneCountInString(before)))
}

func concat(e *env, args []Value) Value {
	if len(args) <= 1 {
		return append([]Value{{}}, args...)[len(args)]
	}
	arrays, strs := false, false
	for _, a := range args {
		arrays, strs = arrays || a.kind == Array, strs || a.kind == String
	}
	switch {
	case arrays:
		return concatArrays(e, args)
	case strs:
		return concatTexts(e, args)
	}
	return Value{}
}

func concatArrays(e *env, args []Value) Value {
	items := []Value{}
	for _, a := range args {
		switch a.kind {
		case Undefined:
		case Array:
			items = append(items, a.items()...)
		default:
			items = append(items, a)
		}
	}
	e.charge(len(items))
	return list(items)
}

func concatTexts(e *env, args []Value) Value {
	var b strings.Builder
	for _, a := range args {
		s := toString(a)
		if s.kind != String {
			return Value{}
		}
		if !e.fits(b.Len() + len(s.text)) {
			return Value{}
		}
		b.WriteString(s.text)
	}
	e.charge(b.Len() / 64)
	return text(b.String())
}

// pad adds as many spaces as the second argument says, 0 to 1000.
func pad(e *env, a []Value, left bool) Value {
	s, width := toString(a[0]), Value{}
	if n, ok := toNumber(a[1]); ok {
		width = rounded(n, down)
	}
	if s.kind != String || width.kind == Undefined || !e.fits(len(s.text)+1000) {
		return Value{}
	}
	spaces := strings.Repeat(" ", min(max(width.small(), 0), 1000))
	e.charge(len(s.text)/64 + 1)
	if left {
		return text(spaces + s.text)
	}
	return text(s.text + spaces)
}

func replace(e *env, a []Value) Value {
	s, old, with := toString(a[0]), toString(a[1]), toString(a[2])
	if s.kind != String || old.kind != String || with.kind != String {
		return Value{}
	}
	size := int64(len(s.text)) + int64(strings.Count(s.text, old.text))*int64(len(with.text))
	if !e.fits(int(min(size, math.MaxInt32))) {
		return Value{}
	}
	e.charge(int(size / 64))
	return text(strings.ReplaceAll(s.text, old.text, with.text))
}

// substring counts characters from 0; places outside are moved to the nearest end, fractions are cut.
func substring(e *env, a []Value) Value {
	s := toString(a[0])
	if s.kind != String {
		return Value{}
	}
	e.charge(len(s.text) / 64)
	places := [2]int{0, len(s.text)}
	for i, arg := range a[1:] {
		n, ok := toNumber(arg)
		if !ok {
			return Value{}
		}
		places[i] = max(0, rounded(n, cut).small())
	}
	from, to := skipRunes(s.text, places[0]), skipRunes(s.text, places[1])
	if from >= to {
		return text("")
	}
	return text(s.text[from:to])
}

// skipRunes is the byte at which the n-th character begins, or the end.
func skipRunes(s string, n int) int {
	if n >= len(s) {
		return len(s)
	}
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}
