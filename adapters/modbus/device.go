package modbus

import (
	"errors"
	"fmt"

	"github.com/penstock-edge/penstock/adapters"
)

// The most that one request may read (Modbus Application Protocol 1.1b3, sections 6.1 to 6.4) and write (6.12).
const (
	maxRegisters = 125
	maxBits      = 2000
	maxWritten   = 123
)

// Device is the settings of one unit on a connection.
type Device struct {
	Unit     int   `yaml:"unit"`
	Order    Order `yaml:"order"`     // for points that say nothing else
	Type     Type  `yaml:"type"`      // for points that say nothing else; uint16 when neither does
	MaxBlock int   `yaml:"max_block"` // registers in one request
	Gap      int   `yaml:"gap"`       // registers (or bits) that nobody needs and that may be read over; measured: as many as are cheaper than a request

	Models  []int `yaml:"models"`  // SunSpec models whose points the device has beside those that are written
	Modules int   `yaml:"modules"` // of model 160: how many inputs it has; default 2

	connection *Connection
}

// measured is the Gap of a device that says nothing of it.
const measured = -1

// Validate joins all mistakes.
func (d *Device) Validate() error {
	var all []error
	wrong := func(key, hint, format string, args ...any) {
		all = append(all, &adapters.KeyError{Key: key, Err: fmt.Errorf(format, args...), Hint: hint})
	}
	if !d.unitExists() {
		hint := "write 1 to 247"
		if d.onTCP() {
			hint += "; 0 or 255 for a device that is reached directly"
		}
		wrong("unit", hint, "%d is no unit id", d.Unit)
	}
	if d.MaxBlock < 1 || d.MaxBlock > maxRegisters {
		wrong("max_block", "write 1 to 125", "%d is no number of registers that one request can read", d.MaxBlock)
	}
	if d.Gap < measured || d.Gap >= maxRegisters {
		wrong("gap", "write 0 to 124, or leave it out", "%d is no number of registers to read over", d.Gap)
	}
	if d.Type == Bool || d.Type == Text {
		wrong("type", "write it at the points that have it", "%s can't be the type of all points", d.Type)
	}
	for _, id := range d.Models {
		if id < 0 || id > 0xFFFF || sunModels[uint16(id)] == nil {
			wrong("models", "write some of 1, 101 to 103, 111 to 113, 120 to 124, 160, 201 to 204, 802", "SunSpec model %d is not known here", id)
		}
	}
	if d.Modules < 0 || d.Modules > 100 {
		wrong("modules", "write how many inputs the inverter has", "%d is no number of modules", d.Modules)
	}
	return errors.Join(all...)
}

func (d *Device) onTCP() bool {
	return d.connection != nil && (d.connection.Modbus == TCP || d.connection.Modbus == TLS)
}

func (d *Device) unitExists() bool {
	return d.Unit >= 1 && d.Unit <= 247 || d.onTCP() && (d.Unit == 0 || d.Unit == 255)
}

// NewPoint gives the defaults of a point of this device.
func (d *Device) NewPoint() adapters.Spec {
	return &Point{Scale: 1, Bit: noBit, device: d}
}

// most is how many registers or bits one request may read.
func (d *Device) most(t Table) int {
	if t.bits() {
		return maxBits
	}
	return d.MaxBlock
}
