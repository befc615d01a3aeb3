package web

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// row is a point and the latest that is known of it.
type row struct {
	Point, Name, Href     string
	Value, Label, Exact   string
	Unit, Where, Type     string
	Quality, QualityClass string // empty when good
	Writable              bool
	Enum                  string // JSON, for the script
	Draw                  string // line, steps or text
	At                    int64  // ms since 1970; 0: nothing has come
	Age                   string
	Every                 time.Duration // between two readings; 0: it sends by itself
	Range                 *wire.BirthRange
	value                 telemetry.Value
}

// How a point is drawn.
const (
	drawLine  = "line"
	drawSteps = "steps"
	drawText  = "text"
)

// rows joins the points that a birth names and those that have samples, by name. of makes a point's address.
func rows(names map[string]wire.BirthPoint, latest []cloud.PointState, of func(point string) string, now time.Time) []row {
	all := make(map[string]*row, len(names))
	for name, p := range names {
		all[name] = bornRow(name, p, of)
	}
	for _, s := range latest {
		r := all[s.Point]
		if r == nil {
			r = bornRow(s.Point, wire.BirthPoint{}, of)
			all[s.Point] = r
		}
		r.read(s, names[s.Point].Enum, now)
	}
	list := make([]row, 0, len(all))
	for _, r := range all {
		list = append(list, *r)
	}
	slices.SortFunc(list, func(a, b row) int { return cmp.Compare(a.Point, b.Point) })
	return list
}

func bornRow(name string, p wire.BirthPoint, of func(string) string) *row {
	r := &row{Point: name, Name: p.Name, Href: of(name), Value: "–", Unit: p.Unit, Where: p.Where, Type: p.Type,
		Writable: p.Access == "rw", Every: time.Duration(p.ScanMS) * time.Millisecond, Range: p.Range, Draw: drawLine}
	if r.Name == "" {
		r.Name = name
	}
	switch {
	case len(p.Enum) > 0:
		text, err := json.Marshal(p.Enum)
		if err != nil {
			panic("BUG: " + err.Error()) // strings by numbers
		}
		r.Enum, r.Draw = string(text), drawSteps
	case p.Type == "bool":
		r.Draw = drawSteps
	case p.Type == "string":
		r.Draw = drawText
	}
	return r
}

// read takes over the latest sample.
func (r *row) read(s cloud.PointState, enum map[int64]string, now time.Time) {
	r.value = s.Value
	r.Value, r.Label = reading(s.Value, enum)
	r.Exact = s.Value.String()
	at := time.Unix(0, s.Time)
	r.At, r.Age = at.UnixMilli(), age(now.Sub(at))
	switch {
	case s.Quality.IsUncertain():
		r.Quality, r.QualityClass = s.Quality.String(), "unc"
	case s.Quality.IsBad():
		r.Quality, r.QualityClass = s.Quality.String(), "bad"
	}
	if r.Type == "" && r.Draw == drawLine { // nobody said what it is: what came says it
		switch s.Value.Kind() {
		case telemetry.KindString:
			r.Draw = drawText
		case telemetry.KindBool:
			r.Draw = drawSteps
		}
	}
}

// device is a device behind a gateway, or what a gateway no longer names.
type device struct {
	Name, Connection, Kind string
	Tags                   []string
	Rows                   []row
	Count, NotGood         int
	Folded                 string // where its points are, when they are too many for the page
}

// devices groups a gateway's points. Points of devices that the birth does not name come last.
func devices(birth *wire.Birth, all []row) []device {
	list := make([]device, 0, len(birth.Devices)+1)
	place := map[string]int{}
	for _, d := range birth.Devices {
		place[d.Name] = len(list)
		list = append(list, device{Name: d.Name, Connection: d.Connection, Kind: d.Kind, Tags: tags(d.Tags)})
	}
	for _, r := range all {
		name, point, ok := strings.Cut(r.Point, ".")
		if !ok {
			name, point = "", r.Point
		}
		i, known := place[name]
		if !known {
			i = len(list)
			place[name] = i
			list = append(list, device{Name: name, Kind: "no longer configured"})
		}
		r.Name = point
		list[i].Rows = append(list[i].Rows, r)
		list[i].Count++
		if r.Quality != "" {
			list[i].NotGood++
		}
	}
	return list
}

func tags(m map[string]string) []string {
	list := make([]string, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		list = append(list, key+": "+m[key])
	}
	return list
}
