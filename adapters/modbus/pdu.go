package modbus

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Function codes (Modbus Application Protocol 1.1b3, chapter 6).
const (
	readCoils      = 1
	readDiscretes  = 2
	readHoldings   = 3
	readInputs     = 4
	writeCoil      = 5
	writeRegister  = 6
	diagnostics    = 8 // sub-function 0 returns what it was sent
	writeRegisters = 16
	maskRegister   = 22 // changes single bits of a register

	exceptionBit = 0x80
)

// maxPDU is the longest request or answer without its frame (chapter 4.1).
const maxPDU = 253

// Exception is a device's answer that it will not do what it was asked (chapter 7).
type Exception byte

// The exceptions of the standard.
const (
	IllegalFunction Exception = 1
	IllegalAddress  Exception = 2
	IllegalValue    Exception = 3
	DeviceFailure   Exception = 4
	Acknowledge     Exception = 5
	Busy            Exception = 6
	ParityError     Exception = 8
	NoPath          Exception = 10 // a gateway can't reach the device's bus
	NoTarget        Exception = 11 // a gateway got no answer from the device
)

var exceptionNames = map[Exception]string{
	IllegalFunction: "it does not know this function", IllegalAddress: "it has no such address", IllegalValue: "it does not accept this value or number of registers",
	DeviceFailure: "it has failed", Acknowledge: "it needs more time", Busy: "it is busy", ParityError: "its memory is damaged",
	NoPath: "the gateway has no path to it", NoTarget: "the gateway got no answer from it",
}

func (e Exception) Error() string {
	name, ok := exceptionNames[e]
	if !ok {
		name = "it does not say why"
	}
	return fmt.Sprintf("the device answered with exception %d: %s", byte(e), name)
}

// readRequest asks for count registers or bits; it is appended to dst.
func readRequest(dst []byte, t Table, start, count int) []byte {
	dst = append(dst, tables[t].read)
	dst = binary.BigEndian.AppendUint16(dst, uint16(start))
	return binary.BigEndian.AppendUint16(dst, uint16(count))
}

// dataBytes is how many bytes of data the answer to a reading request must have.
func dataBytes(request []byte) int {
	count := int(binary.BigEndian.Uint16(request[3:]))
	if request[0] == readCoils || request[0] == readDiscretes {
		return (count + 7) / 8
	}
	return 2 * count
}

// answers reports whether response can be the answer to request: the same function with the length that was asked
// for, the echo that a write gives, or an exception of that function. Everything else belongs to another request.
func answers(request, response []byte) bool {
	if len(response) == 2 && response[0] == request[0]|exceptionBit {
		return true
	}
	if len(response) < 2 || response[0] != request[0] {
		return false
	}
	switch request[0] {
	case readCoils, readDiscretes, readInputs, readHoldings:
		n := dataBytes(request)
		return len(response) == 2+n && int(response[1]) == n
	case writeRegisters:
		return bytes.Equal(request[:5], response)
	}
	return bytes.Equal(request, response)
}

// exceptionIn is the exception that a response carries.
func exceptionIn(response []byte) (Exception, bool) {
	if response[0]&exceptionBit != 0 {
		return Exception(response[1]), true
	}
	return 0, false
}
