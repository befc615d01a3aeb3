package api

import (
	"net/http"

	"github.com/penstock-edge/penstock/cloud"
	isa "github.com/penstock-edge/penstock/sync/alarm"
)

// Bounds of a page of a list.
const (
	pageUsual = 100
	pageMost  = 1000
)

// alarmQuery reads what both lists of alarms are asked by.
func (a *api) alarmQuery(r *http.Request) (q cloud.AlarmQuery, err error) {
	values := r.URL.Query()
	q = cloud.AlarmQuery{Thing: values.Get("gateway"), Name: values.Get("name")}
	if q.Thing != "" {
		if _, err := a.o.Store.Thing(r.Context(), q.Thing); err != nil {
			return q, err
		}
	}
	if q.Before, err = cloud.ParsePlace(values.Get("before")); err != nil {
		return q, invalid("before: %v", err)
	}
	switch q.View = cloud.AlarmView(values.Get("state")); q.View {
	case "":
		q.View = cloud.AlarmsActive
	case cloud.AlarmsActive, cloud.AlarmsHidden, cloud.AlarmsAll:
	default:
		return q, invalid("state is active, hidden or all, not %q", string(q.View))
	}
	q.Max, err = parseCount(values, "max", pageUsual, pageMost)
	return q, err
}

func (a *api) alarms(w http.ResponseWriter, r *http.Request) error {
	q, err := a.alarmQuery(r)
	if err != nil {
		return err
	}
	list, err := a.o.Store.Alarms(r.Context(), q)
	if err != nil {
		return err
	}
	if list == nil {
		list = []cloud.Alarm{} // no alarms is a list too
	}
	var next cloud.Place
	if len(list) == q.Max {
		next = list[len(list)-1].Place
	}
	reply(w, http.StatusOK, page{"alarms": list}.next(next.String()))
	return nil
}

func (a *api) alarmHistory(w http.ResponseWriter, r *http.Request) error {
	q, err := a.alarmQuery(r)
	if err != nil {
		return err
	}
	list, err := a.o.Store.AlarmHistory(r.Context(), q)
	if err != nil {
		return err
	}
	if list == nil {
		list = []cloud.AlarmRecord{}
	}
	var next cloud.Place
	if len(list) == q.Max {
		next = list[len(list)-1].Place
	}
	reply(w, http.StatusOK, page{"events": list}.next(next.String()))
	return nil
}

// page is a part of a list; with "next" the list goes on behind it.
type page map[string]any

func (p page) next(before string) page {
	if before != "" {
		p["next"] = before
	}
	return p
}

func (a *api) alarm(w http.ResponseWriter, r *http.Request) error {
	found, err := a.o.Store.Alarm(r.Context(), r.PathValue("thing"), r.PathValue("name"))
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, found)
	return nil
}

func (a *api) acknowledge(w http.ResponseWriter, r *http.Request) error {
	var ask struct {
		Comment string `json:"comment"`
	}
	if r.ContentLength != 0 {
		if err := read(w, r, &ask, `{"comment": "on my way"}`); err != nil {
			return err
		}
	}
	who := isa.Who{Name: a.o.Who(r), Comment: ask.Comment}
	found, err := a.o.Alarms.Acknowledge(r.Context(), r.PathValue("thing"), r.PathValue("name"), who, r.RemoteAddr)
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, found)
	return nil
}
