// Package serial reads equipment that talks over a serial line in lines or frames: scales, sensors, displays.
//
// It knows how bytes become frames, which checksum they carry and where in a frame a value stands. It knows
// no particular maker's protocol: start, end, length, checksum and a regular expression describe a device. Modbus over a
// serial line is adapters/modbus. Only adapters/all and tests import it.
package serial

import "github.com/penstock-edge/penstock/adapters"

// Kind is the protocol of this room.
func Kind() adapters.Kind {
	return adapters.Kind{
		Name: "serial",
		Doc:  "lines and frames on a serial port: scales, sensors, displays",
		New:  func() adapters.Connection { return &Connection{Line: Line{Baud: 9600, Bits: 8, Parity: 'N', Stop: 1}} },
	}
}
