package config

import (
	"encoding"
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// binder writes nodes into Go values by their yaml tags. Every value it can't take is a mistake with a
// place, and it goes on with the next. It does one form of one layer at a time.
type binder struct {
	found   *mistakes
	where   string // whose keys these are: "point press.oil_temp"
	pathKey func(string) bool
}

// spoiled reports a mistake in the value of a key. path is the key, or frame.start for one inside another.
func (b *binder) spoiled(at place, path string, err *adapters.KeyError) bool {
	b.found.add(finding{at: at, severity: Error, before: path + " of ", where: b.where, after: ": " + err.Err.Error(), hint: err.Hint})
	return false
}

// value writes n into dst and reports whether it could.
func (b *binder) value(dst reflect.Value, n *node, path string) bool {
	t := dst.Type()
	switch {
	case n.broken:
		return false
	case t == nodeType:
		dst.Set(reflect.ValueOf(n))
		return true
	case t.Kind() == reflect.Pointer:
		fresh := reflect.New(t.Elem())
		if !dst.IsNil() {
			fresh.Elem().Set(dst.Elem())
		}
		ok := b.value(fresh.Elem(), n, path)
		dst.Set(fresh)
		return ok
	case readsText(t) && !(n.shape == mapping && t.Kind() == reflect.Struct):
		return b.text(dst, n, path)
	}
	switch t.Kind() {
	case reflect.Struct:
		return b.fields(dst, n, path)
	case reflect.Slice, reflect.Array:
		return b.list(dst, n, path)
	case reflect.Map:
		return b.table(dst, n, path)
	}
	return b.scalar(dst, n, path)
}

// text lets a type read itself.
func (b *binder) text(dst reflect.Value, n *node, path string) bool {
	if !b.isScalar(n, path) {
		return false
	}
	err := dst.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.text))
	if err == nil {
		return true
	}
	if key := (*adapters.KeyError)(nil); errors.As(err, &key) {
		return b.spoiled(n.at, path, key)
	}
	return b.spoiled(n.at, path, &adapters.KeyError{Err: err})
}

func (b *binder) isScalar(n *node, path string) bool {
	if n.shape == scalar {
		return true
	}
	hint := "write one value, or take the key out"
	return b.spoiled(n.at, path, wrong(hint, "here is %s, and a single value is wanted", n.shape))
}

var durationType = reflect.TypeFor[time.Duration]()

func (b *binder) scalar(dst reflect.Value, n *node, path string) bool {
	if !b.isScalar(n, path) {
		return false
	}
	if n.quoted && !n.substituted() && dst.Kind() != reflect.String && dst.Type() != durationType {
		return b.spoiled(n.at, path, wrong("take the quotes away", "%q in quotes is text", n.raw))
	}
	if err := b.plain(dst, n, path); err != nil {
		if n.substituted() { // what a variable held may be a secret
			err = wrong("", "what %s stands for can't be used as %s", n.raw, dst.Kind())
		}
		return b.spoiled(n.at, path, err)
	}
	return true
}

// plain writes one value into a bool, a number, a duration or a string.
func (b *binder) plain(dst reflect.Value, n *node, path string) (err *adapters.KeyError) {
	switch k := dst.Kind(); {
	case dst.Type() == durationType:
		var v time.Duration
		v, err = readDuration(n.text)
		dst.SetInt(int64(v))
	case k == reflect.String:
		b.string(dst, n, path)
	case k == reflect.Bool:
		var v bool
		v, err = readBool(n.text)
		dst.SetBool(v)
	case dst.CanInt():
		var v int64
		if v, err = readInt(n.text); err == nil && dst.OverflowInt(v) {
			most := int64(1)<<(dst.Type().Bits()-1) - 1
			return wrong("", "%s is not from %d to %d", n.text, -most-1, most)
		}
		dst.SetInt(v)
	case dst.CanUint():
		var v uint64
		if v, err = readUint(n.text); err == nil && dst.OverflowUint(v) {
			return wrong("", "%s is more than %d", n.text, uint64(1)<<dst.Type().Bits()-1)
		}
		dst.SetUint(v)
	case dst.CanFloat():
		var v float64
		v, err = readFloat(n.text)
		dst.SetFloat(v)
	default:
		panic("BUG: the key " + path + " has the type " + dst.Type().String() + ", which no YAML can be read into")
	}
	return err
}

// notAFile is how values of a path's key begin that are none.
const notAFile = "sha256:"

func (b *binder) string(dst reflect.Value, n *node, path string) {
	text := n.text
	if b.pathKey != nil && b.pathKey(path) && !strings.HasPrefix(text, notAFile) {
		text = n.at.resolve(text)
	}
	dst.SetString(text)
}

func (b *binder) list(dst reflect.Value, n *node, path string) bool {
	if n.shape != list && n.shape != empty {
		hint := "write [...] round it, also when it is one"
		return b.spoiled(n.at, path, wrong(hint, "here is %s, and a list is wanted", n.shape))
	}
	out := reflect.New(dst.Type()).Elem()
	if out.Kind() == reflect.Slice {
		out.Set(reflect.MakeSlice(dst.Type(), len(n.items), len(n.items)))
	} else if len(n.items) != out.Len() {
		return b.spoiled(n.at, path, wrong("", "here are %d values, and %d are wanted", len(n.items), out.Len()))
	}
	ok := true
	for i, item := range n.items {
		if out.Index(i).Type() == nodeType {
			out.Index(i).Set(reflect.ValueOf(item)) // also one that is broken: who reads it looks
		}
		ok = b.value(out.Index(i), item, path) && ok
	}
	dst.Set(out)
	return ok
}

// table writes a map. A map given again replaces the one before it, as a value does.
func (b *binder) table(dst reflect.Value, n *node, path string) bool {
	if n.shape != mapping && n.shape != empty {
		return b.spoiled(n.at, path, wrong("write {key: value}", "here is %s, and keys with values are wanted", n.shape))
	}
	out := reflect.MakeMapWithSize(dst.Type(), len(n.entries))
	ok := true
	for _, e := range n.entries {
		key, value := reflect.New(dst.Type().Key()).Elem(), reflect.New(dst.Type().Elem()).Elem()
		ok = b.value(key, e.key, path) && b.value(value, e.value, path+"."+e.key.text) && ok
		out.SetMapIndex(key, value)
	}
	dst.Set(out)
	return ok
}

// fields writes a struct that stands inside another, as a serial device's frame does.
func (b *binder) fields(dst reflect.Value, n *node, path string) bool {
	if n.shape != mapping && n.shape != empty {
		return b.spoiled(n.at, path, wrong("write {key: value}", "here is %s, and keys with values are wanted", n.shape))
	}
	inner := form{binder: binder{found: b.found, where: path + " of " + b.where}, at: n.at}
	inner.pathKey = inner.isPath
	inner.add(dst)
	ok := inner.fill(n, inner.where)
	return inner.complete() && ok
}
