package rule

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	sql "github.com/penstock-edge/penstock/sync/rule"
	"github.com/penstock-edge/penstock/sync/wire"
)

// places is the table of points whose samples a rule is given.
type places struct {
	points []sql.Point
	of     map[string]map[string]int // thing, point -> place; -1: FROM does not take it
}

// maxPlaces is how many points a rule knows at once; then it begins anew, and loses nothing.
const maxPlaces = 500_000

// find gives the places of a block's points, nil when the rule wants none of them.
func (p *places) find(r *sql.Rule, thing string, names []string, units func(point string) string) []int {
	if len(p.points) > maxPlaces || p.of == nil {
		*p = places{of: map[string]map[string]int{}}
	}
	known := p.of[thing]
	if known == nil {
		known = map[string]int{}
		p.of[thing] = known
	}
	found, before, any := make([]int, len(names)), len(p.points), false
	for i, name := range names {
		place, ok := known[name]
		if !ok {
			place = -1
			if topic := pointTopic(thing, name); r.Statement().Matches(topic) {
				place = len(p.points)
				p.points = append(p.points, sql.Point{Topic: topic, Unit: units(name)})
			}
			known[name] = place
		}
		found[i], any = place, any || place >= 0
	}
	if len(p.points) > before {
		r.Bind(p.points)
	}
	if !any {
		return nil
	}
	return found
}

// forget has a thing's points looked up again: it says something else of them.
func (p *places) forget(thing string) {
	if p.of[thing] != nil {
		*p = places{}
	}
}

// births knows the units of gateways' points.
type births struct {
	store Store
	of    map[string]*birth
}

type birth struct {
	text    []byte
	checked time.Time
	units   map[string]string
}

// birthAge is how old a birth may be before it is looked at again.
const birthAge = 10 * time.Second

// units gives the units of a thing's points, and whether they are others than last time. Without a birth there are none.
func (b *births) units(ctx context.Context, thing string, now time.Time) (units map[string]string, changed bool) {
	known := b.of[thing]
	if known == nil {
		known = &birth{}
		b.of[thing] = known
	}
	if now.Sub(known.checked) < birthAge {
		return known.units, false
	}
	t, err := b.store.Thing(ctx, thing)
	if known.checked = now; err != nil || bytes.Equal(t.Birth, known.text) {
		return known.units, false
	}
	known.text = t.Birth
	var said wire.Birth
	if json.Unmarshal(t.Birth, &said) != nil {
		return known.units, false
	}
	known.units = map[string]string{}
	for _, d := range said.Devices {
		for _, p := range d.Points {
			if p.Unit != "" {
				known.units[d.Name+"."+p.Name] = p.Unit
			}
		}
	}
	return known.units, true
}
