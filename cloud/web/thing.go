package web

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/penstock-edge/penstock/cloud"
)

// thingsView is the page of the things that connect by themselves.
type thingsView struct {
	Rows []thingRow
	Self string
}

type thingRow struct {
	state
	Name, Href string
	Points     int
	Contact    contact
}

func (w *web) things(r *http.Request) (page, error) {
	things, err := w.o.Store.Things(r.Context(), cloud.KindThing)
	if err != nil {
		return page{}, err
	}
	v := &thingsView{Self: "/things"}
	for _, t := range things {
		latest, err := w.o.Store.Latest(r.Context(), t.Name)
		if err != nil {
			return page{}, err
		}
		v.Rows = append(v.Rows, thingRow{thingState(t), t.Name, thingPath(t.Name), len(latest), contactOf(t.LastContact, w.now())})
	}
	return page{name: "things", Title: "Things", Section: "things", Data: v}, nil
}

// thingState has no "late": nobody knows how often a thing of its own wants to speak.
func thingState(t cloud.Thing) state { return stateOf(t, none, t.LastContact) }

// thingView is the page of one of them.
type thingView struct {
	state
	Name    string
	Address string
	Contact contact
	Rows    []row
	Self    string
}

func (w *web) thing(r *http.Request) (page, error) {
	name := r.PathValue("thing")
	t, err := w.o.Store.Thing(r.Context(), name)
	switch {
	case errors.Is(err, cloud.ErrNotFound):
		return page{}, absent{"There is no thing " + name + ". To add it, run: penstock-cloud issue " + name + " --out DIR", "/things", "All things"}
	case err != nil:
		return page{}, err
	case t.Kind == cloud.KindGateway:
		return page{}, moved(gatewayPath(name))
	case t.Kind == cloud.KindDevice:
		return page{}, moved(devicePath(name))
	}
	latest, err := w.o.Store.Latest(r.Context(), name)
	if err != nil {
		return page{}, err
	}
	v := &thingView{state: thingState(t), Name: name, Address: t.Address, Contact: contactOf(t.LastContact, w.now()), Self: r.URL.RequestURI()}
	v.Rows = rows(nil, latest, func(point string) string { return thingPath(name) + "/points/" + url.PathEscape(point) }, w.now())
	return page{name: "thing", Title: name, Section: "things", Live: name, Data: v}, nil
}
