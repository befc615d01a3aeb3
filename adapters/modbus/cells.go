package modbus

import (
	"encoding/binary"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Cells are the registers that hold v at this point (one 0 or 1 for a bit): the device's side of Value. Scale, type and order are the point's.
func (p *Point) Cells(v telemetry.Value) ([]uint16, error) {
	c := p.codec()
	raw, err := c.encode(v)
	if err != nil {
		return nil, err
	}
	if p.At.Table.bits() {
		bit, _ := c.decode(raw)
		return []uint16{uint16(bit.Bits())}, nil
	}
	cells := make([]uint16, len(raw)/2)
	for i := range cells {
		cells[i] = binary.BigEndian.Uint16(raw[2*i:])
	}
	return cells, nil
}

// Value is what Count registers (or one bit) mean at this point; it holds nothing when they mean that there is no reading.
func (p *Point) Value(cells []uint16) telemetry.Value {
	if p.At.Table.bits() {
		return telemetry.Bool(cells[0] != 0)
	}
	raw := make([]byte, 0, 2*len(cells))
	for _, cell := range cells {
		raw = binary.BigEndian.AppendUint16(raw, cell)
	}
	c := p.codec()
	v, _ := c.decode(raw)
	return v
}

// OneBit reports whether the point is one bit of a register, which SetBit changes.
func (p *Point) OneBit() bool { return !p.At.Table.bits() && p.Bit != noBit }

// SetBit is the register with the point's bit changed and the others as they were.
func (p *Point) SetBit(cell uint16, on bool) uint16 {
	c := p.codec()
	bits := c.gather(binary.BigEndian.AppendUint16(nil, cell)) &^ (1 << c.bit)
	if on {
		bits |= 1 << c.bit
	}
	return binary.BigEndian.Uint16(c.scatter(bits))
}
