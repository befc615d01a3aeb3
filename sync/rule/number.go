package rule

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// The bounds of AWS IoT SQL's numbers (Data types): 34 digits, magnitudes from 1E-999 to 9.99E999.
const (
	maxDigits   = 34
	maxExponent = 999
)

var (
	ten       = big.NewInt(10)
	smallTens = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}
)

func tens(n int32) *big.Int { return new(big.Int).Exp(ten, big.NewInt(int64(n)), nil) }

// number makes coef times ten to the exp a Value of the kind, rounded half to even at 34 digits. Int stays Int while it is whole and
// fits; beyond the largest magnitude it is Undefined, below the smallest it is 0.
func number(coef *big.Int, exp int32, kind Kind) Value {
	digits := digitsOf(coef)
	if digits > maxDigits {
		coef, exp = roundHalfEven(coef, int32(digits-maxDigits)), exp+int32(digits-maxDigits)
		digits = digitsOf(coef)
		kind = Decimal
	}
	if coef.Sign() == 0 {
		return Value{kind: kind}
	}
	switch top := int(exp) + digits - 1; {
	case top > maxExponent:
		return Value{}
	case top < -maxExponent:
		return Value{kind: kind}
	}
	coef, exp = stripZeros(coef, exp)
	if kind == Int && exp > 0 {
		coef, exp = new(big.Int).Mul(coef, tens(exp)), 0
	}
	if coef.IsInt64() {
		return Value{kind: kind, exp: exp, bits: uint64(coef.Int64())}
	}
	return Value{kind: kind, form: wide, exp: exp, ref: coef}
}

// smallExp keeps numbers of an int64's digits well inside the bounds of a Decimal.
const smallExp = 900

// short is number for digits that fit an int64 and an exponent within smallExp.
func short(n int64, exp int32, kind Kind) Value {
	if n == 0 {
		return Value{kind: kind}
	}
	for n%10 == 0 {
		n, exp = n/10, exp+1
	}
	return Value{kind: kind, exp: exp, bits: uint64(n)}
}

// shorts brings two numbers to one exponent as int64s, where they fit.
func shorts(a, b Value) (x, y int64, exp int32, ok bool) {
	if a.form != exact || b.form != exact {
		return 0, 0, 0, false
	}
	x, y, exp = int64(a.bits), int64(b.bits), min(a.exp, b.exp)
	if a.exp-exp >= int32(len(int64Tens)) || b.exp-exp >= int32(len(int64Tens)) || exp < -smallExp || exp > smallExp {
		return 0, 0, 0, false
	}
	x, fits := multiplied(x, int64Tens[a.exp-exp])
	y, also := multiplied(y, int64Tens[b.exp-exp])
	return x, y, exp, fits && also
}

var int64Tens = [...]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

func digitsOf(coef *big.Int) int {
	if coef.IsInt64() {
		n := coef.Int64()
		digits := 1
		for n /= 10; n != 0; n /= 10 {
			digits++
		}
		return digits
	}
	return len(new(big.Int).Abs(coef).String())
}

// stripZeros moves trailing zeros from the digits to the exponent, so that equal numbers are held alike.
func stripZeros(coef *big.Int, exp int32) (*big.Int, int32) {
	if coef.IsInt64() {
		n := coef.Int64()
		for n != 0 && n%10 == 0 {
			n, exp = n/10, exp+1
		}
		return big.NewInt(n), exp
	}
	var quotient, rest big.Int
	for {
		if quotient.QuoRem(coef, ten, &rest); rest.Sign() != 0 {
			return coef, exp
		}
		coef, exp = new(big.Int).Set(&quotient), exp+1
	}
}

func roundHalfEven(coef *big.Int, drop int32) *big.Int {
	unit := tens(drop)
	quotient, rest := new(big.Int).QuoRem(coef, unit, new(big.Int))
	half := new(big.Int).Lsh(rest.Abs(rest), 1).Cmp(unit)
	if half > 0 || half == 0 && quotient.Bit(0) == 1 {
		quotient.Add(quotient, big.NewInt(int64(coef.Sign())))
	}
	return quotient
}

// parts are the digits and the exponent of a number that is not in double precision.
func (v Value) parts() (*big.Int, int32) {
	if v.form == wide {
		return v.ref.(*big.Int), v.exp
	}
	return big.NewInt(int64(v.bits)), v.exp
}

// float is the number rounded to double precision.
func (v Value) float() float64 {
	if v.form == double {
		return math.Float64frombits(v.bits)
	}
	if n := int64(v.bits); v.form == exact && v.exp <= 0 && v.exp > -int32(len(smallTens)) && n < 1<<53 && n > -1<<53 {
		return float64(n) / smallTens[-v.exp] // one correctly rounded division of two exact numbers
	}
	f, _ := strconv.ParseFloat(v.numeral(), 64)
	return f
}

// decimal is a number in double precision as the shortest decimal that gives it back; any other number is itself.
func (v Value) decimal() Value {
	if v.form != double {
		return v
	}
	d, _ := parseNumber(strconv.FormatFloat(v.float(), 'e', -1, 64))
	d.kind = Decimal
	return d
}

// numeral writes the number as JSON and people write it: whole digits for an Int, an exponent only where there would be many zeros.
func (v Value) numeral() string {
	if v.form == double {
		f := v.float()
		if abs := math.Abs(f); abs == 0 || abs >= 1e-6 && abs < 1e21 {
			return strconv.FormatFloat(f, 'f', -1, 64)
		}
		return strings.ToUpper(strconv.FormatFloat(f, 'e', -1, 64))
	}
	if v.form == exact && v.exp == 0 {
		return strconv.FormatInt(int64(v.bits), 10)
	}
	digits, exp, sign := "", v.exp, ""
	if v.form == exact {
		digits = strconv.FormatInt(int64(v.bits), 10)
	} else {
		digits = v.ref.(*big.Int).String()
	}
	if digits[0] == '-' {
		digits, sign = digits[1:], "-"
	}
	top := int(exp) + len(digits) - 1
	switch {
	case exp >= 0 && top < maxDigits:
		return sign + digits + strings.Repeat("0", int(exp))
	case exp < 0 && top >= 0:
		return sign + digits[:top+1] + "." + digits[top+1:]
	case exp < 0 && top >= -6:
		return sign + "0." + strings.Repeat("0", -top-1) + digits
	}
	if len(digits) > 1 {
		digits = digits[:1] + "." + digits[1:]
	}
	return sign + digits + "E" + strconv.Itoa(top)
}

// parseNumber reads -?digits(.digits)?(E-?digits)?, which the caller has checked. What is whole is an Int: 10.0 is 10, as SQL version
// 2016-03-23 has it. The second result is false where the number is larger than a Decimal can be.
func parseNumber(s string) (Value, bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	exp := 0
	if exponent != "" {
		n, err := strconv.Atoi(exponent)
		if err != nil || n > 1<<20 || n < -1<<20 {
			return whole(0), strings.HasPrefix(exponent, "-")
		}
		exp = n
	}
	before, after, _ := strings.Cut(mantissa, ".")
	digits := before + after
	if exp -= len(after); len(digits) <= 18 && exp >= -smallExp && exp <= smallExp {
		n, err := strconv.ParseInt(digits, 10, 64)
		return wholeIfItIs(short(n, int32(exp), Decimal)), err == nil
	}
	if len(digits) > 4096 {
		return Value{}, false
	}
	coef, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return Value{}, false
	}
	return wholeIfItIs(number(coef, clampExp(exp), Decimal)), true
}

// clampExp keeps an exponent in a range in which sums of exponents cannot overflow; both ends are far beyond what number accepts.
func clampExp(exp int) int32 { return int32(min(max(exp, -1<<20), 1<<20)) }

// wholeIfItIs makes a Decimal that is whole and fits an Int.
func wholeIfItIs(v Value) Value {
	if v.kind != Decimal || v.form == double || v.exp < 0 {
		return v
	}
	if v.form == exact && v.exp == 0 {
		v.kind = Int
		return v
	}
	coef, exp := v.parts()
	if exp > maxDigits || digitsOf(coef)+int(exp) > maxDigits {
		return v
	}
	return number(coef, exp, Int)
}

// compare orders two numbers.
func compare(a, b Value) int {
	if a.form == exact && b.form == exact && a.exp == b.exp {
		return order(int64(a.bits), int64(b.bits))
	}
	if a.form == double || b.form == double {
		return order(a.float(), b.float())
	}
	if x, y, _, ok := shorts(a, b); ok {
		return order(x, y)
	}
	x, y, _ := align(a, b)
	return x.Cmp(y)
}

func order[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// align brings two numbers to one exponent.
func align(a, b Value) (x, y *big.Int, exp int32) {
	x, ea := a.parts()
	y, eb := b.parts()
	switch {
	case ea > eb:
		return new(big.Int).Mul(x, tens(ea-eb)), y, eb
	case eb > ea:
		return x, new(big.Int).Mul(y, tens(eb-ea)), ea
	}
	return x, y, ea
}

func add(a, b Value) Value {
	kind := mixed(a, b)
	if a.form == double || b.form == double {
		return float(a.float() + b.float())
	}
	if x, y, exp, ok := shorts(a, b); ok {
		if sum := x + y; (sum > x) == (y > 0) {
			if kind == Int {
				return whole(sum)
			}
			return short(sum, exp, kind)
		}
	}
	x, y, exp := align(a, b)
	return number(new(big.Int).Add(x, y), exp, kind)
}

func negate(a Value) Value {
	switch {
	case a.form == double:
		return float(-a.float())
	case a.form == exact && int64(a.bits) != math.MinInt64:
		a.bits = uint64(-int64(a.bits))
		return a
	}
	coef, exp := a.parts()
	return number(new(big.Int).Neg(coef), exp, a.kind)
}

func multiply(a, b Value) Value {
	kind := mixed(a, b)
	if a.form == double || b.form == double {
		return float(a.float() * b.float())
	}
	if a.form == exact && b.form == exact && a.exp > -smallExp/2 && b.exp > -smallExp/2 && a.exp < smallExp/2 && b.exp < smallExp/2 {
		product, ok := multiplied(int64(a.bits), int64(b.bits))
		switch {
		case ok && kind == Int:
			return whole(product)
		case ok:
			return short(product, a.exp+b.exp, kind)
		}
	}
	x, ea := a.parts()
	y, eb := b.parts()
	return number(new(big.Int).Mul(x, y), ea+eb, kind)
}

func multiplied(x, y int64) (int64, bool) {
	high, low := bits.Mul64(uint64(magnitude(x)), uint64(magnitude(y)))
	if high != 0 || low > math.MaxInt64 {
		return 0, false
	}
	if (x < 0) != (y < 0) {
		return -int64(low), true
	}
	return int64(low), true
}

// magnitude of the smallest int64 is itself, whose bits as an unsigned number are its magnitude.
func magnitude(x int64) int64 {
	if x < 0 {
		return -x
	}
	return x
}

// divide gives Undefined for a division by zero. Two Ints give an Int, cut towards zero.
func divide(a, b Value) Value {
	if isZero(b) {
		return Value{}
	}
	kind := mixed(a, b)
	if a.form == double || b.form == double {
		return float(a.float() / b.float())
	}
	if x, y := int64(a.bits), int64(b.bits); kind == Int && a.form == exact && b.form == exact && y != -1 {
		return whole(x / y)
	}
	x, ea := a.parts()
	y, eb := b.parts()
	if kind == Int {
		return number(new(big.Int).Quo(x, y), 0, Int)
	}
	// Enough further digits for 34 significant ones, and a last one that says whether anything is left over.
	shift := int32(max(0, maxDigits+3+digitsOf(y)-digitsOf(x)))
	quotient, rest := new(big.Int).QuoRem(new(big.Int).Mul(x, tens(shift)), y, new(big.Int))
	if rest.Sign() != 0 {
		quotient.Mul(quotient, ten)
		quotient.Add(quotient, big.NewInt(int64(rest.Sign()*y.Sign())))
		shift++
	}
	return number(quotient, ea-eb-shift, Decimal)
}

// remainder has the sign of the left operand; Undefined for a division by zero.
func remainder(a, b Value) Value {
	if isZero(b) {
		return Value{}
	}
	if a.form == double || b.form == double {
		return float(math.Mod(a.float(), b.float()))
	}
	x, y, exp := align(a, b)
	return number(new(big.Int).Rem(x, y), exp, mixed(a, b))
}

func isZero(v Value) bool {
	if v.form == double {
		return v.float() == 0
	}
	return v.form == exact && v.bits == 0
}

func mixed(a, b Value) Kind {
	if a.kind == Int && b.kind == Int {
		return Int
	}
	return Decimal
}

// rounding is a way to make a number whole.
type rounding uint8

const (
	down    rounding = iota // towards minus infinity
	up                      // towards plus infinity
	cut                     // towards zero
	nearest                 // halves away from zero
)

// rounded makes a number an Int; a Decimal with more than 34 digits before the point stays one.
func rounded(v Value, how rounding) Value {
	if v = v.decimal(); v.kind == Int || v.kind == Undefined {
		return v
	}
	if v.exp >= 0 {
		return wholeIfItIs(v)
	}
	coef, exp := v.parts()
	quotient, rest := new(big.Int).QuoRem(coef, tens(-exp), new(big.Int))
	return number(quotient.Add(quotient, big.NewInt(nudge(rest, tens(-exp), how))), 0, Int)
}

func nudge(rest, unit *big.Int, how rounding) int64 {
	sign := int64(rest.Sign())
	switch {
	case how == down && sign < 0, how == up && sign > 0:
		return sign
	case how == nearest && new(big.Int).Lsh(new(big.Int).Abs(rest), 1).Cmp(unit) >= 0:
		return sign
	}
	return 0
}

// small is an Int as a Go number, clamped to what an int32 holds: for indices, lengths and counts.
func (v Value) small() int {
	if v.form == exact {
		return int(min(max(int64(v.bits), math.MinInt32), math.MaxInt32))
	}
	if coef, _ := v.parts(); coef.Sign() < 0 {
		return math.MinInt32
	}
	return math.MaxInt32
}
