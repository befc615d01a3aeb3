package modbussim

import (
	"encoding/binary"
	"errors"

	"github.com/penstock-edge/penstock/adapters/modbus"
)

// handle does what a request says (Modbus Application Protocol 1.1b3, chapter 6) and gives the answer.
func (b *Bank) handle(request []byte) []byte {
	response, err := b.do(request)
	if err == nil {
		return response
	}
	e := modbus.DeviceFailure
	_ = errors.As(err, &e)
	return []byte{request[0] | 0x80, byte(e)}
}

func (b *Bank) do(request []byte) ([]byte, error) {
	switch request[0] {
	case 1:
		return b.readBits(request, modbus.Coil)
	case 2:
		return b.readBits(request, modbus.Discrete)
	case 3:
		return b.readRegisters(request, modbus.Holding)
	case 4:
		return b.readRegisters(request, modbus.Input)
	case 5:
		return b.writeCoil(request)
	case 6:
		return b.writeRegister(request)
	case 8:
		return echo(request)
	case 15:
		return b.writeCoils(request)
	case 16:
		return b.writeRegisters(request)
	case 22:
		return b.maskRegister(request)
	}
	return nil, modbus.IllegalFunction
}

// asked takes address and count out of a request that is at least that long.
func asked(request []byte, t modbus.Table, most int) (at modbus.Address, count int, err error) {
	if len(request) < 5 {
		return at, 0, modbus.IllegalValue
	}
	count = int(binary.BigEndian.Uint16(request[3:]))
	if count < 1 || count > most {
		return at, 0, modbus.IllegalValue
	}
	return modbus.Address{Table: t, Number: binary.BigEndian.Uint16(request[1:])}, count, nil
}

func (b *Bank) readBits(request []byte, t modbus.Table) ([]byte, error) {
	at, count, err := asked(request, t, 2000)
	if err != nil {
		return nil, err
	}
	cells, err := b.Cells(at, count)
	if err != nil {
		return nil, err
	}
	response := make([]byte, 2+(count+7)/8)
	response[0], response[1] = request[0], byte(len(response)-2)
	for i, c := range cells {
		response[2+i/8] |= byte(c&1) << (i % 8)
	}
	return response, nil
}

func (b *Bank) readRegisters(request []byte, t modbus.Table) ([]byte, error) {
	at, count, err := asked(request, t, 125)
	if err != nil {
		return nil, err
	}
	cells, err := b.Cells(at, count)
	if err != nil {
		return nil, err
	}
	response := make([]byte, 2, 2+2*count)
	response[0], response[1] = request[0], byte(2*count)
	for _, c := range cells {
		response = binary.BigEndian.AppendUint16(response, c)
	}
	return response, nil
}

func (b *Bank) writeCoil(request []byte) ([]byte, error) {
	if len(request) != 5 {
		return nil, modbus.IllegalValue
	}
	v := binary.BigEndian.Uint16(request[3:])
	if v != 0 && v != 0xFF00 {
		return nil, modbus.IllegalValue
	}
	return request, b.Put(modbus.Address{Table: modbus.Coil, Number: binary.BigEndian.Uint16(request[1:])}, v>>15)
}

func (b *Bank) writeRegister(request []byte) ([]byte, error) {
	if len(request) != 5 {
		return nil, modbus.IllegalValue
	}
	at := modbus.Address{Table: modbus.Holding, Number: binary.BigEndian.Uint16(request[1:])}
	return request, b.Put(at, binary.BigEndian.Uint16(request[3:]))
}

// echo is function 8, of which the simulator knows sub-function 0: return what was sent.
func echo(request []byte) ([]byte, error) {
	if len(request) < 3 || request[1] != 0 || request[2] != 0 {
		return nil, modbus.IllegalFunction
	}
	return request, nil
}

func (b *Bank) writeCoils(request []byte) ([]byte, error) {
	at, count, err := asked(request, modbus.Coil, 1968)
	if err != nil || len(request) != 6+(count+7)/8 || int(request[5]) != (count+7)/8 {
		return nil, modbus.IllegalValue
	}
	cells := make([]uint16, count)
	for i := range cells {
		cells[i] = uint16(request[6+i/8]>>(i%8)) & 1
	}
	return request[:5], b.Put(at, cells...)
}

func (b *Bank) writeRegisters(request []byte) ([]byte, error) {
	at, count, err := asked(request, modbus.Holding, 123)
	if err != nil || len(request) != 6+2*count || int(request[5]) != 2*count {
		return nil, modbus.IllegalValue
	}
	cells := make([]uint16, count)
	for i := range cells {
		cells[i] = binary.BigEndian.Uint16(request[6+2*i:])
	}
	return request[:5], b.Put(at, cells...)
}

func (b *Bank) maskRegister(request []byte) ([]byte, error) {
	if len(request) != 7 {
		return nil, modbus.IllegalValue
	}
	at := modbus.Address{Table: modbus.Holding, Number: binary.BigEndian.Uint16(request[1:])}
	stay, set := binary.BigEndian.Uint16(request[3:]), binary.BigEndian.Uint16(request[5:])
	b.mu.Lock()
	defer b.mu.Unlock()
	cell, err := b.stretch(at, 1)
	if err != nil {
		return nil, err
	}
	cell[0] = cell[0]&stay | set&^stay
	return request, nil
}
