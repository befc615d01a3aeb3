package shadow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"

	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// queue is the shadows that may differ from the cloud's.
type queue struct {
	wake chan struct{} // one token: there are some

	mu    sync.Mutex
	dirty []doc.ID
}

func newQueue() queue { return queue{wake: make(chan struct{}, 1)} }

func (q *queue) add(ids ...doc.ID) {
	q.mu.Lock()
	for _, id := range ids {
		if !slices.Contains(q.dirty, id) {
			q.dirty = append(q.dirty, id)
		}
	}
	some := len(q.dirty) > 0
	q.mu.Unlock()
	if some {
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
}

func (q *queue) next() (id doc.ID, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.dirty) == 0 {
		return id, false
	}
	id, q.dirty = q.dirty[0], q.dirty[1:]
	return id, true
}

// Connected has every shadow synced, for nobody knows what changed meanwhile. ctx ends with the connection; until the next one nothing is
// asked of the cloud.
func (m *Mirror) Connected(ctx context.Context) {
	m.talk.begin(ctx)
	ids, err := m.store.ids()
	if err != nil {
		m.o.Log.Error("the shadows cannot be listed", "err", err)
	}
	for _, thing := range m.plan.things {
		ids = append(ids, doc.ID{Thing: thing})
	}
	m.queue.add(ids...)
}

// syncAll syncs what is in the queue until ctx ends, one shadow after the other.
func (m *Mirror) syncAll(ctx context.Context) error {
	if m.o.Publish == nil {
		<-ctx.Done()
		return nil
	}
	tries := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-m.queue.wake:
		}
		if !pause(ctx, m.o.Sync.Every) {
			return nil
		}
		for m.talk.on() {
			id, ok := m.queue.next()
			if !ok {
				break
			}
			err := m.sync(ctx, id)
			if ctx.Err() != nil {
				return nil
			}
			if err == nil {
				tries = 0
				continue
			}
			if errors.Is(err, errCut) {
				m.queue.add(id)
				break
			}
			if tries == 0 {
				m.o.Log.Warn("a shadow is not one with the cloud's yet", "shadow", id.String(), "err", err)
			}
			m.queue.add(id)
			if !pause(ctx, doc.Backoff(tries, rand.Float64())) {
				return nil
			}
			tries++
		}
	}
}

// maxRounds is how often a sync starts again because somebody was quicker, before it waits.
const maxRounds = 10

// sync makes the local and the cloud's document one.
func (m *Mirror) sync(ctx context.Context, id doc.ID) error {
	for range maxRounds {
		again, err := m.round(ctx, id)
		if err != nil || !again {
			return err
		}
	}
	return errors.New("it changes faster than it can be synced")
}

// errMoved: the local document is another than the plan was made for.
var errMoved = errors.New("the shadow has changed meanwhile")

// round plans once and carries the plan out; again is true when somebody was quicker.
func (m *Mirror) round(ctx context.Context, id doc.ID) (again bool, err error) {
	local, err := m.store.load(id)
	if err != nil {
		return false, err
	}
	cloud, settings, err := m.fetch(ctx, id)
	if err != nil {
		return false, err
	}
	plan := m.o.Sync.Direction.Merge(local.base, local.doc, cloud)
	if plan.ToCloud == nil && plan.ToLocal == nil && local.upToDate(cloud) && !local.wishes.merge(local.doc, settings) {
		return false, nil
	}
	var sent uint64
	if plan.ToCloud != nil {
		if sent, again, err = m.send(ctx, id, local.doc, plan); again || err != nil {
			return again, err
		}
	}
	unlock := m.locks.lock(id)
	_, err = m.store.change(id, func(p *pair) error {
		if p.doc.Version() != local.doc.Version() || p.doc.Exists() != local.doc.Exists() {
			return errMoved
		}
		if plan.ToLocal != nil {
			if err := m.apply(id, &p.doc, *plan.ToLocal); err != nil {
				return err
			}
		}
		p.wishes.merge(p.doc, settings)
		p.base = plan.Done(p.doc.Version(), sent)
		return nil
	})
	unlock()
	if errors.Is(err, errMoved) {
		return true, nil
	}
	if err == nil {
		m.desired(id)
	}
	return false, err
}

// upToDate: the base is of these very versions, so there is nothing to note.
func (p pair) upToDate(cloud doc.Document) bool {
	if !p.doc.Exists() && !cloud.Exists() {
		return !p.base.Synced()
	}
	return p.base.Sent == nil && p.base.LocalVersion == p.doc.Version() && p.base.CloudVersion == cloud.Version()
}

// fetch reads the cloud's document, and when each of its desired values was set.
func (m *Mirror) fetch(ctx context.Context, id doc.ID) (d doc.Document, settings map[string]string, err error) {
	a, err := m.ask(ctx, doc.Topic{ID: id, Op: doc.OpGet}, func(token string) []byte { return []byte(`{"clientToken":"` + token + `"}`) })
	if err != nil {
		return d, nil, err
	}
	if refused := a.Refused(); refused != nil {
		if refused.Code == http.StatusNotFound {
			return d, nil, nil
		}
		return d, nil, fmt.Errorf("get: %w", refused)
	}
	d, err = a.Document()
	return d, settingsOf(a), err
}

// settingsOf is what tells two settings of one desired value apart: the time at which the cloud took each.
func settingsOf(a doc.Answer) map[string]string {
	times, _ := a.Metadata["desired"].(doc.Object)
	settings := make(map[string]string, len(times))
	for name, when := range times {
		text, err := json.Marshal(when)
		if err == nil {
			settings[name] = "cloud/" + string(text)
		}
	}
	return settings
}

// send carries out the cloud's half of a plan. again is true when the cloud has moved on.
func (m *Mirror) send(ctx context.Context, id doc.ID, local doc.Document, plan doc.Plan) (version uint64, again bool, err error) {
	_, err = m.store.change(id, func(p *pair) error {
		if p.doc.Version() != local.Version() {
			return errMoved
		}
		p.base = plan.Sending()
		return nil
	})
	if errors.Is(err, errMoved) {
		return 0, true, nil
	}
	if err != nil {
		return 0, false, err
	}
	op := doc.OpUpdate
	if plan.ToCloud.Delete {
		op = doc.OpDelete
	}
	a, err := m.ask(ctx, doc.Topic{ID: id, Op: op}, plan.ToCloud.Payload)
	if err != nil {
		return 0, false, err
	}
	refused := a.Refused()
	switch {
	case refused == nil:
		return a.Version, false, nil
	case refused.Step() == doc.Reread:
		return 0, true, nil
	}
	return 0, false, fmt.Errorf("%s: %w", op, refused)
}

// apply carries out the local half of a plan.
func (m *Mirror) apply(id doc.ID, d *doc.Document, c doc.Change) error {
	var refused *doc.Error
	if c.Delete {
		req, bad := doc.ParseQuery(c.Payload(""), m.o.Sync.Limits)
		if refused = bad; refused == nil {
			_, refused = d.Delete(id, req, m.o.Now())
		}
	} else {
		req, bad := doc.ParseRequest(c.Payload(""), m.o.Sync.Limits)
		if refused = bad; refused == nil {
			_, refused = d.Update(req, m.o.Now())
		}
	}
	switch {
	case refused == nil:
		return nil
	case refused.Step() == doc.Reread:
		return errMoved
	}
	return fmt.Errorf("what the cloud has does not fit here: %w", refused)
}
