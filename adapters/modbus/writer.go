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
	request, err := spec.writeRequest(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", spec, err)
	}
	if err := a.send(ctx, byte(spec.device.Unit), request); err != nil {
		return fmt.Errorf("write %s: %w", spec, err)
	}
	return nil
}

func (a *adapter) send(ctx context.Context, unit byte, request []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.link.watch(ctx)
	_, err := a.ask(ctx, unit, request, 1)
	if errors.Is(err, IllegalFunction) && request[0] == writeRegister {
		_, err = a.ask(ctx, unit, manyRegisters(binary.BigEndian.Uint16(request[1:]), request[3:]), 1)
	}
	if errors.Is(err, errSilent) {
		return unanswered(unit, errSilent)
	}
	return err
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
