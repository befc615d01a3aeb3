package modbus

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// sunBases are the holding registers at which a SunSpec device may have its marker (Device Information Model Specification, 6.2).
var sunBases = []int{40000, 50000, 0}

// sunMarker is "SunS", sunEnd the id of the model that ends the list.
const (
	sunMarker  = 0x53756e53
	sunEnd     = 0xFFFF
	mostModels = 100 // a device that lists more has no end
)

// sunFound is a model that the device has.
type sunFound struct {
	ID     uint16 `json:"id"`
	At     int    `json:"at"` // the register of its id
	Length int    `json:"length"`
}

// sunMap is where a device keeps its models.
type sunMap struct {
	walked bool
	again  time.Time // when a device that has none is asked once more
	models []sunFound
	places map[*Point]*Point // what was resolved
	scales map[int]*Point    // by register
}

// errNoSunSpec: the device answers and has no marker.
var errNoSunSpec = errors.New("there is no SunSpec marker at hr:40000, hr:50000 or hr:0")

// walk finds the marker and lists the models behind it. The caller holds the bus's lock.
func (a *adapter) walk(ctx context.Context, unit byte) (models []sunFound, err error) {
	read := func(at int) (uint32, error) {
		response, err := a.ask(ctx, unit, readRequest(nil, Holding, at, 2), 1+a.retries)
		if err != nil {
			return 0, err
		}
		return binary.BigEndian.Uint32(response[2:]), nil
	}
	for _, base := range sunBases {
		marker, err := read(base)
		if err != nil && !isException(err) {
			return nil, err
		}
		if err != nil || marker != sunMarker {
			continue
		}
		for at := base + 2; at < 0xFFFE && len(models) < mostModels; {
			head, err := read(at)
			if err != nil {
				return nil, fmt.Errorf("walk the SunSpec models, at hr:%d: %w", at, err)
			}
			id, length := uint16(head>>16), int(head&0xFFFF)
			if id == sunEnd {
				break
			}
			models = append(models, sunFound{id, at, length})
			at += 2 + length
		}
		return models, nil
	}
	return nil, errNoSunSpec
}

// found takes up a list of models.
func (m *sunMap) found(models []sunFound) {
	*m = sunMap{walked: true, models: models, places: map[*Point]*Point{}, scales: map[int]*Point{}}
}

// resolve is the point where the device has it; false when its model is not there, or too short for it.
func (m *sunMap) resolve(p *Point) (*Point, bool) {
	if p.At.Sun == (SunRef{}) {
		return p, true
	}
	if at, ok := m.places[p]; ok {
		return at, true
	}
	family := sunModels[p.At.Sun.Model].family
	for _, found := range m.models {
		model := sunModels[found.ID]
		if model == nil || model.family != family {
			continue
		}
		def, ok := model.point(p.At.Sun)
		if !ok || def.offset+def.registers > 2+found.Length {
			continue
		}
		at := def.at(found.At, p.device)
		if def.scale != "" {
			scale, _ := model.point(SunRef{Point: def.scale})
			at.ScaleFrom, at.power = def.scale, m.scale(scale, found.At, p.device)
		}
		m.places[p] = at
		return at, true
	}
	return nil, false
}

// scale is one point for all that are scaled by it.
func (m *sunMap) scale(def sunPoint, base int, d *Device) *Point {
	if p := m.scales[base+def.offset]; p != nil {
		return p
	}
	p := def.at(base, d)
	m.scales[base+def.offset] = p
	return p
}

// at is the point in a model whose id is in that register. SunSpec's values are big-endian, whatever the device's other points are.
func (d sunPoint) at(base int, device *Device) *Point {
	t := sunTypeOf(d.kind)
	p := &Point{At: Address{Table: Holding, Number: uint16(base + d.offset)}, Type: t.kind, Order: "ABCD", Scale: 1, Bit: noBit, device: device}
	if t.kind == Text {
		p.Length = 2 * t.registers
	}
	if t.absent != "" {
		if err := p.Invalid.UnmarshalText([]byte(t.absent)); err != nil {
			panic("BUG: " + err.Error())
		}
	}
	return p
}

// survey walks the device when it was not yet, and places the points anew. An error means that nothing can be read now.
func (r *reader) survey(ctx context.Context) error {
	m := &r.known.sun
	if !m.walked && time.Now().After(m.again) {
		models, err := r.walk(ctx, r.unit)
		switch {
		case err == nil:
			m.found(models)
			r.known.changed()
			r.log.Info("SunSpec models were found", "unit", r.unit, "models", fmt.Sprint(ids(models)))
		case errors.Is(err, errNoSunSpec), isException(err):
			m.again = time.Now().Add(askAgainAfter)
			r.log.Warn("the device shows no SunSpec models", "unit", r.unit, "err", err)
		case errors.Is(err, errSilent), errors.Is(err, errGarbled):
			return unanswered(r.unit, err)
		default:
			return err
		}
	}
	if r.surveyed == r.known.version {
		return nil
	}
	_, places, powers, absent, err := placed(r.list, m.resolve)
	if err != nil {
		return err
	}
	r.surveyed = r.known.version
	r.place(places, powers, absent)
	return nil
}

// askAgainAfter is when a device without models is asked for them once more.
const askAgainAfter = time.Minute

func ids(models []sunFound) (list []uint16) {
	for _, m := range models {
		list = append(list, m.ID)
	}
	return list
}

// place takes up where the points are.
func (r *reader) place(places map[Table][]place, powers []powered, absent []int) {
	r.places, r.powers, r.absent, r.version = places, powers, absent, -1
	samples := make([]telemetry.Sample, len(r.list)+len(powers))
	for i := range samples {
		samples[i].Time, samples[i].Quality = time.Now().UnixNano(), telemetry.BadTimeout
	}
	for i, p := range r.list {
		samples[i].Point = p.ID
	}
	r.samples = samples
}
