package rule

import (
	"regexp"
	"strings"
)

// numeric is what a String must look like to be taken for a number (AWS IoT SQL reference, Conversions).
var numeric = regexp.MustCompile(`^-?\d+(\.\d+)?([eE]-?\d+)?$`)

// toDecimal converts as the table "To Decimal": Null stays Null, a Boolean is Undefined.
func toDecimal(v Value) Value {
	switch v.kind {
	case Int, Decimal, Null:
		return v
	case String:
		if len(v.text) > 4096 || !numeric.MatchString(v.text) {
			return Value{}
		}
		n, _ := parseNumber(v.text)
		return n
	}
	return Value{}
}

// toNumber is toDecimal for operators and functions, to which Null is no number.
func toNumber(v Value) (Value, bool) {
	if !v.isNumber() {
		v = toDecimal(v)
	}
	return v, v.isNumber()
}

// toInt converts as the table "To Int": a Decimal is rounded to the nearest, a String is cut.
func toInt(v Value) Value {
	switch v.kind {
	case Decimal:
		return rounded(v, nearest)
	case String:
		n := toDecimal(v)
		if n.kind == Undefined {
			return n
		}
		return rounded(n, cut)
	}
	return toDecimal(v)
}

// toBoolean converts as the table "To Boolean": only Booleans and the words true and false.
func toBoolean(v Value) Value {
	switch {
	case v.kind == Boolean:
		return v
	case v.kind == String && strings.EqualFold(v.text, "true"):
		return boolean(true)
	case v.kind == String && strings.EqualFold(v.text, "false"):
		return boolean(false)
	}
	return Value{}
}

// toString converts as the table "To String": Null is Undefined.
func toString(v Value) Value {
	switch v.kind {
	case Undefined, Null:
		return Value{}
	case String:
		return v
	case Boolean:
		if v.isTrue() {
			return text("true")
		}
		return text("false")
	case Int, Decimal:
		return text(v.numeral())
	}
	if size := maxText; !v.within(&size) {
		return Value{}
	}
	return text(string(v.AppendJSON(nil)))
}

// within takes about as many bytes as v has as JSON off a budget; false when it does not last. It ends as soon as that is known,
// also where one large value stands in many places.
func (v Value) within(budget *int) bool {
	switch *budget -= 4 + len(v.text); {
	case *budget < 0:
		return false
	case v.kind == Array:
		for _, item := range v.items() {
			if !item.within(budget) {
				return false
			}
		}
	case v.kind == Object:
		for i, key := range v.fields().keys {
			if *budget -= len(key); !v.fields().values[i].within(budget) {
				return false
			}
		}
	case v.form == wide:
		*budget -= maxDigits
	}
	return true
}

// cast converts to the type named, as the tables of cast have it. The parser has checked the name.
func cast(v Value, to string) Value {
	switch to {
	case "string", "nvarchar", "text", "ntext", "varchar":
		return toString(v)
	case "int", "integer":
		if n := castNumber(v); n.kind != Undefined {
			return rounded(n, down)
		}
	case "double":
		if n := castNumber(v); n.kind != Undefined {
			return float(n.float())
		}
	case "decimal":
		return castNumber(v)
	case "bool", "boolean":
		if v.isNumber() {
			return boolean(!isZero(v))
		}
		return toBoolean(v)
	}
	return Value{}
}

func castNumber(v Value) Value {
	if v.kind == Boolean {
		return whole(int64(v.bits))
	}
	n, _ := toNumber(v)
	if n.kind == Null {
		return Value{}
	}
	return n
}

// equal is the operator =: True, False, or Undefined where either side is.
func equal(a, b Value) Tri {
	if a.kind == Undefined || b.kind == Undefined {
		return Unknown
	}
	if budget := 2 * maxText; a.kind >= Array && (!a.within(&budget) || !b.within(&budget)) {
		return Unknown
	}
	return tri(same(a, b))
}

// same compares deeply: arrays in order, objects without.
func same(a, b Value) bool {
	if a.isNumber() && b.isNumber() {
		return compare(a, b) == 0
	}
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case Boolean:
		return a.bits == b.bits
	case String:
		return a.text == b.text
	case Array:
		return sameItems(a.items(), b.items())
	case Object:
		return sameFields(a.fields(), b.fields())
	}
	return true
}

func sameItems(a, b []Value) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !same(a[i], b[i]) {
			return false
		}
	}
	return true
}

func sameFields(a, b *fields) bool {
	if len(a.keys) != len(b.keys) {
		return false
	}
	for i, key := range a.keys {
		at := b.place(key)
		if at < 0 || !same(a.values[i], b.values[at]) {
			return false
		}
	}
	return true
}
