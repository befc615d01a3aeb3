package rule

import (
	"math/big"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// TestShortAndLongWaysAgree: numbers that fit 64 bits give what big ones do.
func TestShortAndLongWaysAgree(t *testing.T) {
	num := rapid.Custom(func(t *rapid.T) Value {
		digits := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1000, 1000)).Draw(t, "digits")
		v := number(big.NewInt(digits), rapid.Int32Range(-25, 25).Draw(t, "exp"), Decimal)
		return v
	})
	long := func(v Value) Value {
		coef, _ := v.parts()
		return Value{kind: v.kind, form: wide, exp: v.exp, ref: coef}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := num.Draw(t, "a"), num.Draw(t, "b")
		if compare(a, b) != compare(long(a), long(b)) {
			t.Fatalf("%s and %s compare as %d", a, b, compare(a, b))
		}
		for name, op := range map[string]func(a, b Value) Value{"+": add, "*": multiply} {
			if x, y := op(a, b), op(long(a), long(b)); x.String() != y.String() || x.kind != y.kind {
				t.Fatalf("%s %s %s is %s, the long way %s", a, name, b, x, y)
			}
		}
		read, err := ParseJSON([]byte(a.numeral()))
		if err != nil || compare(read, a) != 0 {
			t.Fatalf("%s is read as %s, %v", a, read, err)
		}
		f, _ := strconv.ParseFloat(a.numeral(), 64)
		if a.float() != f {
			t.Fatalf("%s in double precision is %v, want %v", a, a.float(), f)
		}
	})
}
