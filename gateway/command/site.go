package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/penstock-edge/penstock/gateway/config"
	sql "github.com/penstock-edge/penstock/sync/rule"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Site is the equipment as one configuration describes it, and the way to it. It is swapped whole, so that a point's number and the
// functions that take it never belong to two configurations.
type Site struct {
	Points   []config.Point      // by ID
	Shadow   []telemetry.PointID // what a shadow's desired state may write
	Commands []telemetry.PointID // what a command of the cloud may write

	// Write sends a value and returns what the point reads afterwards. An error means that it is not certain that the value arrived.
	// It is called for several points at a time, never twice at a time for one.
	Write func(context.Context, telemetry.PointID, telemetry.Value) (telemetry.Sample, error)

	// Latest is the newest sample of a point since the gateway started.
	Latest func(telemetry.PointID) (telemetry.Sample, bool)

	// Read asks the equipment now. Optional: without it what Latest gives next is waited for.
	Read func(context.Context, telemetry.PointID) (telemetry.Sample, error)
}

// Holder is an optional power of a point's Spec: what the place holds once v has been written to it, rounded to what its type and scale
// can express. An error says that v does not fit. It touches no wire.
type Holder interface {
	Hold(v telemetry.Value) (telemetry.Value, error)
}

// plant is a Site, made ready. It is never changed; a place's interlock is used by who holds the point's turn.
type plant struct {
	Site
	writable map[string]*place // a gateway reads thousands of points and writes a few
}

// place is one point that exists.
type place struct {
	config.Point
	interlock *sql.Condition
	needs     []telemetry.PointID // the interlock's points
	listed    map[Channel]bool
}

func (s Site) plant() (*plant, error) {
	p := &plant{Site: s, writable: map[string]*place{}}
	for _, point := range s.Points {
		if point.Access == config.ReadWrite {
			p.writable[point.FullName()] = newPlace(point)
		}
	}
	for channel, ids := range map[Channel][]telemetry.PointID{Shadow: s.Shadow, Command: s.Commands} {
		for _, id := range ids {
			if at := p.writable[s.Points[id].FullName()]; at != nil {
				at.listed[channel] = true
			}
		}
	}
	var all []error
	for _, at := range p.writable {
		all = append(all, p.interlock(at))
	}
	return p, errors.Join(all...)
}

func newPlace(p config.Point) *place {
	return &place{Point: p, listed: map[Channel]bool{Local: true, Rule: true}}
}

// place finds a point; nil when there is none of that name. One that is only read is looked for among all.
func (p *plant) place(name string) *place {
	if at := p.writable[name]; at != nil {
		return at
	}
	device, point, _ := strings.Cut(name, ".")
	for i := range p.Points {
		if p.Points[i].Device == device && p.Points[i].Name == point {
			return newPlace(p.Points[i])
		}
	}
	return nil
}

// interlock reads a point's condition, which the configuration's check has read before.
func (p *plant) interlock(at *place) (err error) {
	if at.Guard.Interlock == "" {
		return nil
	}
	if at.interlock, err = sql.ParseCondition(at.Guard.Interlock); err != nil {
		return fmt.Errorf("interlock of %s: %w", at.FullName(), err)
	}
	for _, name := range at.interlock.Points() {
		of := p.place(name)
		if of == nil {
			return fmt.Errorf("interlock of %s: there is no point %s", at.FullName(), name)
		}
		at.needs = append(at.needs, of.ID)
	}
	return nil
}

// now is the newest sample of a point, bad while there is none.
func (p *plant) now(id telemetry.PointID) telemetry.Sample {
	if s, ok := p.Latest(id); ok {
		return s
	}
	return telemetry.Sample{Point: id, Quality: telemetry.BadWaitingForData}
}
