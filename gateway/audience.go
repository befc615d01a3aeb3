package gateway

import (
	"slices"
	"strings"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/sync/rule"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// audience knows which targets are told of what. What all are told of is for everybody, those who come later too: their filters are asked then.
type audience struct {
	cfg *config.Config
	ids map[string]telemetry.PointID
}

func newAudience(cfg *config.Config) *audience {
	a := &audience{cfg: cfg, ids: map[string]telemetry.PointID{}}
	for i := range cfg.Points {
		a.ids[cfg.Points[i].FullName()] = telemetry.PointID(i)
	}
	return a
}

// those are the targets for which it holds. Without any target everything is kept, for one that may come.
func (a *audience) those(holds func(*config.Target) bool) (to buffer.Audience, anyone bool) {
	everybody := true
	for i := range a.cfg.Cloud {
		if holds(&a.cfg.Cloud[i]) {
			to |= 1 << i
		} else {
			everybody = false
		}
	}
	if everybody {
		return 0, true
	}
	return to, to != 0
}

// point says who is told of a point; anyone is false when nobody is.
func (a *audience) point(id telemetry.PointID) (to buffer.Audience, anyone bool) {
	return a.those(func(t *config.Target) bool { return t.Takes(id) })
}

// name is point for the name of one that may not be there any more.
func (a *audience) name(point string) (to buffer.Audience, anyone bool) {
	return a.those(func(t *config.Target) bool { return a.takes(t, point) })
}

// alarm says who is told of an alarm: those who are told of every point that its rule looks at or speaks of. Where that cannot be said, it is those
// who are told of everything.
func (a *audience) alarm(e wire.AlarmEvent) (to buffer.Audience, anyone bool) {
	return a.those(func(t *config.Target) bool { return a.hears(t, e) })
}

// hears reports whether a target is told of an alarm.
func (a *audience) hears(t *config.Target, e wire.AlarmEvent) bool {
	if t.TakesAll() {
		return true
	}
	for i := range a.cfg.Rules {
		if r := &a.cfg.Rules[i]; r.Name == e.Alarm {
			points, known := pointsOf(r)
			return known && !slices.ContainsFunc(points, func(name string) bool { return !a.takes(t, name) })
		}
	}
	_, device, _ := strings.Cut(e.Thing, ":") // the rule is gone
	for i := range a.cfg.Points {
		if device != "" && a.cfg.Points[i].Device == device {
			return t.Takes(telemetry.PointID(i))
		}
	}
	return false
}

// takes reports whether a target is told of a point. Of one that is not there any more only those are that are told of everything.
func (a *audience) takes(t *config.Target, point string) bool {
	id, there := a.ids[point]
	return t.TakesAll() || there && t.Takes(id)
}

// pointsOf are the points that a rule looks at and its alarm speaks of; known is false when that cannot be said.
func pointsOf(r *config.Rule) (points []string, known bool) {
	for _, src := range []string{r.When, r.Until} {
		if src == "" {
			continue
		}
		c, err := rule.ParseCondition(src)
		if err != nil {
			return nil, false
		}
		points = append(points, c.Points()...)
	}
	if r.Alarm != nil {
		t, err := rule.ParsePointTemplate(r.Alarm.Text)
		if err != nil {
			return nil, false
		}
		points = append(points, t.Points()...)
	}
	return points, true
}
