package rule

import (
	"math"
	"math/big"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Kind is the type of a Value, in the words of the AWS IoT SQL reference.
type Kind uint8

// The kinds. Undefined is "not a value": a missing key, a function called with what it cannot use, a division by zero.
const (
	Undefined Kind = iota
	Null
	Boolean
	Int     // whole, up to 34 digits
	Decimal // 34 digits, 1E-999 to 9.99E999; or double precision, where it came from a sample or a function like sin
	String
	Array
	Object
)

var kindNames = [...]string{"Undefined", "Null", "Boolean", "Int", "Decimal", "String", "Array", "Object"}

func (k Kind) String() string { return kindNames[k] }

// form is how a number is held.
type form uint8

const (
	exact  form = iota // bits as an int64, times ten to the exp
	wide               // ref as a *big.Int, times ten to the exp
	double             // bits as a float64; finite, and only of kind Decimal
)

// Value is what an expression gives. The zero Value is Undefined. Values do not change; arrays and objects are shared.
type Value struct {
	kind Kind
	form form
	exp  int32 // 0 for every Int
	bits uint64
	text string
	ref  any // *big.Int, []Value, *fields
}

// Of makes a Value of a sample's value. A float is a Decimal in double precision even when it is whole, so that 21.0 / 2 is 10.5;
// a NaN or an infinity is no number and therefore Undefined.
func Of(v telemetry.Value) Value {
	switch v.Kind() {
	case telemetry.KindBool:
		return boolean(v.Bool())
	case telemetry.KindInt64:
		return whole(int64(v.Bits()))
	case telemetry.KindUint64:
		if bits := v.Bits(); bits > math.MaxInt64 {
			return number(new(big.Int).SetUint64(bits), 0, Int)
		}
		return whole(int64(v.Bits()))
	case telemetry.KindFloat64:
		return float(math.Float64frombits(v.Bits()))
	case telemetry.KindString:
		return text(v.Text())
	}
	return Value{}
}

// Text makes a String.
func Text(s string) Value { return text(s) }

// Kind says what v is.
func (v Value) Kind() Kind { return v.kind }

// IsUndefined reports whether v is not a value.
func (v Value) IsUndefined() bool { return v.kind == Undefined }

// Telemetry is v as the value of a sample: nothing for Undefined and Null; arrays and objects as their JSON.
func (v Value) Telemetry() telemetry.Value {
	switch v.kind {
	case Undefined, Null:
		return telemetry.Value{}
	case Boolean:
		return telemetry.Bool(v.bits != 0)
	case Int:
		if v.form == exact {
			return telemetry.Int64(int64(v.bits))
		}
		return telemetry.Float64(v.float())
	case Decimal:
		return telemetry.Float64(v.float())
	case String:
		return telemetry.String(v.text)
	}
	return telemetry.String(string(v.AppendJSON(nil)))
}

func boolean(b bool) Value {
	if b {
		return Value{kind: Boolean, bits: 1}
	}
	return Value{kind: Boolean}
}

func whole(i int64) Value      { return Value{kind: Int, bits: uint64(i)} }
func text(s string) Value      { return Value{kind: String, text: s} }
func list(items []Value) Value { return Value{kind: Array, ref: items} }

// float makes a Decimal in double precision.
func float(f float64) Value {
	if f-f != 0 { // NaN and the infinities
		return Value{}
	}
	return Value{kind: Decimal, form: double, bits: math.Float64bits(f)}
}

func (v Value) isNumber() bool { return v.kind == Int || v.kind == Decimal }
func (v Value) isTrue() bool   { return v.kind == Boolean && v.bits != 0 }

func (v Value) items() []Value {
	items, _ := v.ref.([]Value)
	return items
}

func (v Value) fields() *fields {
	f, _ := v.ref.(*fields)
	return f
}

// fields are an object's keys and values in the order they were written; a key that comes twice keeps its place and takes the new value.
type fields struct {
	keys   []string
	values []Value
	places map[string]int // only for many keys
}

const fewKeys = 12

func object(f *fields) Value { return Value{kind: Object, ref: f} }

func (f *fields) place(key string) int {
	if f.places != nil {
		if at, ok := f.places[key]; ok {
			return at
		}
		return -1
	}
	for i, k := range f.keys {
		if k == key {
			return i
		}
	}
	return -1
}

func (f *fields) get(key string) Value {
	if at := f.place(key); at >= 0 {
		return f.values[at]
	}
	return Value{}
}

func (f *fields) set(key string, v Value) {
	if at := f.place(key); at >= 0 {
		f.values[at] = v
		return
	}
	f.keys, f.values = append(f.keys, key), append(f.values, v)
	switch {
	case f.places != nil:
		f.places[key] = len(f.keys) - 1
	case len(f.keys) > fewKeys:
		f.places = make(map[string]int, 2*len(f.keys))
		for i, k := range f.keys {
			f.places[k] = i
		}
	}
}

// Get is the value of an object's key, Undefined where there is none.
func (v Value) Get(key string) Value {
	if v.kind != Object {
		return Value{}
	}
	return v.fields().get(key)
}
