package rule

import (
	"time"

	"github.com/penstock-edge/penstock/gateway/config"
)

// Swap puts another configuration's rules in the place of these, between two Puts. A rule that did not change goes on as if nothing had
// happened; one that changed begins anew; what waits to be done for one that changed or is gone is dropped. Samples that are Put afterwards
// have the new configuration's numbers. After an error the old rules go on.
func (e *Engine) Swap(cfg *config.Config) error {
	p, err := compile(cfg)
	if err != nil {
		return err
	}
	for _, name := range e.swap(p) {
		e.lanes.forget(name)
	}
	e.poke()
	return nil
}

// swap gives the names of the rules that did not stay.
func (e *Engine) swap(p *plan) (gone []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	old := e.plan
	e.plan = p
	e.adopt(p, old)
	for _, r := range old.rules {
		now := p.byName[r.cfg.Name]
		if now != nil && now.fingerprint == r.fingerprint {
			continue
		}
		gone = append(gone, r.cfg.Name)
		if now == nil {
			e.done = append(e.done, memoryKey+r.cfg.Name, windowKey+r.cfg.Name)
		}
	}
	kept := e.outbox[:0]
	for _, a := range e.outbox {
		if r := p.byName[a.Rule]; r != nil && r.fingerprint == a.of {
			kept = append(kept, a)
		}
	}
	clear(e.outbox[len(kept):])
	e.outbox = kept
	e.finished = true
	return gone
}

// adopt gives a new plan's rules their past: that of the old plan, where they have not changed. It holds e.mu, or nobody else knows e.
func (e *Engine) adopt(p, old *plan) {
	now := e.o.Now()
	e.read(p, old)
	for _, r := range p.rules {
		r.emit = e.emitter(r)
		var before *running
		if old != nil {
			before = old.byName[r.cfg.Name]
		}
		switch {
		case before == nil:
			r.restart(now, 0)
		case before.fingerprint != r.fingerprint:
			r.restart(now, before.N)
		default:
			r.continues(before)
		}
	}
	if old != nil {
		e.begin(p, now)
	}
}

// continues makes r the same rule as before, bound to other points' numbers.
func (r *running) continues(before *running) {
	r.memory, r.stats = before.memory, before.stats
	r.judged, r.fresh, r.fired, r.stale = before.judged, before.fresh, before.fired, true
	r.hop, r.ticked, r.storable, r.stored, r.storedN, r.timed, r.owed = before.hop, before.ticked, before.storable, before.stored, before.storedN, before.timed, before.owed
	if r.statement != nil {
		r.statement = before.statement
		r.statement.Bind(r.bound)
	}
}

// read fills in the points as they are known.
func (e *Engine) read(p, old *plan) {
	known := map[string]*watched{}
	if old != nil {
		for i := range old.watched[1:] {
			w := &old.watched[i+1]
			known[old.points[w.id].FullName()] = w
		}
	}
	for i := range p.watched[1:] {
		w := &p.watched[i+1]
		if before := known[p.points[w.id].FullName()]; before != nil && before.has {
			w.latest, w.has = before.latest, true
			w.latest.Point = w.id
		} else if s, ok := e.o.Latest(w.id); ok {
			w.latest, w.has = s, true
		}
	}
}

// begin asks the conditions of rules that are new: their points may not come again soon.
func (e *Engine) begin(p *plan, now time.Time) {
	e.cause = cause{now: now}
	for _, r := range p.rules {
		if r.fresh && r.statement == nil {
			e.take(r, r.judge(now))
			e.mind(r)
		}
	}
}
