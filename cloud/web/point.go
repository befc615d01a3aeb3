package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

const (
	tableRows  = 48  // stretches that the table form of a chart has
	changeRows = 200 // changes of a text that a page lists
)

// pointView is the page of a point: its value, and its history as a chart, a table or, for texts, a list of changes.
type pointView struct {
	row
	Thing, ThingHref string
	Gateway          bool
	Device           string
	State            state
	Window           window
	Spans            []spanLink
	FromField        string // for the date fields, UTC
	ToField          string
	Samples, CSV     string // the API's addresses
	TableHref        string
	ChartHref        string
	Table            []tableRow
	AsTable          bool
	Changes          []change
	MoreChanges      int
	Set              *setting // nil: nobody may set it from here
	Self             string
}

type spanLink struct {
	span
	Href string
	On   bool
}

func (w *web) point(r *http.Request) (page, error) {
	thing, name := r.PathValue("thing"), r.PathValue("p")
	t, err := w.o.Store.Thing(r.Context(), thing)
	if errors.Is(err, cloud.ErrNotFound) {
		return page{}, absent{"There is no gateway or thing " + thing + ".", "/", "All gateways"}
	} else if err != nil {
		return page{}, err
	}
	v := &pointView{Thing: thing, ThingHref: thingPath(thing), Gateway: t.Kind == cloud.KindGateway, State: thingState(t), Self: r.URL.RequestURI()}
	api, section := "/api/v1/things/"+url.PathEscape(thing), "things"
	birth := none
	if v.Gateway {
		birth = w.births.read(t)
		v.ThingHref, api, section = gatewayPath(thing), "/api/v1/gateways/"+url.PathEscape(thing), "fleet"
		v.State = stateOf(t, birth, w.now())
		v.Device, _, _ = strings.Cut(name, ".")
	}
	if v.row, err = w.pointRow(r.Context(), v, birth, name); err != nil {
		return page{}, err
	}
	_, key, _ := strings.Cut(name, ".")
	if v.Set, err = w.setting(r.Context(), v, birth.named[name], key, r.URL.Query().Get("told")); err != nil {
		return page{}, err
	}
	v.Samples = api + "/points/" + url.PathEscape(name) + "/samples"
	v.ask(r.URL.Query(), w)
	if err := w.history(r.Context(), v, birth.named[name].Enum); err != nil {
		return page{}, err
	}
	return page{name: "point", Title: name, Section: section, Live: thing, Data: v}, nil
}

// pointRow is the point as the birth and its latest sample have it.
func (w *web) pointRow(ctx context.Context, v *pointView, birth *born, name string) (row, error) {
	latest, err := w.o.Store.Latest(ctx, v.Thing)
	if err != nil {
		return row{}, err
	}
	named := map[string]wire.BirthPoint{}
	if p, ok := birth.named[name]; ok {
		named[name] = p
	}
	var own []cloud.PointState
	for _, s := range latest {
		if s.Point == name {
			own = append(own, s)
		}
	}
	of := func(point string) string { return v.ThingHref + "/points/" + url.PathEscape(point) }
	list := rows(named, own, of, w.now())
	if len(list) == 0 {
		return row{}, absent{v.Thing + " has no point " + name + ", and never had a sample of one.", v.ThingHref, "The points of " + v.Thing}
	}
	return list[0], nil
}

// ask takes over what the address asks to see.
func (v *pointView) ask(q url.Values, w *web) {
	v.Window = windowOf(q, w.now())
	v.AsTable = q.Get("view") == "table"
	for _, s := range spans {
		v.Spans = append(v.Spans, spanLink{s, "?range=" + s.Key, s.Key == v.Window.Key})
	}
	const field = "2006-01-02T15:04"
	v.FromField, v.ToField = v.Window.From.UTC().Format(field), v.Window.To.UTC().Format(field)
	stretch := url.Values{"from": {v.Window.From.UTC().Format("2006-01-02T15:04:05.000Z")}, "to": {v.Window.To.UTC().Format("2006-01-02T15:04:05.000Z")}}
	v.CSV = v.Samples + "?format=csv&" + stretch.Encode()
	if v.Window.Key != "custom" {
		stretch = url.Values{"range": {v.Window.Key}}
	}
	v.ChartHref = "?" + stretch.Encode()
	v.TableHref = v.ChartHref + "&view=table"
}

// history reads what the page shows without a script.
func (w *web) history(ctx context.Context, v *pointView, enum map[int64]string) error {
	q := cloud.Query{Thing: v.Thing, Point: v.Point, From: v.Window.From.UnixNano(), To: v.Window.To.UnixNano()}
	switch {
	case v.Draw == drawText || v.AsTable && v.Draw == drawSteps:
		return w.changes(ctx, v, q, enum)
	case v.AsTable:
		buckets, err := cloud.Buckets(ctx, w.o.Store, q, tableRows)
		if err != nil {
			return err
		}
		v.Table = table(buckets)
	}
	return nil
}

// change is a moment at which a point's value or quality became another.
type change struct {
	At                    int64
	Time                  string
	Value, Label, Quality string
}

// changes keeps the last changes of a point.
func (w *web) changes(ctx context.Context, v *pointView, q cloud.Query, enum map[int64]string) error {
	var last telemetry.Sample
	first := true
	err := w.o.Store.Range(ctx, q, func(s telemetry.Sample) bool {
		if !first && s.Same(last) {
			return true
		}
		first, last = false, s
		if v.Changes = append(v.Changes, changeOf(s, enum)); len(v.Changes) >= 2*changeRows {
			v.MoreChanges += len(v.Changes) - changeRows
			v.Changes = append(v.Changes[:0], v.Changes[len(v.Changes)-changeRows:]...)
		}
		return true
	})
	if n := len(v.Changes) - changeRows; n > 0 {
		v.MoreChanges += n
		v.Changes = v.Changes[n:]
	}
	for i, j := 0, len(v.Changes)-1; i < j; i, j = i+1, j-1 { // newest first
		v.Changes[i], v.Changes[j] = v.Changes[j], v.Changes[i]
	}
	return err
}
