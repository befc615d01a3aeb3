package modbus

import (
	"bytes"
	"math"
	"strings"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// codec turns the bytes of one point's registers into its value and back. It is made once per point and then only read.
type codec struct {
	kind     Type
	width    int      // bytes on the wire, a whole number of registers
	wire     [8]uint8 // of numbers: Order.wire
	swap     bool     // of strings: the two characters of each register change places
	bit      int      // of a register, from 0; -1: the value is the whole register
	scaling  scaling
	sentinel bool // whether there is a raw number that means no reading
	invalid  uint64
	nan      bool // every NaN means no reading
}

// decode reads the value out of the registers' bytes as they came.
func (c *codec) decode(raw []byte) (telemetry.Value, telemetry.Quality) {
	if c.kind == Text {
		return telemetry.String(c.text(raw)), telemetry.Good
	}
	bits := c.gather(raw)
	if c.sentinel && (bits == c.invalid || c.nan && c.isNaN(bits)) {
		return telemetry.Value{}, telemetry.BadSensorFailure
	}
	switch {
	case c.bit >= 0:
		return telemetry.Bool(bits>>c.bit&1 == 1), telemetry.Good
	case c.kind == Bool:
		return telemetry.Bool(bits != 0), telemetry.Good
	case c.scaling.on:
		return telemetry.Float64(c.scaling.apply(c.float(bits))), telemetry.Good
	case c.kind.signed():
		return telemetry.Int64(c.signed(bits)), telemetry.Good
	case c.kind.integer():
		return telemetry.Uint64(bits), telemetry.Good
	}
	return telemetry.Float64(c.float(bits)), telemetry.Good
}

// gather puts the bytes of a number in order.
func (c *codec) gather(raw []byte) (bits uint64) {
	for i := range c.width {
		bits |= uint64(raw[i]) << (8 * (c.width - 1 - int(c.wire[i])))
	}
	return bits
}

// scatter is gather's way back.
func (c *codec) scatter(bits uint64) []byte {
	raw := make([]byte, c.width)
	for i := range raw {
		raw[i] = byte(bits >> (8 * (c.width - 1 - int(c.wire[i]))))
	}
	return raw
}

func (c *codec) signed(bits uint64) int64 {
	unused := 64 - 8*c.width
	return int64(bits<<unused) >> unused
}

func (c *codec) float(bits uint64) float64 {
	switch {
	case c.kind == Float32:
		return float64(math.Float32frombits(uint32(bits)))
	case c.kind == Float64:
		return math.Float64frombits(bits)
	case c.kind.signed():
		return float64(c.signed(bits))
	}
	return float64(bits)
}

func (c *codec) isNaN(bits uint64) bool { return math.IsNaN(c.float(bits)) }

// text ends at the first NUL; blanks that fill it up are no part of it.
func (c *codec) text(raw []byte) string {
	if c.swap {
		raw = swapped(raw)
	}
	raw, _, _ = bytes.Cut(raw, []byte{0})
	return strings.ToValidUTF8(string(bytes.TrimRight(raw, " ")), "\uFFFD")
}

func swapped(raw []byte) []byte {
	out := make([]byte, len(raw))
	for i := range out {
		out[i] = raw[i^1]
	}
	return out
}
