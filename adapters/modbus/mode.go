package modbus

import (
	"fmt"

	"github.com/penstock-edge/penstock/adapters"
)

// Mode is how frames travel.
type Mode string

// The ways that frames travel.
const (
	TCP        Mode = "tcp"          // Modbus TCP: each request has a number that its answer repeats
	RTU        Mode = "rtu"          // frames with a checksum on a serial line
	RTUOverTCP Mode = "rtu-over-tcp" // the same through a device server that hands bytes on unchanged
	RTUOverUDP Mode = "rtu-over-udp" // the same, a frame a datagram
	TLS        Mode = "tls"          // Modbus/TCP Security: Modbus TCP within TLS, certificates on both ends
)

const modeList = "tcp, tls, rtu, rtu-over-tcp or rtu-over-udp"

// UnmarshalText reads the mode's name.
func (m *Mode) UnmarshalText(text []byte) error {
	switch got := Mode(text); got {
	case TCP, TLS, RTU, RTUOverTCP, RTUOverUDP:
		*m = got
		return nil
	}
	return &adapters.KeyError{Err: fmt.Errorf("%q is no kind of Modbus", text), Hint: "write " + modeList}
}
