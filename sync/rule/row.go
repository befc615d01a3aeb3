package rule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// layout says which key each item of a SELECT list has.
type layout struct {
	whole bool       // SELECT VALUE: the one item is the row
	keys  [][]string // parts of each key; nil for *
	names []string   // the same, joined
}

// layoutOf names items without AS: the last key of a path, a function's name, else _1 for the first item, and so on.
func layoutOf(q *query) *layout {
	l := &layout{whole: q.value}
	for i, it := range q.items {
		key := it.alias
		switch n := it.expr.(type) {
		case nil:
		case *name:
			key = orElse(key, n.text)
		case *member:
			key = orElse(key, n.key)
		case *call:
			key = orElse(key, n.fn)
		default:
			key = orElse(key, "_"+strconv.Itoa(i+1))
		}
		l.keys, l.names = append(l.keys, key), append(l.names, strings.Join(key, "."))
	}
	return l
}

func orElse(key []string, name string) []string {
	if len(key) == 0 {
		return []string{name}
	}
	return key
}

// object puts the values under their keys; dots in an alias make objects. What * stands for is merged in, if it is an object.
func (l *layout) object(values []Value) Value {
	if len(l.keys) == 1 && (l.whole || l.keys[0] == nil) {
		return values[0]
	}
	f := &fields{}
	for i, key := range l.keys {
		switch {
		case key == nil && values[i].kind == Object:
			f.merge(values[i].fields())
		case key != nil && values[i].kind != Undefined:
			f.put(key, values[i])
		}
	}
	return object(f)
}

func (f *fields) put(key []string, v Value) {
	if len(key) == 1 {
		f.set(key[0], v)
		return
	}
	below := &fields{}
	if old := f.get(key[0]); old.kind == Object {
		below.merge(old.fields()) // a copy: the payload's own objects do not change
	}
	below.put(key[1:], v)
	f.set(key[0], object(below))
}

// Row is what a statement gives: what a message became, or a group of a window. It is valid until emit returns.
type Row struct {
	at     int64
	layout *layout
	values []Value
	raw    []byte // the payload of SELECT * where it is no JSON
}

// Time is the message's; of a window its end.
func (r Row) Time() time.Time { return time.Unix(0, r.at) }

// Value is the row as one value: an object, or with SELECT VALUE anything.
func (r Row) Value() Value { return r.layout.object(r.values) }

// Names are the keys of the SELECT list, dots and all; "" for *.
func (r Row) Names() []string { return r.layout.names }

// At is the value of the i-th name.
func (r Row) At(i int) Value { return r.values[i] }

// Field is the value of a name of the SELECT list, without building anything.
func (r Row) Field(name string) Value {
	for i, n := range r.layout.names {
		if n == name {
			return r.values[i]
		}
	}
	return Value{}
}

// Payload is the row as the payload of a message: JSON; nothing for Undefined; the bytes as they came for SELECT * of what is no JSON.
func (r Row) Payload() ([]byte, error) {
	if r.raw != nil {
		return r.raw, nil
	}
	v := r.Value()
	if budget := maxText; !v.within(&budget) {
		return nil, fmt.Errorf("the row is larger than %d bytes as JSON: select less", maxText)
	}
	return v.AppendJSON(make([]byte, 0, 128)), nil
}
