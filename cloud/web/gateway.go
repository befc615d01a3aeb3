package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/wire"
)

// gatewayRows is how many points one page shows; the devices beyond are one click away.
const gatewayRows = 1000

// gatewayView is the page of a gateway.
type gatewayView struct {
	state
	Name    string
	Birth   *wire.Birth
	Born    bool
	Running string // how long
	Points  int
	Rate    float64
	Address string
	Contact contact
	delivery
	Query, Device string
	Devices       []device
	Found         int
	Self          string
}

func (w *web) gateway(r *http.Request) (page, error) {
	name := r.PathValue("thing")
	t, err := w.gatewayNamed(r, name)
	if err != nil {
		return page{}, err
	}
	latest, err := w.o.Store.Latest(r.Context(), name)
	if err != nil {
		return page{}, err
	}
	birth, now := w.births.read(t), w.now()
	q := r.URL.Query()
	connection := stateOf(t, birth, now)
	d, _, err := w.account(r, name, connection)
	if err != nil {
		return page{}, err
	}
	v := &gatewayView{state: connection, Name: name, Birth: birth.Birth, Born: birth != none, Points: birth.points,
		Rate: w.o.Rate(name), Address: t.Address, Contact: contactOf(t.LastContact, now), delivery: d,
		Query: strings.TrimSpace(q.Get("q")), Device: q.Get("device"), Self: r.URL.RequestURI()}
	if !birth.Started.IsZero() {
		v.Running = strings.Replace(age(now.Sub(birth.Started)), "now", "0 s", 1)
	}
	all := rows(birth.named, latest, func(point string) string { return gatewayPath(name) + "/points/" + url.PathEscape(point) }, now)
	v.fill(devices(birth.Birth, all))
	return page{name: "gateway", Title: name, Section: "fleet", Live: name, Data: v}, nil
}

// gatewayNamed finds a gateway; another thing's page is elsewhere.
func (w *web) gatewayNamed(r *http.Request, name string) (cloud.Thing, error) {
	t, err := w.o.Store.Thing(r.Context(), name)
	switch {
	case errors.Is(err, cloud.ErrNotFound):
		return t, absent{"There is no gateway " + name + ". To add it, run: penstock-cloud invite " + name, "/", "All gateways"}
	case err == nil && t.Kind == cloud.KindThing:
		return t, moved(thingPath(name))
	case err == nil && t.Kind == cloud.KindDevice:
		return t, moved(devicePath(name))
	}
	return t, err
}

// devicePath is where a device, gateway:device, is shown.
func devicePath(name string) string {
	gateway, device, _ := strings.Cut(name, ":")
	return gatewayPath(gateway) + "?device=" + url.QueryEscape(device)
}

// fill takes the devices and points that were asked for, and folds those for which there is no room.
func (v *gatewayView) fill(all []device) {
	room := gatewayRows
	for _, d := range all {
		if v.Device != "" && d.Name != v.Device {
			continue
		}
		d.filter(v.Query)
		if v.Query != "" && len(d.Rows) == 0 {
			continue
		}
		v.Found += len(d.Rows)
		if len(d.Rows) > room && v.Device == "" {
			d.Folded = devicePath(v.Name + ":" + d.Name)
			d.Rows = nil
		}
		room -= len(d.Rows)
		v.Devices = append(v.Devices, d)
	}
}

// filter keeps the points whose name has the text in it; a device that has it itself keeps all.
func (d *device) filter(query string) {
	if query == "" || matches(query, d.Name) {
		return
	}
	var kept []row
	for _, r := range d.Rows {
		if matches(query, r.Point) {
			kept = append(kept, r)
		}
	}
	d.Rows = kept
}

// Since is when the gateway was started.
func (v *gatewayView) Since() time.Time { return v.Birth.Started }
