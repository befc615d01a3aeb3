package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/penstock-edge/penstock/cloud"
)

// fleetRows is how many gateways one page lists.
const fleetRows = 100

// fleetView is the page of all gateways.
type fleetView struct {
	Query, State    string
	Tiles           []tile
	Rows            []fleetRow
	Total, Points   int
	Rate            float64
	Sum             cloud.Standing // of the rows that are shown
	Overdue         int            // of these, gateways with blocks that nobody explains
	AllShown        bool
	Found           int
	Previous, Next  string
	Self            string // its own address, for the part that renews itself
	Filtered, Empty bool
}

// tile counts the gateways of a state, and shows only those when it is clicked.
type tile struct {
	state
	Count int
	Href  string
	On    bool
}

type fleetRow struct {
	state
	Name, Href, Site, Version string
	Points                    int
	Rate                      float64
	Delivery                  delivery
	Contact                   contact
}

func (w *web) fleet(r *http.Request) (page, error) {
	things, err := w.o.Store.Things(r.Context(), cloud.KindGateway)
	if err != nil {
		return page{}, err
	}
	q := r.URL.Query()
	v := &fleetView{Query: strings.TrimSpace(q.Get("q")), State: q.Get("state"), Total: len(things), Empty: len(things) == 0}
	v.Filtered = v.Query != "" || v.State != ""
	counts := map[string]int{}
	var found []fleetRow
	for _, t := range things {
		row := w.fleetRow(t)
		v.Points += row.Points
		v.Rate += row.Rate
		counts[row.Class]++
		if (v.State == "" || v.State == row.Class) && matches(v.Query, row.Name, row.Site) {
			found = append(found, row)
		}
	}
	v.tiles(counts)
	number, _ := strconv.Atoi(q.Get("page")) // anything else is the first
	v.cut(found, number)
	for i := range v.Rows {
		row := &v.Rows[i]
		if row.Delivery, _, err = w.account(r, row.Name, row.state); err != nil {
			return page{}, err
		}
		v.add(row.Delivery)
	}
	v.AllShown = len(v.Rows) == len(things)
	return page{name: "fleet", Title: "Fleet", Section: "fleet", Data: v}, nil
}

// add sums up what came of the rows.
func (v *fleetView) add(d delivery) {
	v.Sum.Waiting, v.Sum.LostSamples, v.Sum.Undeclared = v.Sum.Waiting+d.Waiting, v.Sum.LostSamples+d.Gone(), v.Sum.Undeclared+d.Undeclared
	if d.Verdict.Class == "bad" {
		v.Overdue++
	}
}

func (w *web) fleetRow(t cloud.Thing) fleetRow {
	birth, now := w.births.read(t), w.now()
	return fleetRow{state: stateOf(t, birth, now), Name: t.Name, Href: gatewayPath(t.Name), Site: birth.Site, Version: birth.Version,
		Points: birth.points, Rate: w.o.Rate(t.Name), Contact: contactOf(t.LastContact, now)}
}

func matches(query string, texts ...string) bool {
	for _, text := range texts {
		if strings.Contains(strings.ToLower(text), strings.ToLower(query)) {
			return true
		}
	}
	return false
}

func (v *fleetView) tiles(counts map[string]int) {
	all := state{Word: "all"}
	v.Tiles = []tile{{all, v.Total, v.href("", 0), v.State == ""}}
	for _, s := range []state{up, late, down, unknown} {
		v.Tiles = append(v.Tiles, tile{s, counts[s.Class], v.href(s.Class, 0), v.State == s.Class})
	}
}

// cut takes the rows of one page, counted from 0, out of those found.
func (v *fleetView) cut(found []fleetRow, number int) {
	v.Found = len(found)
	last := max(0, (len(found)-1)/fleetRows)
	number = min(max(number, 0), last)
	v.Rows = found[min(number*fleetRows, len(found)):min((number+1)*fleetRows, len(found))]
	v.Self = v.href(v.State, number)
	if number > 0 {
		v.Previous = v.href(v.State, number-1)
	}
	if number < last {
		v.Next = v.href(v.State, number+1)
	}
}

func (v *fleetView) href(state string, number int) string {
	q := url.Values{}
	for key, value := range map[string]string{"state": state, "q": v.Query} {
		if value != "" {
			q.Set(key, value)
		}
	}
	if number > 0 {
		q.Set("page", strconv.Itoa(number))
	}
	if len(q) == 0 {
		return "/"
	}
	return "/?" + q.Encode()
}
