package serial

import (
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// plan is how a device's frames become samples of its points.
type plan struct {
	device *Device
	match  matcher
	fields []field
}

// field is one point's place in a match.
type field struct {
	point     telemetry.PointID
	spec      *Spec
	group     int
	decode    func(text string) (telemetry.Value, error)
	empty     telemetry.Quality // of a group without text; Good: it is decoded as any other
	signGroup int               // 0: the sign stands with the number
	signBit   int
}

// planned plans the points of one device.
func planned(points []adapters.Point) (*plan, error) {
	p := &plan{}
	for _, point := range points {
		spec, ok := point.Spec.(*Spec)
		if !ok {
			return nil, fmt.Errorf("BUG: %s.%s has a %T, which is no point of a serial line", point.Device, point.Name, point.Spec)
		}
		if p.device == nil {
			if err := p.of(spec.device); err != nil {
				return nil, fmt.Errorf("plan the frames of %s: %w", point.Device, err)
			}
		}
		if err := p.add(point.ID, spec); err != nil {
			return nil, fmt.Errorf("plan %s.%s: %w", point.Device, point.Name, err)
		}
	}
	return p, nil
}

func (p *plan) of(d *Device) (err error) {
	p.device = d
	if err := d.Validate(); err != nil {
		return err
	}
	p.match, err = d.matcher()
	return err
}

func (p *plan) add(id telemetry.PointID, s *Spec) error {
	if s.device != p.device {
		return fmt.Errorf("BUG: %s belongs to another device", s)
	}
	if err := s.Validate(); err != nil {
		return err
	}
	at, err := p.match.group(s.At)
	if err != nil {
		return err
	}
	f := field{point: id, spec: s, group: at.number, decode: decoder(s, at), empty: at.empty}
	if s.Negative != "" {
		name, bit, err := s.signBit()
		if err != nil {
			return err
		}
		sign, err := p.match.group(name)
		if err != nil {
			return err
		}
		f.signGroup, f.signBit = sign.number, bit
	}
	p.fields = append(p.fields, f)
	return nil
}

// decoder is how a group is read: as the point says, else as what it is.
func decoder(s *Spec, at group) func(text string) (telemetry.Value, error) {
	switch {
	case at.kind == coordinate:
		return degrees
	case at.kind == "bearing":
		return bearing
	case s.Type == "":
		return decoders[at.kind]
	}
	return decoders[s.Type]
}

// frame is one frame of the device, taken apart.
type frame struct {
	text string
	at   []int // of each group, as its matcher gives it
}

// read takes a frame apart; ok is false when it is not what the device sends.
func (p *plan) read(body []byte) (f frame, ok bool) {
	f.text = characters(body)
	f.at = p.match.find(f.text)
	return f, f.at != nil
}

// group is the text of one group; ok is false when the frame has none, as in an expression with alternatives.
func (f frame) group(i int) (text string, ok bool) {
	if f.at[2*i] < 0 {
		return "", false
	}
	return f.text[f.at[2*i]:f.at[2*i+1]], true
}

// bit reports whether a bit of a group's first byte is set.
func (f frame) bit(group, bit int) (set, ok bool) {
	text, ok := f.group(group)
	if !ok || text == "" {
		return false, false
	}
	return []rune(text)[0]>>bit&1 == 1, true
}

// has reports whether a frame says anything of the field.
func (fd field) has(f frame) bool {
	_, ok := f.group(fd.group)
	return ok
}

// sample reads one point. What can't be understood is bad, with nothing for a value.
func (fd field) sample(f frame, at time.Time) telemetry.Sample {
	if text, _ := f.group(fd.group); text == "" && fd.empty != telemetry.Good {
		return fd.bad(fd.empty, at)
	}
	value, ok := fd.value(f)
	if !ok {
		return fd.bad(telemetry.BadDecoding, at)
	}
	return telemetry.Sample{Point: fd.point, Time: at.UnixNano(), Value: value}
}

func (fd field) bad(why telemetry.Quality, at time.Time) telemetry.Sample {
	return telemetry.Sample{Point: fd.point, Quality: why, Time: at.UnixNano()}
}

func (fd field) value(f frame) (v telemetry.Value, ok bool) {
	if fd.spec.Bit != noBit {
		set, ok := f.bit(fd.group, fd.spec.Bit)
		return telemetry.Bool(set), ok
	}
	text, ok := f.group(fd.group)
	if !ok {
		return v, false
	}
	v, err := fd.decode(text)
	if err != nil {
		return v, false
	}
	if fd.signGroup != 0 {
		negative, ok := f.bit(fd.signGroup, fd.signBit)
		if !ok {
			return v, false
		}
		if negative {
			v = negated(v)
		}
	}
	if fd.spec.scaled() {
		v = scale(v, fd.spec.Scale, fd.spec.Offset)
	}
	return v, true
}

// samples reads every field of a frame.
func (p *plan) samples(f frame, at time.Time) []telemetry.Sample {
	all := make([]telemetry.Sample, len(p.fields))
	for i, fd := range p.fields {
		all[i] = fd.sample(f, at)
	}
	return all
}

// bad gives every field the same reason.
func (p *plan) bad(why telemetry.Quality, at time.Time) []telemetry.Sample {
	all := make([]telemetry.Sample, len(p.fields))
	for i, fd := range p.fields {
		all[i] = fd.bad(why, at)
	}
	return all
}
