package modbus

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/penstock-edge/penstock/adapters"
)

// Sentinel is the raw number by which a device says that it has no reading: 0x8000, -32768, 65535, nan.
type Sentinel struct {
	text  string
	bits  uint64 // of a number written whole
	whole bool
	float float64
}

// UnmarshalText reads a whole number (decimal or 0x), a decimal fraction, or nan.
func (s *Sentinel) UnmarshalText(text []byte) error {
	got := Sentinel{text: string(text)}
	if n, err := strconv.ParseInt(got.text, 0, 64); err == nil {
		got.bits, got.whole, got.float = uint64(n), true, float64(n)
	} else if n, err := strconv.ParseUint(got.text, 0, 64); err == nil {
		got.bits, got.whole, got.float = n, true, float64(n)
	} else if f, err := strconv.ParseFloat(got.text, 64); err == nil {
		got.float = f
	} else {
		return &adapters.KeyError{Err: fmt.Errorf("%q is no number", text), Hint: "write the raw number that means no reading, as in 0x8000, -32768 or nan"}
	}
	*s = got
	return nil
}

// fits reports whether a value of type t can ever be the sentinel.
func (s Sentinel) fits(t Type) bool {
	switch {
	case s.text == "":
		return true
	case !t.number():
		return false
	case !t.integer():
		return !s.hex() || s.bits <= mask(t)
	case !s.whole:
		return false
	}
	low := -int64(mask(t)>>1) - 1
	return s.bits <= mask(t) || t.signed() && int64(s.bits) < 0 && int64(s.bits) >= low
}

// rawBits are the bits, as wide as t, that mean no reading.
func (s Sentinel) rawBits(t Type) uint64 {
	switch {
	case t.integer() || s.hex():
		return s.bits & mask(t)
	case t == Float32:
		return uint64(math.Float32bits(float32(s.float)))
	}
	return math.Float64bits(s.float)
}

func (s Sentinel) hex() bool { return s.whole && strings.ContainsAny(s.text, "xX") }

func (s Sentinel) nan() bool { return s.text != "" && s.float != s.float }

// mask covers the bits of a number of type t.
func mask(t Type) uint64 { return math.MaxUint64 >> (64 - 8*t.bytes()) }
