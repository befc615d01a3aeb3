package command

import (
	"errors"
	"time"

	"github.com/penstock-edge/penstock/sync/audit"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// settle keeps what came of an order, with the line that tells it, in one transaction. When the disk refuses, what was done to equipment is
// true all the same and is written with the next that the disk takes; a refusal is then about the moment, because the order may come again.
func (d *Desk) settle(r record, result Result) Result {
	r = r.with(result, d.o.Now())
	keep := func(p *page) error {
		if err := p.audit(r.entry(audit.Outcome(r.State), r.At)); err != nil {
			return err
		}
		if !result.kept() {
			return p.shelf.Delete("open/" + r.id())
		}
		return p.closed(r.id(), r)
	}
	d.tell(r)
	err := d.log.commit(keep)
	switch {
	case err == nil:
		return result
	case r.State == Refused:
		return refuse(NoStore, "%s; and this is not on disk: %v", r.Reason, err).result()
	}
	d.o.Log.Error("what came of an order is not on disk yet: make room on the disk of the state folder", "point", r.Point, "who", r.Who, "state", r.State, "err", err)
	d.hold(r.id())
	d.log.later(keep, func() { d.release(r.id()) })
	result.Unsaved = true
	return result
}

// turnAway puts a refusal on record under which no key is kept.
func (d *Desk) turnAway(o Order, err error) Result {
	result := asRefusal(err).result()
	r := recordOf(o, false).with(result, d.o.Now())
	if err := d.log.Append(r.entry(audit.Refused, r.At)); err != nil {
		d.o.Log.Error("a refusal is not in the audit log: make room on the disk of the state folder", "point", clip(o.Point), "who", clip(o.Who), "err", err)
	}
	d.tell(r)
	return result
}

// tell counts a result and logs what was done to equipment.
func (d *Desk) tell(r record) {
	d.mu.Lock()
	d.stats.count(r.State, r.Code)
	d.mu.Unlock()
	log := d.o.Log.With("point", clip(r.Point), "value", clip(r.Print), "who", clip(r.Who), "channel", r.Channel)
	switch r.State {
	case Done:
		log.Info("point written", "reads", clip(r.Reads.Short()))
	case Failed:
		log.Error("point not written as asked: look at the equipment", "code", r.Code, "why", r.Reason)
	default:
		log.Debug("write refused", "code", r.Code, "why", r.Reason)
	}
}

// entry is the audit log's line about an order.
func (r record) entry(outcome audit.Outcome, at time.Time) audit.Entry {
	e := audit.Entry{
		Time: at.UTC(), Who: r.Who, From: r.From, Action: "point.write", Object: r.Point, Outcome: outcome, Reason: r.Reason, Trace: r.Key,
		Details: map[string]string{"channel": string(r.Channel), "value": r.Print},
	}
	if r.Code != "" {
		e.Details["code"] = string(r.Code)
	}
	if r.Time != 0 {
		e.Details["reads"] = reading(r.Reads, r.Quality)
	}
	return e
}

// reading is a sample for a person.
func reading(v telemetry.Value, q telemetry.Quality) string {
	if q.IsBad() || v.IsNone() {
		return q.String()
	}
	return clip(v.Short())
}

// asRefusal is the refusal that an error is; another error is one of the request.
func asRefusal(err error) *Refusal {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r
	}
	return refuse(BadRequest, "%v", err)
}
