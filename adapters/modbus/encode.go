package modbus

import (
	"fmt"
	"math"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// encode is the bytes of the registers that hold v. What does not fit is an error: nothing wraps round or is cut.
func (c *codec) encode(v telemetry.Value) ([]byte, error) {
	switch {
	case c.kind == Text:
		return c.encodeText(v)
	case c.kind == Bool:
		return c.encodeBool(v)
	case c.kind.integer() && !c.scaling.on && (v.Kind() == telemetry.KindInt64 || v.Kind() == telemetry.KindUint64):
		return c.encodeWhole(v)
	}
	f, isNumber := v.Float()
	if !isNumber {
		return nil, fmt.Errorf("%s is no number, and %s is wanted", quoted(v), c.kind)
	}
	raw := f
	if c.scaling.on {
		raw = c.scaling.invert(f)
	}
	if c.kind.integer() {
		return c.encodeRounded(f, raw)
	}
	return c.encodeFloat(f, raw)
}

func quoted(v telemetry.Value) string {
	if v.IsNone() {
		return "nothing"
	}
	return fmt.Sprintf("%q", v.String())
}

// encodeText fills up with NULs.
func (c *codec) encodeText(v telemetry.Value) ([]byte, error) {
	if v.Kind() != telemetry.KindString {
		return nil, fmt.Errorf("%s is a %s, and text is wanted", quoted(v), v.Kind())
	}
	if len(v.Text()) > c.width {
		return nil, fmt.Errorf("the text has %d bytes, and there is room for %d", len(v.Text()), c.width)
	}
	raw := make([]byte, c.width)
	copy(raw, v.Text())
	if c.swap {
		raw = swapped(raw)
	}
	return raw, nil
}

func (c *codec) encodeBool(v telemetry.Value) ([]byte, error) {
	f, isNumber := v.Float()
	if !isNumber || f != 0 && f != 1 {
		return nil, fmt.Errorf("%s is neither true nor false", quoted(v))
	}
	return c.scatter(uint64(f)), nil
}

// encodeWhole keeps every digit of a whole number.
func (c *codec) encodeWhole(v telemetry.Value) ([]byte, error) {
	negative := v.Kind() == telemetry.KindInt64 && int64(v.Bits()) < 0
	low, high := c.limits()
	if negative && int64(v.Bits()) < low || !negative && v.Bits() > high {
		return nil, c.outside(v.String())
	}
	return c.scatter(v.Bits() & mask(c.kind)), nil
}

// limits are the smallest and the largest number of an integer type.
func (c *codec) limits() (low int64, high uint64) {
	if c.kind.signed() {
		high = mask(c.kind) >> 1
		return -int64(high) - 1, high
	}
	return 0, mask(c.kind)
}

func (c *codec) outside(v string) error {
	low, high := c.limits()
	if !c.scaling.on {
		return fmt.Errorf("%s does not fit into %s (%d to %d)", v, c.kind, low, high)
	}
	a, b := c.scaling.apply(float64(low)), c.scaling.apply(float64(high))
	return fmt.Errorf("%s does not fit into %s with this scale (%v to %v)", v, c.kind, min(a, b), max(a, b))
}

// encodeRounded takes the nearest raw number of a scaled value; a value without scale must be whole.
func (c *codec) encodeRounded(v, raw float64) ([]byte, error) {
	whole := math.Round(raw)
	if !c.scaling.on && whole != raw {
		return nil, fmt.Errorf("%v is no whole number, and %s is wanted", v, c.kind)
	}
	low, high := c.limits()
	// float64(high) rounds up to 2^63 or 2^64 for 64 bits, which no longer fit: there the limit itself is outside.
	if math.IsNaN(whole) || whole < float64(low) || whole > float64(high) || c.width == 8 && whole == float64(high) {
		return nil, c.outside(fmt.Sprint(v))
	}
	if whole < 0 {
		return c.scatter(uint64(int64(whole)) & mask(c.kind)), nil
	}
	return c.scatter(uint64(whole)), nil
}

func (c *codec) encodeFloat(v, raw float64) ([]byte, error) {
	if c.kind == Float64 {
		return c.scatter(math.Float64bits(raw)), nil
	}
	narrow := float32(raw)
	if math.IsInf(float64(narrow), 0) && !math.IsInf(raw, 0) {
		return nil, fmt.Errorf("%v does not fit into %s", v, c.kind)
	}
	return c.scatter(uint64(math.Float32bits(narrow))), nil
}
