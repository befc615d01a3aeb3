// Package all is the one list of the protocols there are. Nothing registers itself.
//
// It knows every adapter and nothing else. Only cmd and tests import it; a protocol is added with one line here.
package all

import (
	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/isolate"
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

// apart are the protocols whose library can end the process that it runs in.
var apart = map[string]bool{"opcua": true}

// Apart has those of the kinds that could end this process open their connections in one of their own. The program's main hands
// over to isolate.Child.
func Apart(kinds []adapters.Kind) []adapters.Kind {
	for i, k := range kinds {
		if apart[k.Name] {
			kinds[i] = isolate.Kind(k)
		}
	}
	return kinds
}
