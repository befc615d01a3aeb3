package shadow

import (
	"slices"

	"github.com/penstock-edge/penstock/gateway/config"
	doc "github.com/penstock-edge/penstock/sync/shadow"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// maxSynced is how many things are synced: each takes a topic filter, and penstock-cloud's sessions have 256.
const maxSynced = 250

// plan is which points are in which shadow. It does not change.
type plan struct {
	points []config.Point
	things []string                                // the gateway, and its devices as far as there is room
	left   int                                     // devices for which there is none
	report []doc.ID                                // by point: where its value is reported; the zero ID: nowhere
	wanted map[doc.ID]map[string]telemetry.PointID // points that desired state may set, by their key
	within map[string]bool                         // by thing: whether it is among things
}

// newPlan has every device as the thing gateway:device. Its classic shadow has the points of report and shadow under their names.
func newPlan(cfg *config.Config, gateway string) *plan {
	p := &plan{
		points: cfg.Points, wanted: map[doc.ID]map[string]telemetry.PointID{}, within: map[string]bool{},
	}
	p.add(gateway)
	for _, t := range cfg.Cloud {
		reported := slices.Concat(t.Report, t.Shadow)
		if p.report == nil && len(reported) > 0 {
			p.report = make([]doc.ID, len(cfg.Points))
		}
		for _, id := range reported {
			p.report[id] = doc.ID{Thing: gateway + ":" + cfg.Points[id].Device}
			p.add(p.report[id].Thing)
		}
		for _, id := range t.Shadow {
			at := p.report[id]
			if p.wanted[at] == nil {
				p.wanted[at] = map[string]telemetry.PointID{}
			}
			p.wanted[at][cfg.Points[id].Name] = id
		}
	}
	for i := range cfg.Points {
		if mayKnow(cfg, cfg.Points[i].ID) {
			p.add(gateway + ":" + cfg.Points[i].Device)
		}
	}
	return p
}

// mayKnow: the cloud that shadows are synced with may know of the point's device.
func mayKnow(cfg *config.Config, id telemetry.PointID) bool {
	for i := range cfg.Cloud {
		if cfg.Cloud[i].Name == cfg.Lead {
			return cfg.Cloud[i].Takes(id)
		}
	}
	return true
}

// add makes a thing one that is synced, if there is room.
func (p *plan) add(thing string) {
	_, seen := p.within[thing]
	switch {
	case seen:
	case len(p.things) < maxSynced:
		p.things, p.within[thing] = append(p.things, thing), true
	default:
		p.left++
		p.within[thing] = false
	}
}

// synced tells whether the cloud has a shadow, too: that of a stranger stays here.
func (p *plan) synced(id doc.ID) bool { return p.within[id.Thing] }
