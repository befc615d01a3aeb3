package modbus

import (
	"fmt"
	"slices"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// Plan is the requests by which the points would be read, knowing what the lesson says.
func (d *Device) Plan(points []adapters.Point, lesson []byte) (out adapters.Plan, err error) {
	k := newKnowledge(d.connection.startingPrice())
	if lesson != nil {
		if err := k.recall(lesson, time.Now()); err != nil {
			return out, err
		}
	}
	_, places, _, absent, err := placed(points, k.sun.resolve)
	if err != nil {
		return out, err
	}
	for _, i := range absent {
		out.Missing = append(out.Missing, points[i].Name)
	}
	spans, missing := k.plan(d, places)
	for _, s := range spans {
		out.Requests = append(out.Requests, k.request(s, points))
	}
	for _, m := range missing {
		out.Missing = append(out.Missing, m.names(points)...)
	}
	if lesson != nil {
		out.Facts = k.facts(d)
	}
	return out, nil
}

func (s span) names(points []adapters.Point) (names []string) {
	for _, p := range s.places {
		if p.index < len(points) {
			names = append(names, points[p.index].Name)
		}
	}
	return names
}

func (k *knowledge) request(s span, points []adapters.Point) adapters.Request {
	what := "register"
	if s.table.bits() {
		what = "bit"
	}
	count := s.end - s.start
	if count != 1 {
		what += "s"
	}
	r := adapters.Request{What: fmt.Sprintf("%s, %d %s", s.where(s.table), count, what), Points: s.names(points)}
	for _, between := range s.gaps() {
		r.Unasked += between.end - between.start
	}
	seconds := k.price.fixed + k.price.each*float64(s.registers())
	r.Takes = time.Duration(seconds * float64(time.Second)).Round(10 * time.Microsecond)
	return r
}

// where is hr:100..141.
func (s stretch) where(t Table) string {
	at := Address{Table: t, Number: uint16(s.start)}.String()
	if s.end-s.start == 1 {
		return at
	}
	return fmt.Sprintf("%s..%d", at, s.end-1)
}

// facts are what was learned, as sentences.
func (k *knowledge) facts(d *Device) (facts []string) {
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)).Round(time.Microsecond) }
	facts = append(facts, fmt.Sprintf("a request takes %v and %v for each register: reading over up to %d registers is cheaper than a request more",
		seconds(k.price.fixed), seconds(k.price.each), k.price.gap()))
	if len(k.sun.models) > 0 {
		facts = append(facts, fmt.Sprintf("its SunSpec models are %v, the first at hr:%d", ids(k.sun.models), k.sun.models[0].At))
	}
	for _, t := range []Table{Holding, Input, Coil, Discrete} {
		c := k.charts[t]
		switch {
		case c.tooLong > c.longest+1:
			facts = append(facts, fmt.Sprintf("one request for %ss may ask for %d at least, and not for %d", t, c.longest, c.tooLong))
		case c.tooLong > 0:
			facts = append(facts, fmt.Sprintf("one request for %ss may ask for %d at most", t, c.longest))
		}
		var refused []stretch
		for _, r := range c.refused {
			refused = append(refused, r.stretch)
		}
		slices.SortFunc(refused, func(a, b stretch) int { return a.start - b.start })
		for _, s := range refused {
			facts = append(facts, fmt.Sprintf("it does not have %s", s.where(t)))
		}
	}
	return facts
}

var _ adapters.Planner = (*Device)(nil)
