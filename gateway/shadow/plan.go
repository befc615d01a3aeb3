package shadow

import (
	"slices"

	"github.com/penstock-edge/penstock/gateway/config"
	doc "github.com/penstock-edge/penstock/sync/shadow"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// plan is which points are in which shadow. It does not change.
type plan struct {
	points []config.Point
	report map[telemetry.PointID]doc.ID            // points whose values are reported, and where
	wanted map[doc.ID]map[string]telemetry.PointID // points that desired state may set, by their key
	things []string
}

// newPlan has every device with such a point as the thing gateway:device, its classic shadow keyed by the points' names.
func newPlan(cfg *config.Config, gateway string) *plan {
	p := &plan{points: cfg.Points, report: map[telemetry.PointID]doc.ID{}, wanted: map[doc.ID]map[string]telemetry.PointID{}, things: []string{gateway}}
	for _, t := range cfg.Cloud {
		for _, id := range slices.Concat(t.Report, t.Shadow) {
			p.report[id] = p.thing(gateway, id)
		}
		for _, id := range t.Shadow {
			at := p.thing(gateway, id)
			if p.wanted[at] == nil {
				p.wanted[at] = map[string]telemetry.PointID{}
			}
			p.wanted[at][cfg.Points[id].Name] = id
		}
	}
	return p
}

func (p *plan) thing(gateway string, id telemetry.PointID) doc.ID {
	at := doc.ID{Thing: gateway + ":" + p.points[id].Device}
	if !slices.Contains(p.things, at.Thing) {
		p.things = append(p.things, at.Thing)
	}
	return at
}
