package modbus

import (
	"errors"
	"fmt"
	"math"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// mostPower is the largest power of ten that a scale factor may be (SunSpec Information Model Specification 1.9.1, sunssf).
const mostPower = 10

func (p *Point) validateScaleFrom(wrong wrongFunc) {
	switch {
	case p.ScaleFrom == "":
	case !p.kind().number() || p.Bit != noBit:
		wrong("scale_from", "leave it out", "only numbers have a scale, and %s is %s", p, p.described())
	case p.Scale != 1 || p.Offset != 0:
		wrong("scale_from", "leave out scale and offset", "%s has a scale of its own", p)
	}
}

// Refer finds the point that ScaleFrom names.
func (p *Point) Refer(find func(name string) (adapters.Spec, bool)) error {
	if p.ScaleFrom == "" {
		return nil
	}
	spec, ok := find(p.ScaleFrom)
	if !ok {
		return &adapters.KeyError{Key: "scale_from", Err: fmt.Errorf("the device has no point %q", p.ScaleFrom), Hint: "name the point that holds the power of ten"}
	}
	power, ok := spec.(*Point)
	if !ok || !power.kind().integer() || power.Bit != noBit || power.Scale != 1 || power.Offset != 0 || power.ScaleFrom != "" {
		return &adapters.KeyError{Key: "scale_from", Err: fmt.Errorf("%s is no whole number by itself", p.ScaleFrom), Hint: "a power of ten is an int16 without scale"}
	}
	p.power = power
	return nil
}

// powered is a point whose power of ten is read with it.
type powered struct {
	index int // of the point
	power int // of its power, among the samples
}

// raise multiplies a raw value by its power of ten. Without a power that makes sense there is no value.
func raise(raw, power telemetry.Sample) (telemetry.Value, telemetry.Quality) {
	if raw.Quality.IsBad() {
		return raw.Value, raw.Quality
	}
	if power.Quality.IsBad() {
		return telemetry.Value{}, power.Quality
	}
	exponent, _ := power.Value.Float()
	if math.Abs(exponent) > mostPower {
		return telemetry.Value{}, telemetry.BadConfiguration
	}
	number, _ := raw.Value.Float()
	s := newScaling(math.Pow10(int(exponent)), 0)
	return telemetry.Float64(s.apply(number)), raw.Quality
}

// atPower is the point as it is while its power of ten has that value: what is written must be divided by it.
func (p *Point) atPower(response []byte) (*Point, error) {
	c := p.power.codec()
	v, quality := c.decode(response[2:])
	exponent, _ := v.Float()
	if quality.IsBad() || math.Abs(exponent) > mostPower {
		return nil, errors.New("its power of ten makes no sense just now")
	}
	at := *p
	at.Scale, at.ScaleFrom, at.power = math.Pow10(int(exponent)), "", nil
	return &at, nil
}

// powerRequest reads the power of ten.
func (p *Point) powerRequest() []byte {
	return readRequest(nil, p.power.At.Table, int(p.power.At.Number), p.power.Count())
}
