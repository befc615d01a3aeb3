package modbus

import (
	"fmt"

	"github.com/penstock-edge/penstock/adapters"
)

// List is the points of the models that the device is said to have, named after them: inverter_W, mppt_1_DCW. Which of a family's models it is, by
// phases and by kind of number, is found when the device is read.
func (d *Device) List() (map[string]adapters.Spec, error) {
	list := map[string]adapters.Spec{}
	add := func(name string, p sunPoint, ref SunRef) {
		if p.kind != "sf" && list[name] == nil {
			list[name] = &Point{At: Address{Table: Holding, Sun: ref}, Scale: 1, Bit: noBit, device: d}
		}
	}
	for _, id := range d.Models {
		m := sunModels[uint16(id)]
		if m == nil {
			continue // Validate says so
		}
		for _, p := range m.points {
			add(m.family+"_"+p.name, p, SunRef{Model: uint16(id), Point: p.name})
		}
		for n := 1; n <= d.Modules && len(m.module) > 0; n++ {
			for _, p := range m.module {
				add(fmt.Sprintf("%s_%d_%s", m.family, n, p.name), p, SunRef{Model: uint16(id), Module: uint8(n), Point: p.name})
			}
		}
	}
	return list, nil
}

// Unit is what the SunSpec model says.
func (p *Point) Unit() string {
	if p.sun() {
		return p.At.Sun.definition().unit
	}
	return ""
}

var (
	_ adapters.Lister   = (*Device)(nil)
	_ adapters.Measured = (*Point)(nil)
)
