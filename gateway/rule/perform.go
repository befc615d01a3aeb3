package rule

import (
	"context"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Bounds of doing.
const (
	writeLimit = 2 * time.Minute // an order and what comes of it
	tooOld     = time.Minute     // a program that should have run longer ago than this is not run any more
)

// perform does an action. It is taken off the shelf unless ctx has ended before it was done.
func (e *Engine) perform(ctx context.Context, a *action) {
	if !e.stands(a) {
		e.drop(a)
		return
	}
	var err error
	switch a.Kind {
	case kindSet:
		e.set(a)
		return
	case kindWrite:
		err = e.write(ctx, a)
	case kindPublish:
		if err = e.hands.Publish(ctx, a.Topic, a.Payload); err != nil {
			err = fmt.Errorf("publish on %s: %w", a.Topic, err)
		}
	case kindScan:
		e.scan(a)
	case kindExec:
		err = e.exec(ctx, a)
	case kindAlarm:
		e.hands.Alarm(Alarm{Rule: a.Rule, On: a.On, Text: a.Text, At: a.At, Occasion: a.N})
	}
	if err != nil && ctx.Err() != nil {
		return // it comes again with the next run
	}
	e.finish(a, err)
}

// stands: the rule that decided on it is still what it was.
func (e *Engine) stands(a *action) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.plan.byName[a.Rule]
	return r != nil && r.fingerprint == a.of
}

// finish takes an action off the shelf, soon where doing it again would be noticed.
func (e *Engine) finish(a *action, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.off(a)
	if err != nil {
		if r := e.plan.byName[a.Rule]; r != nil {
			e.complain(r, e.o.Now(), err)
		}
	}
	if a.Kind == kindPublish || a.Kind == kindExec {
		e.finished = true
		e.poke()
	}
}

// off has the action removed from the shelf with whatever is stored next. It holds e.mu.
func (e *Engine) off(a *action) {
	e.done = append(e.done, actionsKey+a.Key)
	if e.flushAt.IsZero() {
		e.flushAt = e.o.Now().Add(e.o.Flush)
		if e.flushAt.Before(e.armed) {
			e.poke()
		}
	}
}

// drop is an action that won't be done.
func (e *Engine) drop(a *action) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.off(a)
	if r := e.plan.byName[a.Rule]; r != nil {
		r.stats.dropped++
	}
}

// id is a point of the plan by its name: numbers change with the configuration.
func (e *Engine) id(point string) (telemetry.PointID, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	id, ok := e.plan.used[point]
	return id, ok
}

// set gives a virtual point its value. It counts as done once its sample has come in, in the same moment in which other rules see it: so
// the shelf never holds what they did about it together with the set.
func (e *Engine) set(a *action) {
	e.setting.Lock()
	defer e.setting.Unlock()
	id, ok := e.id(a.Point)
	if !ok {
		e.drop(a)
		return
	}
	e.mu.Lock()
	e.settled, e.settledAt = a, id
	e.values[a.Point] = a.Value
	e.mu.Unlock()
	e.hands.Set([]telemetry.Sample{a.Value.sample(id)})
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.settled != nil {
		e.settled = nil
		e.off(a)
	}
}

// arrived says how many sets led to a sample. It holds e.mu.
func (e *Engine) arrived(s telemetry.Sample) uint8 {
	a := e.settled
	if a == nil || s.Point != e.settledAt {
		return 0
	}
	e.settled = nil
	e.off(a)
	return a.Hop + 1
}

func (e *Engine) write(ctx context.Context, a *action) error {
	id, ok := e.id(a.Point)
	if !ok {
		return fmt.Errorf("write %s: there is no such point any more", a.Point)
	}
	ctx, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	err := e.hands.Write(ctx, Order{Point: id, Value: a.Value.sample(id).Value, Rule: a.Rule, Key: a.Key, At: a.At})
	if err != nil {
		return fmt.Errorf("write %s: %w", a.Point, err)
	}
	return nil
}

// scan reads faster for what is left of its time.
func (e *Engine) scan(a *action) {
	left := a.For - e.o.Now().Sub(a.At)
	var ids []telemetry.PointID
	for _, name := range a.Points {
		if id, ok := e.id(name); ok {
			ids = append(ids, id)
		}
	}
	if left > 0 && len(ids) > 0 {
		e.hands.Hurry(ids, a.Scan, left)
	}
}
