package serial

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Spec is where in a frame a point stands, and as what it is read.
type Spec struct {
	At       string  `yaml:"at" required:"true"` // a named group of match, bytes (3..8), or a value of a sentence (RMC.speed)
	Type     string  `yaml:"type"`               // float64 (default), int64, uint64, string, bool
	Scale    float64 `yaml:"scale"`              // value = number * scale + offset; float64 only
	Offset   float64 `yaml:"offset"`
	Bit      int     `yaml:"bit"`      // this bit of the group's first byte, 0 the lowest, as a bool
	Negative string  `yaml:"negative"` // group.bit that makes the number negative when it is set: "swb.1"
	device   *Device
}

// noBit is the Bit of a point that is none.
const noBit = -1

// Validate finds every mistake. Groups are looked for when the device's expression is one.
func (s *Spec) Validate() error {
	var found mistakes
	_, known := decoders[s.Type]
	found.when(!known, "type", fmt.Sprintf("there is no type %q in a frame", s.Type), "float64, int64, uint64, string or bool")
	found.when(s.Bit < noBit || s.Bit > 7, "bit", fmt.Sprintf("a byte has no bit %d", s.Bit), "0 (the lowest) to 7")
	found.when(s.Bit != noBit && s.Type != "" && s.Type != "bool", "type", "a bit is a bool", "leave type out")
	found.when(s.Scale == 0 || math.IsNaN(s.Scale) || math.IsInf(s.Scale, 0), "scale", "the scale is no factor", "as in 0.1")
	found.when(math.IsNaN(s.Offset) || math.IsInf(s.Offset, 0), "offset", "the offset is no number", "as in -4.5")
	found.when(s.scaled() && s.kind() != "float64", "scale", "scale and offset give a float64", "leave type out, or scale and offset")
	found.when(s.Negative != "" && s.kind() != "float64" && s.kind() != "int64", "negative", s.kind()+" has no sign", "use it with float64 or int64")
	s.validateGroups(&found)
	return found.joined()
}

func (s *Spec) validateGroups(found *mistakes) {
	m, err := s.device.matcher()
	if err != nil {
		return // the device's own mistake
	}
	g, err := m.group(s.At)
	if err != nil {
		found.add("at", err, "")
	}
	found.when(g.kind != "" && decoders[g.kind] == nil && s.kind() != "float64", "type", s.At+" is a number with a direction", "leave type out")
	if s.Negative == "" {
		return
	}
	sign, _, err := s.signBit()
	if err == nil {
		_, err = m.group(sign)
	}
	if err != nil {
		found.add("negative", err, "group.bit, as in swb.1")
	}
}

// signBit takes Negative apart.
func (s *Spec) signBit() (group string, bit int, err error) {
	group, digit, _ := strings.Cut(s.Negative, ".")
	if len(digit) != 1 || digit < "0" || digit > "7" {
		return "", 0, fmt.Errorf("%q is no bit of a group", s.Negative)
	}
	return group, int(digit[0] - '0'), nil
}

func (s *Spec) scaled() bool { return s.Scale != 1 || s.Offset != 0 }

// kind is the type with its default filled in.
func (s *Spec) kind() string {
	switch {
	case s.Bit != noBit:
		return "bool"
	case s.Type == "":
		return "float64"
	}
	return s.Type
}

// Pushed reports whether the device talks by itself.
func (s *Spec) Pushed() bool { return !s.device.asked() }

var errReadOnly = errors.New("a frame is what the device says: nothing can be written to it")

// Writable says why not.
func (s *Spec) Writable() error { return errReadOnly }

// String is the group, with the bit where it is one: swb.3.
func (s *Spec) String() string {
	if s.Bit != noBit {
		return fmt.Sprintf("%s.%d", s.At, s.Bit)
	}
	return s.At
}
