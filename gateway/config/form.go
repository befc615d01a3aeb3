package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"

	"github.com/penstock-edge/penstock/adapters"
)

// form is one thing of the file (a connection, a device, a point) being filled from its layers: a
// template first, then its own keys over it. Its keys are those of all its structs together: what is
// common to every protocol and what this one adds.
type form struct {
	binder
	at      place // where it is written: a missing key is shown here
	structs []reflect.Value
	given   []given
	lenient bool // the protocol is not known, so neither are its keys: only common ones are looked at
}

// given is one key that was read: the last layer's.
type given struct {
	key, value *node
	spoiled    bool
}

// newForm prepares a form over pointers to structs. Where two take the same key, the first has it.
func newForm(found *mistakes, where string, at place, structs ...any) *form {
	f := &form{binder: binder{found: found, where: where}, at: at}
	f.pathKey = f.isPath
	for _, s := range structs {
		f.add(reflect.ValueOf(s).Elem())
	}
	return f
}

func (f *form) add(v reflect.Value) { f.structs = append(f.structs, v) }

func (f *form) find(key string) (reflect.Value, field, bool) {
	for _, s := range f.structs {
		if at, ok := planOf(s.Type()).find(key); ok {
			return s.FieldByIndex(at.index), at, true
		}
	}
	return reflect.Value{}, field{}, false
}

func (f *form) isPath(key string) bool {
	_, at, ok := f.find(key)
	return ok && at.path
}

// known lists every key there is to choose from.
func (f *form) known() (keys []string) {
	for _, s := range f.structs {
		for _, at := range planOf(s.Type()).fields {
			keys = append(keys, at.key)
		}
	}
	return keys
}

// fill reads one layer. where is whose keys these are, the template's or the thing's own.
func (f *form) fill(layer *node, where string) bool {
	if layer == nil {
		return true
	}
	own := f.where
	f.where = where
	ok := true
	for _, e := range layer.entries {
		ok = f.entry(e) && ok
	}
	f.where = own
	return ok
}

func (f *form) entry(e entry) bool {
	key := e.key.text
	dst, _, ok := f.find(key)
	switch {
	case !ok && f.lenient:
		return true
	case isLiteralSecret(e) && f.takesSecret(key):
		f.secret(e.key)
		ok = false
	case !ok:
		f.unknown(e)
		return false
	default:
		ok = f.value(dst, e.value, key)
	}
	f.remember(given{e.key, e.value, !ok})
	return ok
}

// takesSecret reports whether the key, or a file in its place, is taken here.
func (f *form) takesSecret(key string) bool {
	_, _, ok := f.find(key)
	_, _, file := f.find(key + "_file")
	return ok || file
}

// secret reports one that is written into the file. The place is the key's: a caret needs no secret above it.
func (f *form) secret(key *node) {
	hint := fmt.Sprintf("write %s: \"${NAME}\" and set NAME where the gateway is started", key.text)
	if _, _, ok := f.find(key.text + "_file"); ok {
		hint = fmt.Sprintf("use %s_file: FILE, or %s: \"${NAME}\" from the environment", key.text, key.text)
	}
	f.spoiled(key.at, key.text, wrong(hint, "a secret does not belong into this file"))
}

// unknown reports a key that nothing takes. What it was probably meant to be counts as spoiled, so that
// its absence is not a second mistake.
func (f *form) unknown(e entry) {
	known := f.known()
	hint := suggest(e.key.text, known)
	if isDigits(e.key.text) && e.value.shape == empty { // {scale: 0,1} is scale: 0 and the key 1
		hint = "the decimal sign is a point, as in 0.1"
	}
	if l, ok := laterKey(f.where, e.key.text); ok {
		f.found.fault(e.key.at, l.hint, "%s", l.sentence)
		return
	}
	f.found.add(finding{at: e.key.at, severity: Error, before: "unknown key \"" + e.key.text + "\" in ", where: f.where, hint: hint})
	if meant := nearest(e.key.text, known); meant != "" {
		if _, ok := f.got(meant); !ok {
			key := *e.key
			key.text = meant
			f.remember(given{&key, e.value, true})
		}
	}
}

func (f *form) remember(g given) {
	for i := range f.given {
		if f.given[i].key.text == g.key.text {
			f.given[i] = g
			return
		}
	}
	f.given = append(f.given, g)
}

// got gives a key as its last layer wrote it.
func (f *form) got(key string) (given, bool) {
	for _, g := range f.given {
		if g.key.text == key {
			return g, true
		}
	}
	return given{}, false
}

// valueAt is where a key's value stands, or the whole thing when the key is not there.
func (f *form) valueAt(key string) place {
	if g, ok := f.got(key); ok {
		return g.value.at
	}
	return f.at
}

// wrongValue reports a mistake in a key that was found after it was read.
func (f *form) wrongValue(key, hint, format string, args ...any) {
	f.spoiled(f.valueAt(key), key, wrong(hint, format, args...))
}

// wrongIn reports a mistake in a value that may stand inside another, as frame.start does.
func (f *form) wrongIn(path, hint, format string, args ...any) {
	f.spoiled(f.deepAt(path), path, wrong(hint, format, args...))
}

// deepAt is the place of frame.start, or of as much of it as is written.
func (f *form) deepAt(path string) place {
	if g, ok := f.deepest(path); ok {
		return g.value.at
	}
	return f.at
}

// complete reports keys that must be there and are not.
func (f *form) complete() bool {
	ok := true
	for _, s := range f.structs {
		for _, at := range planOf(s.Type()).fields {
			if !at.required {
				continue
			}
			if _, there := f.got(at.key); !there {
				f.found.add(finding{at: f.at, severity: Error, before: "missing key \"" + at.key + "\" in ", where: f.where, hint: ""})
				f.remember(given{&node{text: at.key}, &node{at: f.at}, true})
				ok = false
			}
		}
	}
	return ok
}

// validate places what an adapter's Validate found. What follows only from a mistake reported already is left out.
func (f *form) validate(err error) bool {
	if err == nil {
		return true
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // the tree itself is walked, not searched
		for _, e := range joined.Unwrap() {
			f.validate(e)
		}
		return false
	}
	key := (*adapters.KeyError)(nil)
	if !errors.As(err, &key) {
		key = &adapters.KeyError{Err: err}
	}
	f.place(key)
	return false
}

func (f *form) place(e *adapters.KeyError) {
	if e.Key == "" {
		if !f.anySpoiled() {
			f.found.add(finding{at: f.at, severity: Error, where: f.where, after: ": " + e.Err.Error(), hint: e.Hint})
		}
		return
	}
	g, ok := f.deepest(e.Key)
	switch {
	case ok && g.spoiled:
	case ok:
		f.spoiled(g.value.at, e.Key, e)
	default:
		f.spoiled(f.at, e.Key, e)
	}
}

func (f *form) anySpoiled() bool {
	for _, g := range f.given {
		if g.spoiled {
			return true
		}
	}
	return false
}

var keyPart = regexp.MustCompile(`[^.\[\]]+`)

// deepest finds frame.start: as much of it as is written.
func (f *form) deepest(key string) (given, bool) {
	parts := keyPart.FindAllString(key, -1)
	if len(parts) == 0 {
		return given{}, false
	}
	g, ok := f.got(parts[0])
	for i := 1; ok && i < len(parts); i++ {
		e, found := g.value.entry(parts[i])
		if !found {
			break
		}
		g = given{e.key, e.value, g.spoiled}
	}
	return g, ok
}
