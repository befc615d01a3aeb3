package rule

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/penstock-edge/penstock/gateway/config"
	sql "github.com/penstock-edge/penstock/sync/rule"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// plan is the rules of one configuration, compiled: which points they look at, and who looks at each. Swap puts another in its place.
type plan struct {
	gateway string
	exec    []string
	points  []config.Point
	ids     map[string]telemetry.PointID // of every point by name while the plan is made, then only of those in use
	used    map[string]telemetry.PointID

	slots   []uint32  // by PointID: a place in watched; 0 for a point that no rule asks for
	watched []watched // the first is nobody's
	rules   []*running
	byName  map[string]*running
}

// watched is a point that rules ask for.
type watched struct {
	id     telemetry.PointID
	latest telemetry.Sample
	has    bool
	by     []watcher // the rules that look when a sample of it comes, in the configuration's order
}

// watcher is a rule, and the point's place in what its statement was bound to.
type watcher struct {
	rule  *running
	place telemetry.PointID
}

// compile makes a plan. The configuration has been checked, so an error is about what that cannot see.
func compile(cfg *config.Config) (*plan, error) {
	p := &plan{
		gateway: cfg.Gateway.ID, exec: cfg.Exec, points: cfg.Points, byName: map[string]*running{},
		used: map[string]telemetry.PointID{}, watched: make([]watched, 1),
	}
	if len(cfg.Rules) == 0 {
		return p, nil
	}
	p.slots, p.ids = make([]uint32, len(cfg.Points)), make(map[string]telemetry.PointID, len(cfg.Points))
	for i := range cfg.Points {
		p.ids[cfg.Points[i].FullName()] = telemetry.PointID(i)
	}
	var errs []error
	for i := range cfg.Rules {
		r, err := p.rule(&cfg.Rules[i])
		if err != nil {
			errs = append(errs, fmt.Errorf("rule %s: %w", cfg.Rules[i].Name, err))
			continue
		}
		p.rules, p.byName[r.cfg.Name] = append(p.rules, r), r
	}
	p.ids = nil
	return p, errors.Join(errs...)
}

func (p *plan) rule(c *config.Rule) (r *running, err error) {
	r = &running{cfg: c, fingerprint: p.fingerprint(c)}
	ofRow := c.SQL != ""
	if ofRow {
		err = p.statement(r)
	} else {
		err = errors.Join(p.condition(r, c.When, &r.when, &r.whenReading), p.condition(r, c.Until, &r.until, &r.untilReading))
	}
	if err != nil {
		return nil, err
	}
	var doErr, endErr, onErr, offErr error
	r.do, doErr = p.acts(c.Do, ofRow)
	r.end, endErr = p.acts(c.End, ofRow)
	r.again = r.do
	if c.Alarm != nil {
		var on act
		on, onErr = p.tell(c.Alarm, true)
		r.off, offErr = p.tell(c.Alarm, false)
		r.do, r.end = append([]act{on}, r.do...), append([]act{r.off}, r.end...)
	}
	return r, errors.Join(doErr, endErr, onErr, offErr)
}

// condition compiles when or until, and has the rule look at its points.
func (p *plan) condition(r *running, src string, into **sql.Condition, read *reading) (err error) {
	if src == "" {
		return nil
	}
	if *into, err = sql.ParseCondition(src); err != nil {
		return err
	}
	names := (*into).Points()
	for _, name := range names {
		if id, ok := p.ids[name]; ok {
			p.look(r, id, 0)
		}
	}
	*read, err = p.reading(names)
	return err
}

// statement compiles sql and binds it to the points that its FROM takes, and to no others: a plant has many.
func (p *plan) statement(r *running) error {
	s, err := sql.Parse(r.cfg.SQL)
	if err != nil {
		return err
	}
	r.statement = sql.New(s, sql.Options{})
	for i := range p.points {
		topic := p.points[i].Device + "/" + p.points[i].Name
		if s.Matches(topic) {
			p.look(r, telemetry.PointID(i), telemetry.PointID(len(r.bound)))
			r.bound = append(r.bound, sql.Point{Topic: topic, Unit: p.points[i].Unit})
		}
	}
	r.statement.Bind(r.bound)
	return nil
}

func (p *plan) look(r *running, id, place telemetry.PointID) {
	w := &p.watched[p.watch(id)]
	if !slices.ContainsFunc(w.by, func(by watcher) bool { return by.rule == r }) {
		w.by = append(w.by, watcher{r, place})
	}
}

// watch gives a point its place in watched.
func (p *plan) watch(id telemetry.PointID) uint32 {
	if p.slots[id] == 0 {
		p.slots[id] = uint32(len(p.watched))
		p.watched = append(p.watched, watched{id: id})
	}
	return p.slots[id]
}

// reading reads points by their place in names.
func (p *plan) reading(names []string) (reading, error) {
	places := make([]uint32, len(names))
	for i, name := range names {
		id, ok := p.ids[name]
		if !ok {
			return nil, fmt.Errorf("there is no point %s", name)
		}
		places[i] = p.watch(id)
	}
	return func(i int) (telemetry.Value, telemetry.Quality) {
		w := &p.watched[places[i]]
		if !w.has {
			return telemetry.Value{}, telemetry.BadWaitingForData
		}
		return w.latest.Value, w.latest.Quality
	}, nil
}

// use is a point that an action is about.
func (p *plan) use(id telemetry.PointID) (*config.Point, error) {
	if int(id) >= len(p.points) {
		return nil, fmt.Errorf("there is no point %d", id)
	}
	p.used[p.points[id].FullName()] = id
	return &p.points[id], nil
}

// at is the point's entry, nil for one that no rule asks for.
func (p *plan) at(id telemetry.PointID) *watched {
	if int(id) >= len(p.slots) || p.slots[id] == 0 {
		return nil
	}
	return &p.watched[p.slots[id]]
}

// fingerprint tells whether a rule is still the same. Points count by their names: their numbers change when others come and go.
func (p *plan) fingerprint(c *config.Rule) uint64 {
	var names []string
	named := func(a config.Actions) config.Actions {
		a.Set, a.Write = slices.Clone(a.Set), slices.Clone(a.Write)
		for _, list := range [][]config.Assignment{a.Set, a.Write} {
			for i := range list {
				names = append(names, p.name(list[i].Point))
				list[i].Point = 0
			}
		}
		if a.Scan != nil {
			hurry := *a.Scan
			for _, id := range hurry.Points {
				names = append(names, p.name(id))
			}
			hurry.Points = nil
			a.Scan = &hurry
		}
		return a
	}
	same := *c
	same.Do, same.End = named(c.Do), named(c.End)
	text, err := json.Marshal(struct {
		Rule  config.Rule
		Names []string
	}{same, names})
	if err != nil {
		panic("BUG: a rule of the configuration is no JSON: " + err.Error())
	}
	h := fnv.New64a()
	h.Write(text) // a hash never refuses
	return h.Sum64()
}

func (p *plan) name(id telemetry.PointID) string {
	if int(id) >= len(p.points) {
		return ""
	}
	return p.points[id].FullName()
}
