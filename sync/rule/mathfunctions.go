package rule

import (
	"math"
	"math/big"
)

var mathFunctions = map[string]function{
	"abs": numbers(func(v Value) Value {
		if compare(v, whole(0)) < 0 {
			return negate(v)
		}
		return v
	}),
	"ceil":  numbers(func(v Value) Value { return rounded(v, up) }),
	"floor": numbers(func(v Value) Value { return rounded(v, down) }),
	"round": numbers(func(v Value) Value { return rounded(v, nearest) }),
	"sign":  numbers(func(v Value) Value { return whole(int64(compare(v, whole(0)))) }),
	"acos":  floats(math.Acos), "asin": floats(math.Asin), "atan": floats(math.Atan), "cos": floats(math.Cos), "cosh": floats(math.Cosh),
	"exp": floats(math.Exp), "ln": floats(math.Log), "log": floats(math.Log10), "sin": floats(math.Sin), "sinh": floats(math.Sinh),
	"sqrt": floats(math.Sqrt), "tan": floats(math.Tan), "tanh": floats(math.Tanh),
	"atan2":     pairs(func(a, b Value) Value { return float(math.Atan2(a.float(), b.float())) }),
	"power":     pairs(func(a, b Value) Value { return float(math.Pow(a.float(), b.float())) }),
	"mod":       pairs(remainder),
	"remainder": pairs(remainder),
	"trunc":     pairs(truncate),
	"nanvl": {min: 2, max: 2, call: func(_ *env, a []Value) Value {
		if a[0].kind == Undefined || a[0].kind == Null {
			return a[1]
		}
		return a[0]
	}},
	"rand": {call: func(e *env, _ []Value) Value { return float(float64(e.o.Rand()>>11) / (1 << 53)) }},
}

// numbers makes a function of one number; what cannot be converted is Undefined.
func numbers(fn func(Value) Value) function {
	return function{min: 1, max: 1, call: func(_ *env, a []Value) Value {
		if v, ok := toNumber(a[0]); ok {
			return fn(v)
		}
		return Value{}
	}}
}

// floats makes a function in double precision. Imaginary and infinite results are Undefined.
func floats(fn func(float64) float64) function {
	return numbers(func(v Value) Value { return float(fn(v.float())) })
}

func pairs(fn func(a, b Value) Value) function {
	return function{min: 2, max: 2, call: func(_ *env, a []Value) Value {
		x, ok := toNumber(a[0])
		y, also := toNumber(a[1])
		if !ok || !also {
			return Value{}
		}
		return fn(x, y)
	}}
}

// truncate cuts v after as many decimal places, 0 to 34.
func truncate(v, places Value) Value {
	v = v.decimal()
	n := int32(min(max(rounded(places, down).small(), 0), maxDigits))
	if v.kind == Undefined || v.exp >= -n {
		return wholeIfItIs(v)
	}
	coef, exp := v.parts()
	return wholeIfItIs(number(new(big.Int).Quo(coef, tens(-exp-n)), -n, Decimal))
}

var bitFunctions = map[string]function{
	"bitand": bitwise((*big.Int).And),
	"bitor":  bitwise((*big.Int).Or),
	"bitxor": bitwise((*big.Int).Xor),
	"bitnot": numbers(func(v Value) Value {
		coef, exp := rounded(v, down).parts()
		if exp != 0 {
			return Value{}
		}
		return number(new(big.Int).Not(coef), 0, Int)
	}),
}

// bitwise works on two's complement of any width.
func bitwise(op func(z, x, y *big.Int) *big.Int) function {
	return pairs(func(a, b Value) Value {
		x, y := rounded(a, down), rounded(b, down)
		if x.kind != Int || y.kind != Int {
			return Value{}
		}
		p, _ := x.parts()
		q, _ := y.parts()
		return number(op(new(big.Int), p, q), 0, Int)
	})
}
