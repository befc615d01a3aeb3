package shadow

import (
	"encoding/json"
	"strconv"
	"strings"
)

// decimal is a number as sign, digits and power of ten, so that equal numbers have equal decimals, whatever their size: no
// float64 that would make 2^53 and 2^53+1 one, no big.Int that 1e999999999 would fill the memory with.
type decimal struct {
	negative bool
	digits   string // no leading or trailing zero; empty for 0
	exponent int64
}

// maxExponent keeps the arithmetic on exponents clear of overflow. Numbers beyond are compared by their text.
const maxExponent = 1 << 60

func equalNumbers(a, b json.Number) bool {
	if a == b {
		return true
	}
	x, okX := parseDecimal(string(a))
	y, okY := parseDecimal(string(b))
	return okX && okY && x == y
}

func parseDecimal(s string) (d decimal, ok bool) {
	s, d.negative = strings.CutPrefix(s, "-")
	if at := strings.IndexAny(s, "eE"); at >= 0 {
		e, err := strconv.ParseInt(s[at+1:], 10, 64)
		if err != nil || e > maxExponent || e < -maxExponent {
			return d, false
		}
		s, d.exponent = s[:at], e
	}
	whole, fraction, _ := strings.Cut(s, ".")
	d.exponent -= int64(len(fraction))
	digits := strings.TrimLeft(whole+fraction, "0")
	d.digits = strings.TrimRight(digits, "0")
	d.exponent += int64(len(digits) - len(d.digits))
	if d.digits == "" {
		return decimal{}, true // -0 is 0
	}
	return d, true
}
