package modbus

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/penstock-edge/penstock/adapters"
)

// Point is where one point is and how it is decoded.
type Point struct {
	At      Address        `yaml:"at" required:"true"`
	Type    Type           `yaml:"type"`
	Order   Order          `yaml:"order"`
	Scale   float64        `yaml:"scale"`
	Offset  float64        `yaml:"offset"`
	Length  int            `yaml:"length"` // of a string, in characters; two stand in a register
	Bit     int            `yaml:"bit"`    // one bit of a register, 0 is the lowest
	Bits    map[int]string `yaml:"bits"`   // further points <point>_<name>
	Invalid Sentinel       `yaml:"invalid"`

	ScaleFrom string `yaml:"scale_from"` // the point of the device that holds a power of ten: value = raw * 10^that

	device *Device
	power  *Point // that ScaleFrom names
}

// noBit is the Bit of a point that is a whole register.
const noBit = -1

// Pushed is false: Modbus devices are asked.
func (p *Point) Pushed() bool { return false }

// Writable says why a point can't be written.
func (p *Point) Writable() error {
	switch {
	case p.At.Table == Discrete || p.At.Table == Input:
		return fmt.Errorf("%s is %s, which can't be written", p.At, articled(p.At.Table))
	case p.sun() && !p.At.Sun.definition().write:
		return fmt.Errorf("%s is read only, says its SunSpec model", p.At)
	case p.kind() == Text && (p.Length+1)/2 > maxWritten:
		return fmt.Errorf("%s has %d characters, and one request writes %d at most", p, p.Length, 2*maxWritten)
	}
	return nil
}

func articled(t Table) string {
	if t == Input {
		return "an input register"
	}
	return "a " + t.String()
}

// String is hr:104, and hr:104.3 for bit 3 of it.
func (p *Point) String() string {
	if p.Bit != noBit {
		return p.At.String() + "." + strconv.Itoa(p.Bit)
	}
	return p.At.String()
}

// Notations is the address in every notation: hr:104 = 40105 = 0x0068.
func (p *Point) Notations() string { return p.At.Notations() }

// Expand gives the named bits of a register as points of their own.
func (p *Point) Expand(name string) map[string]adapters.Spec {
	more := make(map[string]adapters.Spec, len(p.Bits))
	for bit, of := range p.Bits {
		one := *p
		one.Bit, one.Bits = bit, nil
		more[name+"_"+of] = &one
	}
	return more
}

// kind is the type after the table, the device and the default had their say.
func (p *Point) kind() Type {
	switch {
	case p.sun():
		return sunTypeOf(p.At.Sun.definition().kind).kind
	case p.At.Table.bits():
		return Bool
	case p.Type != 0:
		return p.Type
	case p.Bit != noBit || len(p.Bits) > 0:
		return Uint16
	case p.device != nil && p.device.Type != 0:
		return p.device.Type
	}
	return Uint16
}

// order is the point's own or the device's. A string keeps the order of its characters unless the point itself says
// otherwise: devices that swap the words of their numbers do not swap their texts.
func (p *Point) order() Order {
	if p.Order != "" || p.kind() == Text || p.device == nil {
		return p.Order
	}
	return p.device.Order
}

// Count is how many registers or bits the point takes.
func (p *Point) Count() int {
	switch {
	case p.sun():
		return p.At.Sun.definition().registers
	case p.At.Table.bits():
		return 1
	case p.kind() == Text:
		return (p.Length + 1) / 2
	}
	return p.kind().bytes() / 2
}

func (p *Point) codec() codec {
	c := codec{kind: p.kind(), width: 2 * p.Count(), bit: p.Bit, scaling: newScaling(p.Scale, p.Offset), nan: p.Invalid.nan()}
	if p.At.Table.bits() {
		c.width = 2
	}
	if c.kind == Text {
		c.swap = p.order().swapsBytes()
		return c
	}
	c.wire, _ = p.order().wire(c.width)
	if p.Invalid.text != "" {
		c.sentinel, c.invalid = true, p.Invalid.rawBits(c.kind)
	}
	return c
}

// Validate joins all mistakes.
func (p *Point) Validate() error {
	var all []error
	wrong := func(key, hint, format string, args ...any) {
		all = append(all, &adapters.KeyError{Key: key, Err: fmt.Errorf(format, args...), Hint: hint})
	}
	if p.At.Table == 0 {
		wrong("at", howToWrite, "the address is missing")
		return errors.Join(all...)
	}
	if p.At.Table.bits() {
		p.validateBit(wrong)
		return errors.Join(all...)
	}
	if p.sun() {
		p.validateSun(wrong)
		return errors.Join(all...)
	}
	p.validateNumber(wrong)
	p.validateScaleFrom(wrong)
	p.validateText(wrong)
	p.validateBits(wrong)
	if last := int(p.At.Number) + p.Count() - 1; last > 0xFFFF {
		wrong("at", "", "%s of %d registers ends beyond the last address, 65535", p.At, p.Count())
	}
	return errors.Join(all...)
}

// validateBit holds a point of a table of bits to what a bit can be.
func (p *Point) validateBit(wrong wrongFunc) {
	hint := "leave it out: " + articled(p.At.Table) + " is one bit"
	for key, given := range map[string]bool{
		"scale_from": p.ScaleFrom != "", "order": p.Order != "", "scale": p.Scale != 1, "offset": p.Offset != 0, "length": p.Length != 0,
		"bit": p.Bit != noBit, "bits": len(p.Bits) > 0, "invalid": p.Invalid.text != "",
	} {
		if given {
			wrong(key, hint, "%s has no %s", p.At, key)
		}
	}
	if p.Type != 0 && p.Type != Bool {
		wrong("type", "leave it out, or write hr: or ir: for a register", "%s is bool, not %s", p.At, p.Type)
	}
}

// sun reports whether the point is in a SunSpec model, which says how it is decoded.
func (p *Point) sun() bool { return p.At.Sun != (SunRef{}) }

func (p *Point) validateSun(wrong wrongFunc) {
	for key, given := range map[string]bool{
		"type": p.Type != 0, "order": p.Order != "", "scale": p.Scale != 1, "offset": p.Offset != 0, "length": p.Length != 0,
		"bit": p.Bit != noBit, "bits": len(p.Bits) > 0, "invalid": p.Invalid.text != "", "scale_from": p.ScaleFrom != "",
	} {
		if given {
			wrong(key, "leave it out: the SunSpec model says it", "%s has no %s of its own", p.At, key)
		}
	}
}

func (p *Point) validateNumber(wrong wrongFunc) {
	kind := p.kind()
	if p.Scale == 0 {
		wrong("scale", "leave it out, or write 1", "every value would be the offset")
	}
	if !kind.number() || p.Bit != noBit {
		if p.Scale != 1 && p.Scale != 0 {
			wrong("scale", "leave it out", "only numbers have a scale, and %s is %s", p, p.described())
		}
		if p.Offset != 0 {
			wrong("offset", "leave it out", "only numbers have an offset, and %s is %s", p, p.described())
		}
	}
	if _, ok := p.order().wire(kind.bytes()); !ok && kind != Text {
		wrong("order", "write ABCD, CDAB, BADC or DCBA", "%s says nothing of the %d bytes of %s", p.order(), kind.bytes(), kind)
	}
	if !p.Invalid.fits(kind) {
		wrong("invalid", "", "%s never is %s", kind, p.Invalid.text)
	}
}

func (p *Point) described() string {
	if p.Bit != noBit {
		return "one bit"
	}
	return p.kind().String()
}

func (p *Point) validateText(wrong wrongFunc) {
	if p.kind() != Text {
		if p.Length != 0 {
			wrong("length", "leave it out, or write type: string", "%s has no length", p.kind())
		}
		return
	}
	most := maxRegisters
	if p.device != nil {
		most = p.device.MaxBlock
	}
	switch {
	case p.Length == 0:
		wrong("length", "write length: 16, in characters", "a string needs a length")
	case p.Length < 0 || p.Count() > most:
		wrong("length", fmt.Sprintf("write 1 to %d characters; max_block is %d registers", 2*most, most), "%d is no length of a string", p.Length)
	}
}

func (p *Point) validateBits(wrong wrongFunc) {
	if p.Bit < noBit || p.Bit > 15 {
		wrong("bit", "write 0 to 15; the next bits are in the next register", "a register has no bit %d", p.Bit)
	}
	if p.Bit != noBit && len(p.Bits) > 0 {
		wrong("bits", "write one of bit and bits", "one bit has no further bits")
	}
	if kind := p.kind(); (p.Bit != noBit || len(p.Bits) > 0) && kind != Uint16 && kind != Int16 && !(kind == Bool && p.Bit != noBit) {
		wrong("type", "write uint16, and count the bits in each register", "bits are counted in one register, and %s is not one", kind)
	}
	seen := map[string]bool{}
	for _, bit := range slices.Sorted(maps.Keys(p.Bits)) {
		name := p.Bits[bit]
		if bit < 0 || bit > 15 {
			wrong("bits", "write 0 to 15; the next bits are in the next register", "a register has no bit %d", bit)
		}
		if !isName(name) {
			wrong("bits", "write letters, digits and _", "%q can't be part of a point's name", name)
		}
		if seen[name] {
			wrong("bits", "give each bit a name of its own", "two bits have the name %s", name)
		}
		seen[name] = true
	}
}

func isName(s string) bool {
	for _, r := range s {
		if r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return s != ""
}
