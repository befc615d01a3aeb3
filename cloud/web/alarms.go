package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	isa "github.com/penstock-edge/penstock/sync/alarm"
)

// alarmRows is how many alarms and how many events one page lists.
const alarmRows = 200

// alarmsView is the page of all alarms: what an operator has to see, what is hidden, what happened last.
type alarmsView struct {
	Active, Hidden []alarmRow
	Events         []eventRow
	More           string // the address of what happened before
	Older          bool   // the page is of the past
	Waiting        int
	Self           string
}

type alarmRow struct {
	Name, Thing, Href, Text, Severity string
	Sign, Class, State                string
	At                                int64 // since when
	Time                              string
	By                                string // who acknowledged
	Told                              bool   // acknowledged here, and the gateway has not shown that it knows
	Action                            string // where to acknowledge; empty: nothing is asked
	Own                               bool
}

type eventRow struct {
	At                                                int64
	Time, Name, Thing, Href, Kind, Severity, Text, By string
	Merged                                            uint64
}

func (w *web) alarms(r *http.Request) (page, error) {
	v := &alarmsView{Self: r.URL.RequestURI()}
	q := cloud.AlarmQuery{Max: alarmRows}
	before, err := cloud.ParsePlace(r.URL.Query().Get("before"))
	if err != nil {
		return page{}, absent{"There is no such place in the history of alarms.", "/alarms", "All alarms"}
	}
	v.Older = before != cloud.Place{}
	if !v.Older {
		if err := w.standing(r, v); err != nil {
			return page{}, err
		}
	}
	q.Before = before
	events, err := w.o.Store.AlarmHistory(r.Context(), q)
	if err != nil {
		return page{}, err
	}
	for _, e := range events {
		v.Events = append(v.Events, eventRow{e.Time.UnixMilli(), utc(e.Time), e.Alarm, e.Thing, thingHref(e.Thing), e.Kind, e.Severity, e.Text, e.Who.Name, e.Merged})
	}
	if len(events) == alarmRows {
		v.More = "/alarms?before=" + url.QueryEscape(events[len(events)-1].Place.String())
	}
	return page{name: "alarms", Title: "Alarms", Section: "alarms", Data: v}, nil
}

// standing fills in what is not normal now.
func (w *web) standing(r *http.Request, v *alarmsView) error {
	for view, into := range map[cloud.AlarmView]*[]alarmRow{cloud.AlarmsActive: &v.Active, cloud.AlarmsHidden: &v.Hidden} {
		list, err := w.o.Store.Alarms(r.Context(), cloud.AlarmQuery{View: view, Max: alarmRows})
		if err != nil {
			return err
		}
		for i := range list {
			row := alarmRowOf(&list[i])
			if row.Action != "" {
				v.Waiting++
			}
			*into = append(*into, row)
		}
	}
	return nil
}

func alarmRowOf(a *cloud.Alarm) alarmRow {
	row := alarmRow{Name: a.Name, Thing: a.Thing, Href: thingHref(a.Thing), Text: a.Text, State: string(a.State), Sign: "◌", Class: "unk", Own: a.Own}
	if a.Severity > 0 {
		row.Severity = a.Severity.String()
	}
	since := a.Since
	if since.IsZero() {
		since = a.Changed
	}
	row.At, row.Time = since.UnixMilli(), utc(since)
	switch {
	case a.Pending != nil:
		row.Sign, row.Class, row.By, row.Told = "△", "late", a.Pending.Who.Name, true
	case a.Waits():
		row.Sign, row.Class = "▲", "bad"
		row.Action = "/alarms/" + url.PathEscape(a.Gateway) + "/" + url.PathEscape(a.Name) + "/acknowledge"
	case a.State == isa.Acknowledged:
		row.Sign, row.Class = "△", "late"
	}
	if a.Acknowledged != nil {
		row.By = a.Acknowledged.Who.Name
	}
	if !a.Until.IsZero() {
		row.State += " until " + a.Until.UTC().Format(time.DateTime)
	}
	return row
}

// thingHref is where a thing that an alarm is about is shown.
func thingHref(name string) string {
	if strings.Contains(name, ":") {
		return devicePath(name)
	}
	return gatewayPath(name)
}
