package config

import (
	"encoding"
	"reflect"
	"strings"
	"sync"
)

// field is one key that a struct takes.
type field struct {
	key      string
	index    []int // reflect's way to it, through inlined structs
	typ      reflect.Type
	required bool
	path     bool // a file or folder, relative to the file it is written in
}

// plan is what a struct takes, in the struct's order. It is all that is known of a protocol's keys.
type plan struct {
	fields []field
	byKey  map[string]int
}

// plans remembers the plan of every struct: a site has three kinds of point and ten thousand of each.
var plans sync.Map // reflect.Type -> *plan

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p := &plan{byKey: map[string]int{}}
	p.walk(t, nil)
	plans.Store(t, p)
	return p
}

func (p *plan) walk(t reflect.Type, index []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, ok := f.Tag.Lookup("yaml")
		key, options, _ := strings.Cut(tag, ",")
		if !ok || key == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		at := append(append([]int(nil), index...), i)
		if strings.Contains(options, "inline") {
			p.walk(f.Type, at)
			continue
		}
		p.byKey[key] = len(p.fields)
		p.fields = append(p.fields, field{
			key: key, index: at, typ: f.Type,
			required: f.Tag.Get("required") == "true",
			path:     f.Tag.Get("path") == "true" || strings.HasSuffix(key, "_file"),
		})
	}
}

// find gives the field of a key.
func (p *plan) find(key string) (field, bool) {
	i, ok := p.byKey[key]
	if !ok {
		return field{}, false
	}
	return p.fields[i], true
}

var (
	unmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
	nodeType        = reflect.TypeFor[*node]()
)

// readsText reports whether a type reads itself from a text.
func readsText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(unmarshalerType) }

// Keys lists the keys that a struct takes, with those inside nested structs as frame.start: what a
// reference must name and a schema describe.
func Keys(of any) []string {
	t := reflect.TypeOf(of)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var keys []string
	for _, f := range planOf(t).fields {
		keys = append(keys, f.key)
		inner := f.typ
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice || inner.Kind() == reflect.Map {
			inner = inner.Elem()
		}
		if inner.Kind() != reflect.Struct || f.typ == nodeType || readsText(inner) {
			continue
		}
		for _, k := range Keys(reflect.New(inner).Interface()) {
			keys = append(keys, f.key+"."+k)
		}
	}
	return keys
}
