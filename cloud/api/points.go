package api

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// point is what is known of a point: what its gateway says it is, and its latest sample; time is null while there is none.
type point struct {
	Point   string           `json:"point"`
	Device  string           `json:"device,omitempty"`
	Name    string           `json:"name"`
	Time    *time.Time       `json:"time"`
	Value   telemetry.Value  `json:"value"`
	Quality string           `json:"quality,omitempty"`
	Unit    string           `json:"unit,omitempty"`
	Type    string           `json:"type,omitempty"`
	Access  string           `json:"access,omitempty"`
	Where   string           `json:"where,omitempty"`
	Enum    map[int64]string `json:"enum,omitempty"`
	Range   *wire.BirthRange `json:"range,omitempty"`
}

func (a *api) points(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("thing")
	t, err := a.o.Store.Thing(r.Context(), name)
	if err != nil {
		return err
	}
	latest, err := a.o.Store.Latest(r.Context(), name)
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, map[string]any{"thing": name, "points": join(born(t), latest)})
	return nil
}

// born are the points of a thing's birth, by name.
func born(t cloud.Thing) map[string]point {
	points := map[string]point{}
	birth := birthOf(t)
	if birth == nil {
		return points
	}
	for _, d := range birth.Devices {
		for _, p := range d.Points {
			name := d.Name + "." + p.Name
			points[name] = point{Point: name, Device: d.Name, Name: p.Name, Unit: p.Unit, Type: p.Type, Access: p.Access, Where: p.Where, Enum: p.Enum, Range: p.Range}
		}
	}
	return points
}

// join puts what is known of points and their latest samples into one list, by name.
func join(points map[string]point, latest []cloud.PointState) []point {
	for _, s := range latest {
		p, known := points[s.Point]
		if !known {
			p = point{Point: s.Point, Name: s.Point}
			if device, name, ok := strings.Cut(s.Point, "."); ok {
				p.Device, p.Name = device, name
			}
		}
		at := time.Unix(0, s.Time).UTC()
		p.Time, p.Value, p.Quality = &at, s.Value, s.Quality.String()
		points[s.Point] = p
	}
	list := make([]point, 0, len(points))
	for _, p := range points {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b point) int { return cmp.Compare(a.Point, b.Point) })
	return list
}
