package shadow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"golang.org/x/sync/errgroup"

	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// Connected has every shadow synced, for nobody knows what changed meanwhile. ctx ends with the connection; until the next one nothing is
// asked of the cloud.
func (m *Mirror) Connected(ctx context.Context) {
	m.sight.forget()
	m.queue.calm()
	ids, err := m.store.ids()
	if err != nil {
		m.o.Log.Error("the shadows cannot be listed", "err", err)
	}
	for _, thing := range m.plan.things {
		ids = append(ids, doc.ID{Thing: thing})
	}
	ids = slices.DeleteFunc(ids, func(id doc.ID) bool { return !m.plan.synced(id) })
	m.queue.add(ids...) // before the first is asked for, lest it is asked for twice
	m.talk.begin(ctx)
	m.queue.poke()
}

// maxSyncs is how many shadows are synced at a time: each waits for answers most of the time.
const maxSyncs = 16

// syncAll syncs what is in the queue until ctx ends.
func (m *Mirror) syncAll(ctx context.Context) error {
	if m.o.Publish == nil {
		<-ctx.Done()
		return nil
	}
	var at errgroup.Group
	at.SetLimit(maxSyncs)
	for {
		select {
		case <-ctx.Done():
			return at.Wait()
		case <-m.queue.wake:
		}
		if !pause(ctx, m.o.Sync.Every) {
			return at.Wait()
		}
		for m.talk.on() && ctx.Err() == nil {
			id, ok := m.queue.next()
			if !ok {
				break
			}
			at.Go(func() error { m.syncOne(ctx, id); return nil })
		}
	}
}

func (m *Mirror) syncOne(ctx context.Context, id doc.ID) {
	err := m.sync(ctx, id)
	switch {
	case ctx.Err() != nil || errors.Is(err, errCut):
		m.queue.cut(id)
	case err == nil:
		m.queue.done(id)
	case m.queue.fail(id, hopeless(err)):
		m.o.Log.Warn("a shadow is not one with the cloud's", "shadow", id.String(), "err", err)
	}
}

// hopeless tells whether only another edit can help.
func hopeless(err error) bool {
	var refused *doc.Error
	return errors.As(err, &refused) && refused.Step() == doc.GiveUp
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
	cloud, set, err := m.fetch(ctx, id)
	if err != nil {
		return false, err
	}
	plan := m.o.Sync.Direction.Merge(local.base, local.doc, cloud)
	ours := sent(local.base.Sent, cloud)
	if plan.ToCloud == nil && plan.ToLocal == nil && local.upToDate(cloud) && !local.wishes.merge(local.doc, set, ours) {
		return false, nil
	}
	var a doc.Answer
	if plan.ToCloud != nil {
		if a, again, err = m.send(ctx, id, local.doc, plan); again || err != nil {
			return again, err
		}
		crashed := ours
		fresh := settingsOf(a)
		maps.Copy(set, fresh)
		ours = func(name string) bool { return fresh[name] != "" || crashed(name) }
	}
	if err := m.settle(id, local.doc, plan, a.Version, func(p *pair) { p.wishes.merge(p.doc, set, ours) }); err != nil {
		if errors.Is(err, errMoved) {
			return true, nil
		}
		return false, err
	}
	m.desired(id)
	return false, nil
}

// settle carries out the local half of a plan and stores what both sides have in common now.
func (m *Mirror) settle(id doc.ID, local doc.Document, plan doc.Plan, sent uint64, more func(*pair)) error {
	defer m.locks.lock(id)()
	_, err := m.store.change(id, func(p *pair) error {
		if p.doc.Version() != local.Version() || p.doc.Exists() != local.Exists() {
			return errMoved
		}
		if plan.ToLocal != nil {
			if err := m.apply(id, &p.doc, *plan.ToLocal); err != nil {
				return err
			}
		}
		more(p)
		p.base = plan.Done(p.doc.Version(), sent)
		return nil
	})
	return err
}

// upToDate: the base is of these very versions, so there is nothing to note.
func (p pair) upToDate(cloud doc.Document) bool {
	if !p.doc.Exists() && !cloud.Exists() {
		return !p.base.Synced()
	}
	return p.base.Sent == nil && p.base.LocalVersion == p.doc.Version() && p.base.CloudVersion == cloud.Version()
}

// fetch is the cloud's document, and when each of its desired values was set. It is asked for when this connection has not shown it.
func (m *Mirror) fetch(ctx context.Context, id doc.ID) (doc.Document, settings, error) {
	if d, ok := m.sight.of(id); ok {
		if a, err := m.reading(id, d); err == nil {
			return d, settingsOf(a), nil
		}
	}
	a, err := m.ask(ctx, doc.Topic{ID: id, Op: doc.OpGet}, func(token string) []byte { return []byte(`{"clientToken":"` + token + `"}`) })
	if err != nil {
		return doc.Document{}, nil, err
	}
	if refused := a.Refused(); refused != nil {
		if refused.Code == http.StatusNotFound {
			return doc.Document{}, settings{}, nil
		}
		return doc.Document{}, nil, fmt.Errorf("get: %w", refused)
	}
	d, err := a.Document()
	return d, settingsOf(a), err
}

// send carries out the cloud's half of a plan. again is true when the cloud has moved on.
func (m *Mirror) send(ctx context.Context, id doc.ID, local doc.Document, plan doc.Plan) (a doc.Answer, again bool, err error) {
	_, err = m.store.change(id, func(p *pair) error {
		if p.doc.Version() != local.Version() {
			return errMoved
		}
		p.base = plan.Sending()
		return nil
	})
	if errors.Is(err, errMoved) {
		return a, true, nil
	}
	if err != nil {
		return a, false, err
	}
	op := doc.OpUpdate
	if plan.ToCloud.Delete {
		op = doc.OpDelete
	}
	if a, err = m.ask(ctx, doc.Topic{ID: id, Op: op}, plan.ToCloud.Payload); err != nil {
		return a, false, err
	}
	refused := a.Refused()
	switch {
	case refused == nil:
		return a, false, nil
	case refused.Step() == doc.Reread:
		return a, true, nil
	}
	return a, false, fmt.Errorf("%s: %w", op, refused)
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
