package shadow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	doc "github.com/penstock-edge/penstock/sync/shadow"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// site is one desired value: whose, and of which point.
type site struct {
	id    doc.ID
	name  string
	point telemetry.PointID
}

// intent is what is to be done about a site.
type intent struct {
	order   Order  // its key is still to come
	setting string // of the desired value: a print of where, what and when it was set
	open    bool   // the order has not had its last word
	stale   bool   // a reason is reported, and nothing is desired that it could be of
}

// key is that of a try. What came of a try that failed is kept under its key, so the next one is another.
func (i intent) key(tries int) string { return print(i.setting, fmt.Sprint(tries)) }

func print(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d %s", len(p), p) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// desired looks at what a document wants that is not reported, and has each point of it written.
func (m *Mirror) desired(id doc.ID) {
	wanted := m.plan.wanted[id]
	if len(wanted) == 0 {
		return
	}
	p, err := m.store.load(id)
	if err != nil {
		m.o.Log.Error("a shadow cannot be read", "shadow", id.String(), "err", err)
		return
	}
	delta := p.doc.Delta()
	for name, point := range wanted {
		_, differs := delta[name]
		m.orders.look(site{id, name, point}, differs || told(p.doc, name) != nil, m.carry)
	}
}

// carry writes a point until its document has nothing left to want of it, or the last word is said.
func (m *Mirror) carry(ctx context.Context, s site, f *flight) {
	tries, last := 0, ""
	for {
		now, err := m.intent(s)
		if err != nil {
			m.o.Log.Error("a shadow cannot be read", "shadow", s.id.String(), "err", err)
		}
		if now.stale {
			m.said(m.tell(ctx, s, news{clear: true}), s)
		}
		if !now.open {
			if m.orders.landed(s.point, f) {
				return
			}
			continue
		}
		if now.setting != last {
			tries, last = 0, now.setting
		}
		now.order.Key = now.key(tries)
		r := m.o.Write(ctx, now.order)
		if ctx.Err() != nil {
			m.orders.drop(s.point)
			return
		}
		m.said(m.tell(ctx, s, newsOf(now.order, r)), s)
		if !r.Retry {
			m.orders.settle(s.point, now.setting)
			continue
		}
		tries++
		if !m.rest(ctx, s, f, now.setting, doc.Backoff(tries-1, rand.Float64())) {
			m.orders.drop(s.point)
			return
		}
	}
}

func (m *Mirror) said(err error, s site) {
	if err != nil {
		m.o.Log.Error("what came of a desired value is not in its shadow", "shadow", s.id.String(), "point", s.name, "err", err)
	}
}

// rest waits after a try that failed, as long as the same is desired. It is false when ctx ended.
func (m *Mirror) rest(ctx context.Context, s site, f *flight, setting string, d time.Duration) bool {
	over := time.NewTimer(d)
	defer over.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-over.C:
			return true
		case <-f.again:
			if now, err := m.intent(s); err == nil && (!now.open || now.setting != setting) {
				return true
			}
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// intent is what is to be done about a site now.
func (m *Mirror) intent(s site) (i intent, err error) {
	p, err := m.store.load(s.id)
	if err != nil {
		return i, err
	}
	want, differs := p.doc.Delta()[s.name]
	if !differs {
		i.stale = told(p.doc, s.name) != nil
		return i, nil
	}
	text, err := json.Marshal(want)
	if err != nil {
		return i, err
	}
	i.setting = print(s.id.String(), s.name, string(text), p.wishes[s.name].Now)
	i.order = Order{Point: s.point, Thing: s.id.Thing}
	i.open = !m.orders.isSettled(s.point, i.setting)
	var ok bool
	if i.order.Value, ok = asValue(want); !ok {
		i.order.Value = telemetry.String(string(text)) // refused for its type, with the reason
	}
	return i, nil
}
