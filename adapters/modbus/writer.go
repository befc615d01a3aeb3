package modbus

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Write sends one value and returns when the device has confirmed it. A write that was not confirmed is not repeated:
// a second pulse on a coil is not the same as one. The caller reads back what became of it.
func (a *adapter) Write(ctx context.Context, p adapters.Point, v telemetry.Value) error {
	spec, ok := p.Spec.(*Point)
	if !ok || spec.device == nil {
		return fmt.Errorf("BUG: %s.%s is no Modbus point of a device", p.Device, p.Name)
	}
	if err := spec.Writable(); err != nil {
		return err
	}
	if err := a.write(ctx, spec, v); err != nil {
		return fmt.Errorf("write %s: %w", spec, err)
	}
	return nil
}

// write holds the bus until it is done: what must be read before is still so when the value is written, as far as we are concerned.
func (a *adapter) write(ctx context.Context, p *Point, v telemetry.Value) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.link.watch(ctx)
	unit := byte(p.device.Unit)
	if p.sun() {
		at, err := a.place(ctx, unit, p)
		if err != nil {
			return err
		}
		p = at
	}
	if p.OneBit() {
		return a.writeBit(ctx, unit, p, v)
	}
	if p.power != nil {
		response, err := a.ask(ctx, unit, p.powerRequest(), 1+a.retries)
		if errors.Is(err, errSilent) {
			return unanswered(unit, errSilent)
		}
		if err == nil {
			p, err = p.atPower(response)
		}
		if err != nil {
			return fmt.Errorf("read its power of ten: %w", err)
		}
	}
	request, err := p.writeRequest(v)
	if err != nil {
		return err
	}
	return a.send(ctx, unit, request)
}

// place finds a point of a SunSpec model; the models are walked for it.
func (a *adapter) place(ctx context.Context, unit byte, p *Point) (*Point, error) {
	models, err := a.walk(ctx, unit)
	if errors.Is(err, errSilent) {
		return nil, unanswered(unit, errSilent)
	}
	if err != nil {
		return nil, err
	}
	var m sunMap
	m.found(models)
	at, ok := m.resolve(p)
	if !ok {
		return nil, fmt.Errorf("the device has the SunSpec models %v, and it is in none of them", ids(models))
	}
	return at, nil
}

// send gives one request that changes something. The caller holds the bus's lock.
func (a *adapter) send(ctx context.Context, unit byte, request []byte) error {
	_, err := a.ask(ctx, unit, request, 1)
	if errors.Is(err, IllegalFunction) && request[0] == writeRegister {
		_, err = a.ask(ctx, unit, manyRegisters(binary.BigEndian.Uint16(request[1:]), request[3:]), 1)
	}
	if errors.Is(err, errSilent) {
		return unanswered(unit, errSilent)
	}
	return err
}

// masking is whether a unit has function 22; 0: not known.
type masking uint8

const (
	masked masking = iota + 1
	maskless
)

// writeBit changes one bit of a register and leaves the others as they are: by function 22, with which the device itself does so, or, where it
// does not know that, by reading the register and writing it back. The latter undoes what the device's own program does to the register meanwhile.
func (a *adapter) writeBit(ctx context.Context, unit byte, p *Point, v telemetry.Value) error {
	on, isNumber := v.Float()
	if !isNumber || on != 0 && on != 1 {
		return fmt.Errorf("%s is neither true nor false", quoted(v))
	}
	if a.masks[unit] != maskless {
		bit := p.SetBit(0, true)
		request := binary.BigEndian.AppendUint16([]byte{maskRegister}, p.At.Number)
		request = binary.BigEndian.AppendUint16(request, ^bit) // the bits that stay
		request = binary.BigEndian.AppendUint16(request, p.SetBit(0, on == 1))
		err := a.send(ctx, unit, request)
		if err == nil {
			a.masks[unit] = masked
		} else if a.masks[unit] == 0 && (errors.Is(err, IllegalFunction) || errors.Is(err, errSilent)) {
			a.masks[unit] = maskless // also of a unit that says nothing to what it does not know: next time it is written the other way
		}
		if !errors.Is(err, IllegalFunction) {
			return err
		}
	}
	response, err := a.ask(ctx, unit, readRequest(nil, Holding, int(p.At.Number), 1), 1+a.retries)
	if errors.Is(err, errSilent) {
		return unanswered(unit, errSilent)
	}
	if err != nil {
		return fmt.Errorf("read the register's other bits: %w", err)
	}
	cell := p.SetBit(binary.BigEndian.Uint16(response[2:]), on == 1)
	request := binary.BigEndian.AppendUint16([]byte{writeRegister}, p.At.Number)
	return a.send(ctx, unit, binary.BigEndian.AppendUint16(request, cell))
}

// writeRequest is function 5 for a coil, 6 for one register and 16 for several.
func (p *Point) writeRequest(v telemetry.Value) ([]byte, error) {
	c := p.codec()
	data, err := c.encode(v)
	if err != nil {
		return nil, err
	}
	if p.At.Table == Coil {
		on := []byte{0, 0}
		if v, _ := c.decode(data); v.Bool() {
			on[0] = 0xFF
		}
		return append(binary.BigEndian.AppendUint16([]byte{writeCoil}, p.At.Number), on...), nil
	}
	if len(data) == 2 {
		return append(binary.BigEndian.AppendUint16([]byte{writeRegister}, p.At.Number), data...), nil
	}
	return manyRegisters(p.At.Number, data), nil
}

func manyRegisters(start uint16, data []byte) []byte {
	request := binary.BigEndian.AppendUint16([]byte{writeRegisters}, start)
	request = binary.BigEndian.AppendUint16(request, uint16(len(data)/2))
	return append(append(request, byte(len(data))), data...)
}
