package shadow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/shadow"
	"github.com/penstock-edge/penstock/cloud/store/local"
	"github.com/penstock-edge/penstock/sync/audit"
	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// plant is the room over a real store, with a subscriber to everything.
type plant struct {
	*shadow.Room
	t     testing.TB
	store *local.Store

	mu  sync.Mutex
	got []doc.Message
}

func openStore(t testing.TB, dir string) *local.Store {
	t.Helper()
	store, err := local.Open(t.Context(), dir, local.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func newPlant(t testing.TB, wrap func(cloud.ShadowStore) cloud.ShadowStore) *plant {
	t.Helper()
	p := &plant{t: t, store: openStore(t, t.TempDir())}
	store := cloud.ShadowStore(p.store)
	if wrap != nil {
		store = wrap(store)
	}
	p.Room = shadow.New(shadow.Options{Store: store, Publish: p.publish, Log: slog.New(slog.DiscardHandler)})
	return p
}

func (p *plant) publish(_ context.Context, topic string, payload []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, doc.Message{Topic: topic, Payload: payload})
	return nil
}

// published takes what was published so far.
func (p *plant) published() []doc.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() { p.got = nil }()
	return p.got
}

const press = "$aws/things/press/shadow/"

var thing = shadow.Caller{Thing: "press", Connection: "press/1"}

// ask publishes a request, and fails unless the messages that follow are on these topics.
func (p *plant) ask(topic, payload string, want ...string) []doc.Message {
	p.t.Helper()
	if !p.Request(p.t.Context(), thing, topic, []byte(payload)) {
		p.t.Fatalf("%s is no request", topic)
	}
	got := p.published()
	var topics []string
	for _, m := range got {
		topics = append(topics, strings.TrimPrefix(m.Topic, topic+"/"))
	}
	if !slices.Equal(topics, want) {
		p.t.Fatalf("%s %s is followed by %v, want %v: %s", topic, payload, topics, want, got)
	}
	return got
}

func answer(t testing.TB, m doc.Message) doc.Answer {
	t.Helper()
	a, err := doc.ParseAnswer(m.Payload, doc.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", m.Payload, err)
	}
	return a
}

func TestRequests(t *testing.T) {
	p := newPlant(t, nil)
	p.ask(press+"get", "", "rejected")
	p.ask(press+"update", `{"state":{"reported":{"a":1}}}`, "accepted", "documents")
	p.ask(press+"update", `{"state":{"desired":{"a":2}}}`, "accepted", "delta", "documents")
	p.ask(press+"update", `{"state":`, "rejected")
	p.ask(press+"get", "", "accepted")
	p.ask(press+"delete", "", "accepted")
	p.ask(press+"name/recipe/get", "", "rejected")
	for _, topic := range []string{"dt/press/telemetry", press + "update/accepted", press + "list", "$aws/things/press/jobs/get", ""} {
		if p.Request(t.Context(), thing, topic, nil) {
			t.Errorf("%q is taken for a request", topic)
		}
	}
}

// TestDS12_AThousandUpdatesAtOnce: of updates that say nothing of versions each makes one; the messages of one come before those of the next;
// and the document is what carrying them out in that order makes of it.
func TestDS12_AThousandUpdatesAtOnce(t *testing.T) {
	p := newPlant(t, nil)
	p.ask(press+"update", `{"state":{"desired":{"k":-1}}}`, "accepted", "delta", "documents")
	const crowd = 1000
	var all sync.WaitGroup
	for i := range crowd {
		all.Go(func() {
			by := shadow.Caller{Thing: "press", Connection: fmt.Sprint("press/", i)}
			p.Request(t.Context(), by, press+"update", fmt.Appendf(nil, `{"state":{"reported":{"k%d":%d}}}`, i%50, i))
		})
	}
	all.Wait()

	got, replay := p.published(), doc.State{Desired: doc.Object{"k": json.Number("-1")}, Reported: doc.Object{}}
	if len(got) != 3*crowd {
		t.Fatalf("%d messages of %d updates", len(got), crowd)
	}
	for i := range crowd {
		three := got[3*i : 3*i+3]
		accepted, delta := answer(t, three[0]), answer(t, three[1])
		if v := uint64(i + 2); accepted.Version != v || delta.Version != v || !strings.Contains(string(three[2].Payload), fmt.Sprintf(`"version":%d`, v)) {
			t.Fatalf("update %d is followed by %s", i, three)
		}
		for k, v := range accepted.State["reported"].(doc.Object) {
			replay.Reported[k] = v
		}
	}
	d, err := p.store.Shadow(t.Context(), doc.ID{Thing: "press"})
	if err != nil || d.Version() != crowd+1 || !d.State().Equal(replay) {
		t.Errorf("version %d, %v; %v, want %v", d.Version(), err, d.State(), replay)
	}
}

// gate lets updates through when it is opened.
type gate struct {
	cloud.ShadowStore
	waiting chan struct{}
	open    chan struct{}
}

func (g *gate) UpdateShadow(ctx context.Context, id doc.ID, change func(*doc.Document) ([]audit.Entry, error)) (doc.Document, error) {
	g.waiting <- struct{}{}
	<-g.open
	return g.ShadowStore.UpdateShadow(ctx, id, change)
}

// TestDS7_TenInFlight: the eleventh request of a connection that has ten unanswered is refused, and no other connection's.
func TestDS7_TenInFlight(t *testing.T) {
	g := &gate{waiting: make(chan struct{}), open: make(chan struct{})}
	p := newPlant(t, func(s cloud.ShadowStore) cloud.ShadowStore { g.ShadowStore = s; return g })
	var all sync.WaitGroup
	update := func(by shadow.Caller, name string) {
		all.Go(func() {
			p.Request(t.Context(), by, press+"name/"+name+"/update", []byte(`{"state":{"reported":{"a":1}},"clientToken":"x"}`))
		})
	}
	for i := range 10 {
		update(thing, fmt.Sprint("n", i))
		<-g.waiting
	}
	p.Request(t.Context(), thing, press+"get", nil)
	got := p.published()
	if len(got) != 1 || got[0].Topic != press+"get/rejected" || answer(t, got[0]).Code != 429 {
		t.Errorf("the eleventh: %s", got)
	}
	update(shadow.Caller{Thing: "press", Connection: "press/2"}, "other")
	<-g.waiting
	close(g.open)
	all.Wait()
	if got := p.published(); len(got) != 22 { // accepted and documents
		t.Errorf("%d messages, want 22", len(got))
	}
	p.ask(press+"get", "", "rejected") // 404: there is room again
}

// failing is a store that cannot write.
type failing struct{ cloud.ShadowStore }

func (failing) UpdateShadow(context.Context, doc.ID, func(*doc.Document) ([]audit.Entry, error)) (doc.Document, error) {
	return doc.Document{}, context.DeadlineExceeded
}

func TestDS7_WhatIsNotStoredIsNotAccepted(t *testing.T) {
	p := newPlant(t, func(s cloud.ShadowStore) cloud.ShadowStore { return failing{s} })
	got := p.ask(press+"update", `{"state":{"reported":{"a":1}},"clientToken":"x"}`, "rejected")
	if a := answer(t, got[0]); a.Code != 500 || a.Message != "Internal service failure" {
		t.Errorf("%s", got[0].Payload)
	}
}

// TestDS13_AcceptedIsStored: what is published as accepted is on disk by then, for a store that is opened again.
func TestDS13_AcceptedIsStored(t *testing.T) {
	dir := t.TempDir()
	store, err := local.Open(t.Context(), dir, local.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var seen []uint64
	room := shadow.New(shadow.Options{Store: store, Publish: func(ctx context.Context, topic string, _ []byte) error {
		if strings.HasSuffix(topic, "/accepted") {
			d, err := store.Shadow(ctx, doc.ID{Thing: "press"}) // readers see what was committed
			seen = append(seen, d.Version())
			return err
		}
		return nil
	}})
	for range 3 {
		room.Request(t.Context(), thing, press+"update", []byte(`{"state":{"reported":{"a":1}}}`))
	}
	if err := store.Close(); err != nil || !slices.Equal(seen, []uint64{1, 2, 3}) {
		t.Errorf("when accepted was published the versions were %v, %v", seen, err)
	}
	again := openStore(t, dir)
	if d, err := again.Shadow(t.Context(), doc.ID{Thing: "press"}); err != nil || d.Version() != 3 {
		t.Errorf("version %d, %v", d.Version(), err)
	}
}

// What a person changes is in the audit log with the change; what a thing says of itself, what was only read and what was refused is not.
func TestAuditTrail(t *testing.T) {
	p := newPlant(t, nil)
	anna := shadow.Caller{Person: "anna", From: "10.0.0.7:1234", Connection: "a"}
	id := doc.ID{Thing: "press", Name: "recipe"}
	call := func(by shadow.Caller, op doc.Op, payload string) {
		p.Call(t.Context(), by, doc.Call{ID: id, Op: op, Payload: []byte(payload)})
	}
	call(anna, doc.OpUpdate, `{"state":{"desired":{"speed":80,"zone":{"a":"x","b":null}},"reported":null}}`)
	call(anna, doc.OpUpdate, `{"state":{"desired":{"speed":81}},"version":9}`)
	call(anna, doc.OpGet, "")
	call(thing, doc.OpUpdate, `{"state":{"reported":{"speed":80}}}`)
	call(anna, doc.OpDelete, "")
	lines, err := p.store.AuditTail(t.Context(), 0, 10)
	if err != nil || len(lines) != 2 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	deleted, updated := record(t, lines[0]), record(t, lines[1])
	if deleted.Action != "shadow.delete" || deleted.Object != "press/recipe" || deleted.Who != "anna" || deleted.Details["version"] != "2" {
		t.Errorf("%+v", deleted)
	}
	if updated.Action != "shadow.update" || updated.From != "10.0.0.7:1234" || updated.Outcome != audit.Done || updated.Details["version"] != "1" ||
		updated.Details["desired"] != `speed=80 zone.a="x" zone.b=null` || updated.Details["reported"] != "null" {
		t.Errorf("%+v", updated)
	}
}

func record(t *testing.T, line []byte) audit.Record {
	t.Helper()
	r, err := audit.Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	if time.Since(r.Time) > time.Minute {
		t.Errorf("written at %v", r.Time)
	}
	return r
}

// A long note ends somewhere, whatever the names and values are.
func TestAuditTrailIsBounded(t *testing.T) {
	p := newPlant(t, nil)
	state := map[string]any{}
	for i := range 200 {
		state[fmt.Sprint("ä", i)] = strings.Repeat("ö", 10)
	}
	payload, _ := json.Marshal(map[string]any{"state": map[string]any{"desired": state}})
	reply := p.Call(t.Context(), shadow.Caller{Person: "anna"}, doc.Call{ID: doc.ID{Thing: "press"}, Op: doc.OpUpdate, Payload: payload})
	lines, err := p.store.AuditTail(t.Context(), 0, 10)
	if reply.Refused != nil || err != nil || len(lines) != 1 || len(lines[0]) > 600 {
		t.Errorf("%v, %v, %s", reply.Refused, err, lines)
	}
}
