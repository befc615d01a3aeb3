// Package all is the one list of the protocols there are. Nothing registers itself.
//
// It knows every adapter and nothing else. Only cmd and tests import it; a protocol is added with one line here.
package all

import (
	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/adapters/opcua"
	"github.com/penstock-edge/penstock/adapters/serial"
)

// Kinds lists every protocol, by name.
func Kinds() []adapters.Kind {
	return []adapters.Kind{
		modbus.Kind(),
		opcua.Kind(),
		serial.Kind(),
	}
}
