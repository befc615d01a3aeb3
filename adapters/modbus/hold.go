package modbus

import (
	"errors"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Hold is what the place reads once v has been written to it: rounded to what its type and scale can express. An error says that v does
// not fit. It touches no wire.
func (p *Point) Hold(v telemetry.Value) (telemetry.Value, error) {
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
