package telemetry

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Kind says what a Value holds.
type Kind uint8

// The kinds of value. KindNone is the value of a sample that has none: a bad reading is never
// given a number that nobody measured. The numbers are on disk and on the wire (sync/wire/FORMAT.md).
const (
	KindNone Kind = iota
	KindBool
	KindInt64
	KindUint64
	KindFloat64
	KindString
)

var kindNames = [...]string{"none", "bool", "int64", "uint64", "float64", "string"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Value is a bool, an int64, a uint64, a float64, a string, or nothing. Values are equal (==) when
// kind and every bit are equal: a NaN equals itself, and 0 and -0 differ. The zero Value holds nothing.
type Value struct {
	kind Kind
	bits uint64
	text string
}

// Bool makes a boolean value.
func Bool(v bool) Value {
	if v {
		return Value{kind: KindBool, bits: 1}
	}
	return Value{kind: KindBool}
}

// Int64 makes a signed integer value.
func Int64(v int64) Value { return Value{kind: KindInt64, bits: uint64(v)} }

// Uint64 makes an unsigned integer value.
func Uint64(v uint64) Value { return Value{kind: KindUint64, bits: v} }

// Float64 makes a floating point value; every bit of v is kept, NaN payloads too.
func Float64(v float64) Value { return Value{kind: KindFloat64, bits: math.Float64bits(v)} }

// String makes a text value.
func String(v string) Value { return Value{kind: KindString, text: v} }

// FromBits makes a value of any kind but string from its 64 bits: the codec's way in. A boolean is 0 or 1.
func FromBits(k Kind, bits uint64) Value { return Value{kind: k, bits: bits} }

// Kind says what v holds.
func (v Value) Kind() Kind { return v.kind }

// Bits are the 64 bits of a value that is no string: the codec's way out.
func (v Value) Bits() uint64 { return v.bits }

// IsNone reports whether v holds nothing.
func (v Value) IsNone() bool { return v.kind == KindNone }

// Bool is the value of a KindBool; false for every other kind.
func (v Value) Bool() bool { return v.kind == KindBool && v.bits != 0 }

// Text is the value of a KindString; empty for every other kind.
func (v Value) Text() string { return v.text }

// Float is the value as a number, and whether it is one. A boolean counts as 0 or 1. Integers beyond
// 2^53 are rounded to the nearest float64.
func (v Value) Float() (float64, bool) {
	switch v.kind {
	case KindBool, KindUint64:
		return float64(v.bits), true
	case KindInt64:
		return float64(int64(v.bits)), true
	case KindFloat64:
		return math.Float64frombits(v.bits), true
	}
	return 0, false
}

// String is the value as a person reads it: the shortest text that gives the number back.
func (v Value) String() string {
	switch v.kind {
	case KindBool:
		return strconv.FormatBool(v.bits != 0)
	case KindInt64:
		return strconv.FormatInt(int64(v.bits), 10)
	case KindUint64:
		return strconv.FormatUint(v.bits, 10)
	case KindFloat64:
		return strconv.FormatFloat(math.Float64frombits(v.bits), 'g', -1, 64)
	case KindString:
		return v.text
	}
	return ""
}

// MarshalJSON writes the value as JSON's own bool, number, string or null. What JSON has no number
// for (NaN, the infinities) is written as the string "NaN", "+Inf" or "-Inf".
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case KindNone:
		return []byte("null"), nil
	case KindString:
		return json.Marshal(v.text)
	case KindFloat64:
		f := math.Float64frombits(v.bits)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return json.Marshal(strconv.FormatFloat(f, 'g', -1, 64))
		}
		return json.Marshal(f)
	}
	return []byte(v.String()), nil
}

// Short is the value for a person's eye: as String, save that a number that came as a 32-bit float has the digits it was
// measured with, 12.1 and not 12.100000381469727, and that a number of everyday size has no exponent.
func (v Value) Short() string {
	f, size := math.Float64frombits(v.bits), 64
	if v.kind != KindFloat64 {
		return v.String()
	}
	if float64(float32(f)) == f {
		size = 32
	}
	if abs := math.Abs(f); abs == 0 || abs >= 1e-6 && abs < 1e15 {
		return strconv.FormatFloat(f, 'f', -1, size)
	}
	return strconv.FormatFloat(f, 'g', -1, size)
}

// UnmarshalJSON reads what MarshalJSON wrote, as a person would: JSON keeps no kinds, so a whole number comes back as an integer,
// and a NaN as the text it was written as.
func (v *Value) UnmarshalJSON(data []byte) error {
	text := string(data)
	if text == "null" {
		*v = Value{}
		return nil
	}
	if text == "true" || text == "false" {
		*v = Bool(text == "true")
		return nil
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		*v = Int64(i)
		return nil
	}
	if u, err := strconv.ParseUint(text, 10, 64); err == nil {
		*v = Uint64(u)
		return nil
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		*v = Float64(f)
		return nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("a value is a bool, a number, a string or null, not %.40s", text)
	}
	*v = String(s)
	return nil
}
