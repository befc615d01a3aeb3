package modbussim

import (
	"fmt"
	"sync"

	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Bank is the four tables of one unit.
type Bank struct {
	mu     sync.Mutex
	tables [modbus.Holding + 1][]uint16 // bits are 0 or 1
	holes  map[modbus.Address]bool
}

// NewBank makes tables of size places, all zero. Addresses beyond do not exist.
func NewBank(size int) *Bank {
	b := &Bank{holes: map[modbus.Address]bool{}}
	for t := modbus.Coil; t <= modbus.Holding; t++ {
		b.tables[t] = make([]uint16, min(size, 0x10000))
	}
	return b
}

// Set writes a value where a point's settings say, in their type and order. One bit leaves the others as they are.
func (b *Bank) Set(p *modbus.Point, v telemetry.Value) error {
	if p.OneBit() {
		b.mu.Lock()
		defer b.mu.Unlock()
		cell, err := b.stretch(p.At, 1)
		if err != nil {
			return err
		}
		cell[0] = p.SetBit(cell[0], v.Bool())
		return nil
	}
	cells, err := p.Cells(v)
	if err != nil {
		return err
	}
	return b.Put(p.At, cells...)
}

// Get reads what a point's settings say.
func (b *Bank) Get(p *modbus.Point) (telemetry.Value, error) {
	cells, err := b.Cells(p.At, p.Count())
	if err != nil {
		return telemetry.Value{}, err
	}
	return p.Value(cells), nil
}

// Put writes registers, or bits as 0 and 1, one after the other.
func (b *Bank) Put(at modbus.Address, cells ...uint16) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	to, err := b.stretch(at, len(cells))
	if err != nil {
		return err
	}
	copy(to, cells)
	return nil
}

// Cells reads registers, or bits as 0 and 1.
func (b *Bank) Cells(at modbus.Address, count int) ([]uint16, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	from, err := b.stretch(at, count)
	if err != nil {
		return nil, err
	}
	return append([]uint16(nil), from...), nil
}

// Hole takes addresses out: who asks for them gets exception 2.
func (b *Bank) Hole(at modbus.Address, count int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range count {
		b.holes[modbus.Address{Table: at.Table, Number: at.Number + uint16(i)}] = true
	}
}

// Fill takes the holes away.
func (b *Bank) Fill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.holes)
}

// stretch is a piece of a table. The caller holds mu.
func (b *Bank) stretch(at modbus.Address, count int) ([]uint16, error) {
	if int(at.Table) >= len(b.tables) || int(at.Number)+count > len(b.tables[at.Table]) {
		return nil, fmt.Errorf("%s and %d more: %w", at, count-1, modbus.IllegalAddress)
	}
	if len(b.holes) > 0 {
		for i := range count {
			if b.holes[modbus.Address{Table: at.Table, Number: at.Number + uint16(i)}] {
				return nil, fmt.Errorf("%s and %d more: %w", at, count-1, modbus.IllegalAddress)
			}
		}
	}
	return b.tables[at.Table][at.Number:][:count], nil
}
