package shadow

import (
	"context"

	doc "github.com/penstock-edge/penstock/sync/shadow"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// ownKey and refusedKey say where in a document's reported state it stands why something desired is not done:
// {"penstock": {"refused": {"speed": {"code": ..., "message": ..., "value": ...}}}}.
const (
	ownKey     = "penstock"
	refusedKey = "refused"
)

// news is what came of an order, for the document that desired it.
type news struct {
	read  telemetry.Value // what the point reads; none: unknown
	why   doc.Object      // why it was not done
	clear bool            // there is no reason any more
}

func newsOf(o Order, r Result) news {
	switch {
	case !r.Done:
		value, _ := asJSON(o.Value)
		return news{why: doc.Object{"code": r.Code, "message": r.Reason, "value": value}}
	case r.Repeated: // what the point read then, it may no longer
		return news{clear: true}
	}
	return news{read: r.Value, clear: true}
}

// tell has news reported at once.
func (m *Mirror) tell(ctx context.Context, s site, n news) error {
	defer m.locks.lock(s.id)()
	now, err := m.store.Load(ctx, s.id)
	if err != nil {
		return err
	}
	report := map[string]any{}
	if v, ok := asReported(now.State(), s.name, n.read); ok {
		m.reports.said(s, n.read)
		if !doc.Equal(now.State().Reported[s.name], v) {
			report[s.name] = v
		}
	}
	before := told(now, s.name)
	switch {
	case n.clear && before != nil && len(reasons(now)) == 1:
		report[ownKey] = nil
	case n.clear && before != nil:
		report[ownKey] = doc.Object{refusedKey: doc.Object{s.name: nil}}
	case n.why != nil && !doc.Equal(before, n.why):
		report[ownKey] = doc.Object{refusedKey: doc.Object{s.name: n.why}}
	}
	if len(report) == 0 {
		return nil
	}
	return m.write(ctx, s.id, map[string]any{"reported": report})
}

// told is the reason that a document gives for a point; nil for none.
func told(d doc.Document, name string) any { return reasons(d)[name] }

func reasons(d doc.Document) doc.Object {
	own, _ := d.State().Reported[ownKey].(doc.Object)
	r, _ := own[refusedKey].(doc.Object)
	return r
}

// said notes that a value was reported beside the readings, so that an older reading that waits does not undo it.
func (r *reports) said(s site, v telemetry.Value) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last[s.point] = v
	delete(r.waiting[s.id], s.name)
}
