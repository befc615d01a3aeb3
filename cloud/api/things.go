package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/wire"
)

// gateway is a gateway in a list: the registry's entry with what its birth says.
type gateway struct {
	Name        string     `json:"name"`
	Connected   bool       `json:"connected"`
	LastContact *time.Time `json:"last_contact"` // null: never
	Address     string     `json:"address,omitempty"`
	Site        string     `json:"site,omitempty"`
	Version     string     `json:"version,omitempty"`
	Started     *time.Time `json:"started,omitempty"`
	Devices     int        `json:"devices"`
	Points      int        `json:"points"`
	Rate        float64    `json:"samples_per_s"`
}

func (a *api) gateways(w http.ResponseWriter, r *http.Request) error {
	things, err := a.o.Store.Things(r.Context(), cloud.KindGateway)
	if err != nil {
		return err
	}
	list := make([]gateway, 0, len(things))
	for _, t := range things {
		list = append(list, a.describe(t))
	}
	reply(w, http.StatusOK, map[string]any{"gateways": list})
	return nil
}

func (a *api) gateway(w http.ResponseWriter, r *http.Request) error {
	t, err := a.o.Store.Thing(r.Context(), r.PathValue("thing"))
	if err != nil {
		return err
	}
	birth := birthOf(t)
	reply(w, http.StatusOK, struct {
		gateway
		Birth *wire.Birth `json:"birth"`
	}{a.describe(t), birth})
	return nil
}

func (a *api) describe(t cloud.Thing) gateway {
	g := gateway{Name: t.Name, Connected: t.Connected, LastContact: moment(t.LastContact), Address: t.Address, Rate: a.o.Rate(t.Name)}
	if birth := birthOf(t); birth != nil {
		g.Site, g.Version, g.Started, g.Devices = birth.Site, birth.Version, moment(birth.Started), len(birth.Devices)
		for _, d := range birth.Devices {
			g.Points += len(d.Points)
		}
	}
	return g
}

// birthOf is nil for a thing that has not said anything of itself.
func birthOf(t cloud.Thing) *wire.Birth {
	var birth wire.Birth
	if len(t.Birth) == 0 || json.Unmarshal(t.Birth, &birth) != nil {
		return nil
	}
	return &birth
}

func (a *api) things(w http.ResponseWriter, r *http.Request) error {
	kind := cloud.ThingKind(r.FormValue("kind"))
	switch kind {
	case "", cloud.KindGateway, cloud.KindDevice, cloud.KindThing:
	default:
		return invalid("kind is gateway, device or thing, not %q", kind)
	}
	things, err := a.o.Store.Things(r.Context(), kind)
	if err != nil {
		return err
	}
	list := make([]thing, 0, len(things))
	for _, t := range things {
		list = append(list, thingOf(t))
	}
	reply(w, http.StatusOK, map[string]any{"things": list})
	return nil
}

func (a *api) thing(w http.ResponseWriter, r *http.Request) error {
	t, err := a.o.Store.Thing(r.Context(), r.PathValue("thing"))
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, thingOf(t))
	return nil
}

// thing is an entry of the registry; a time that never was is null.
type thing struct {
	cloud.Thing
	LastContact *time.Time `json:"last_contact"`
}

func thingOf(t cloud.Thing) thing { return thing{t, moment(t.LastContact)} }

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
