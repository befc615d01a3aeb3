package modbus

import (
	"errors"
	"fmt"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Hold is what the place reads once v has been written to it: rounded to what its type and scale can express. An error says that v does
// not fit. It touches no wire.
func (p *Point) Hold(v telemetry.Value) (telemetry.Value, error) {
	if p.OneBit() {
		f, isNumber := v.Float()
		if !isNumber || f != 0 && f != 1 {
			return v, fmt.Errorf("%s is neither true nor false", quoted(v))
		}
		return telemetry.Bool(f == 1), nil
	}
	if p.ScaleFrom != "" || p.sun() && p.kind().number() {
		if _, isNumber := v.Float(); !isNumber {
			return v, fmt.Errorf("%s is no number", quoted(v))
		}
		return v, nil // what it is rounded to depends on a register of the device
	}
	c := p.codec()
	raw, err := c.encode(v)
	if err != nil {
		return v, err
	}
	held, quality := c.decode(raw)
	if quality.IsBad() {
		return v, errors.New("the device takes this number for no reading")
	}
	return held, nil
}
