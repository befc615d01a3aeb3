// Package modbus reads and writes field equipment over Modbus: TCP (also within TLS), RTU on a serial line, and RTU over
// TCP and UDP.
//
// It knows registers, units and frames, plans few requests for many points, and gives every value that can't be
// trusted as Bad with its reason. It knows nothing of when points are read nor of what becomes of them. It imports
// adapters and sync/telemetry only; adapters/all, cmd and its own simulator (modbussim) may import it.
package modbus

import "github.com/penstock-edge/penstock/adapters"

// Kind is the protocol as the list of adapters names it.
func Kind() adapters.Kind {
	return adapters.Kind{
		Name: "modbus",
		Doc:  "Modbus TCP (also within TLS), RTU on a serial line, RTU over TCP and UDP: coils, inputs and registers",
		New:  func() adapters.Connection { return &Connection{Retries: 1} },
	}
}
