package gateway

import (
	"slices"
	"time"

	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/sync/session"
	"github.com/penstock-edge/penstock/sync/wire"
)

// birthMessage is what the gateway says of itself when it connects to a target: its devices and points with their units, and what may be
// written from there.
func birthMessage(cfg *config.Config, to config.Target, version string, started time.Time) (session.Message, error) {
	b := wire.Birth{Gateway: cfg.Gateway.ID, Version: version, Site: cfg.Gateway.Site, Started: started}
	for _, c := range cfg.Connections {
		for _, d := range c.Devices {
			b.Devices = birthDevice(b.Devices, cfg, to, d, c)
		}
	}
	for _, d := range cfg.Virtual {
		b.Devices = birthDevice(b.Devices, cfg, to, d, config.Connection{Kind: "rules"})
	}
	payload, err := wire.EncodeBirth(b)
	return session.Message{Topic: wire.BirthTopic(b.Gateway), Payload: payload}, err
}

// birthDevice adds a device, if the target is told of it.
func birthDevice(list []wire.BirthDevice, cfg *config.Config, to config.Target, d config.Device, on config.Connection) []wire.BirthDevice {
	if len(d.Points) > 0 && !to.Takes(d.Points[0]) {
		return list
	}
	out := wire.BirthDevice{Name: d.Name, Connection: on.Name, Kind: on.Kind, Tags: d.Tags}
	for _, id := range d.Points {
		p := cfg.Points[id]
		bp := wire.BirthPoint{
			Name: p.Name, Unit: p.Unit, ScanMS: p.Scan.Milliseconds(), Access: string(p.Access), Where: p.Spec.String(), Enum: p.Enum,
			Shadow: slices.Contains(to.Shadow, id), Report: slices.Contains(to.Report, id), Command: slices.Contains(to.Commands, id),
		}
		if p.Range != nil {
			bp.Range = &wire.BirthRange{Min: p.Range.Min, Max: p.Range.Max}
		}
		out.Points = append(out.Points, bp)
	}
	return append(list, out)
}
