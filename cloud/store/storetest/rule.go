package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/audit"
)

// setRule makes a rule's document, or its end when it is empty.
func (f *fixture) setRule(name, document string) error {
	return f.ChangeRule(f.t.Context(), name, func(old *cloud.Rule) (*cloud.Rule, []audit.Entry, error) {
		line := audit.Entry{Time: time.Unix(1, 0), Who: "anna", Action: "rule.change", Object: name, Outcome: audit.Done}
		if document == "" {
			return nil, []audit.Entry{line}, nil
		}
		next := cloud.Rule{Name: name, Document: []byte(document), Created: time.Unix(5, 0).UTC(), Changed: time.Unix(6, 0).UTC()}
		if old != nil {
			next.Created = old.Created
		}
		return &next, []audit.Entry{line}, nil
	})
}

// waiting is the inbox, briefly.
func (f *fixture) waiting(after uint64) (texts []string) {
	f.t.Helper()
	items, err := f.Inbox(f.t.Context(), after, 100)
	f.must(err)
	for i, item := range items {
		if i > 0 && item.ID <= items[i-1].ID {
			f.t.Errorf("item %d comes behind %d", item.ID, items[i-1].ID)
		}
		texts = append(texts, fmt.Sprintf("%d %s%s %s", item.Kind, item.Rule, item.Topic, item.Payload))
	}
	return texts
}

func (f *fixture) waits(want ...string) {
	f.t.Helper()
	if got := f.waiting(0); !slices.Equal(got, want) {
		f.t.Errorf("in the inbox are\n%q, want\n%q", got, want)
	}
}

// testRule: a change is stored with its line and its place among the messages, or not at all.
func testRule(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	if _, err := f.Rule(ctx, "hot"); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("a rule that is not there: %v", err)
	}
	f.must(f.PutInbox(ctx, cloud.InboxItem{Topic: "a", Payload: []byte("1")}))
	f.must(f.setRule("hot", `{"sql":1}`))
	f.must(f.PutInbox(ctx, cloud.InboxItem{Topic: "a", Payload: []byte("2")}))
	f.must(f.setRule("hot", `{"sql":2}`))
	f.must(f.setRule("cold", `{}`))
	refused := errors.New("no")
	err := f.ChangeRule(ctx, "hot", func(*cloud.Rule) (*cloud.Rule, []audit.Entry, error) { return nil, nil, refused })
	if !errors.Is(err, refused) {
		t.Errorf("a refused change: %v", err)
	}
	f.reopen()
	r, err := f.Rule(ctx, "hot")
	f.must(err)
	if string(r.Document) != `{"sql":2}` || !r.Created.Equal(time.Unix(5, 0)) || !r.Changed.Equal(time.Unix(6, 0)) {
		t.Errorf("the rule is %+v", r)
	}
	f.must(f.setRule("cold", ""))
	if list, err := f.Rules(ctx); err != nil || len(list) != 1 || list[0].Name != "hot" {
		t.Errorf("the rules are %v (%v)", list, err)
	}
	f.waits("0 a 1", `2 hot {"sql":1}`, "0 a 2", `2 hot {"sql":2}`, "2 cold {}", "2 cold ")
	f.verifyAudit(4)
}

// testRuleInbox: what is put in stays until a step takes it out, in order, and a block is in it once.
func testRuleInbox(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	f.gateway("plant7")
	item := cloud.InboxItem{Kind: cloud.InboxBlock, Topic: "dt/plant7", Thing: "plant7", Payload: []byte("b"), Trace: "t", Received: time.Unix(9, 5).UTC(), Hops: 2, User: [][2]string{{"k", "v"}}}
	b := f.batch("plant7", "A", 1, at(1, 1))
	b.Inbox = &item
	nobody := b
	nobody.Thing = "nobody"
	if _, err := f.Append(ctx, b, nobody); err == nil {
		t.Error("a block of nobody was stored")
	}
	f.waits()
	for range 2 {
		_, err := f.Append(ctx, b)
		f.must(err)
	}
	select {
	case <-f.Arrived():
	default:
		t.Error("nobody was told that something arrived")
	}
	f.waits("1 dt/plant7 b")
	f.reopen()
	items, err := f.Inbox(ctx, 0, 10)
	f.must(err)
	item.ID = items[0].ID
	if got, want := fmt.Sprint(items[0]), fmt.Sprint(item); got != want {
		t.Errorf("read  %s\nwrote %s", got, want)
	}
	step := cloud.RuleStep{Upto: item.ID, Rules: []cloud.AppliedRule{{Name: "a", Document: []byte("{}"), State: []byte("s")}, {Name: "b", Document: []byte("{}")}}}
	f.must(f.Step(ctx, &step))
	f.must(f.Step(ctx, &cloud.RuleStep{Rules: []cloud.AppliedRule{{Name: "b"}}}))
	f.reopen()
	f.waits()
	if list, err := f.AppliedRules(ctx); err != nil || len(list) != 1 || list[0].Name != "a" || string(list[0].State) != "s" {
		t.Errorf("rules at work: %v (%v)", list, err)
	}
	f.must(f.PutInbox(ctx, cloud.InboxItem{Topic: "z"}, cloud.InboxItem{Topic: "y"}))
	if got := f.waiting(item.ID); !slices.Equal(got, []string{"0 z ", "0 y "}) {
		t.Errorf("behind %d are %q: ids began again", item.ID, got)
	}
}

// out is an item for the outbox.
func out(queue, key string, event uint64) cloud.OutboxItem {
	return cloud.OutboxItem{Queue: queue, Rule: "hot", Kind: "http", Key: key, Event: event, Payload: []byte("p" + key), Call: json.RawMessage(`{"url":"x"}`), Lane: "l"}
}

// todo is a queue of the outbox, briefly.
func (f *fixture) todo(queue string) (items []cloud.OutboxItem, keys string) {
	f.t.Helper()
	items, err := f.Outbox(f.t.Context(), queue, 100)
	f.must(err)
	for _, item := range items {
		keys += fmt.Sprintf("%s/%d ", item.Key, item.Tries)
	}
	return items, keys
}

// testRuleOutbox: an item stays until it was settled, and what is settled with it is stored with it.
func testRuleOutbox(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	f.gateway("plant7")
	f.must(f.Step(ctx, &cloud.RuleStep{Out: []cloud.OutboxItem{out("hot/0", "a", 0), out("hot/1", "x", 0), out("hot/0", "b", 0), out("hot/0", "c", 0)}}))
	f.reopen()
	items, keys := f.todo("hot/0")
	if keys != "a/0 b/0 c/0 " {
		t.Fatalf("to do is %s", keys)
	}
	if a := items[0]; string(a.Payload) != "pa" || string(a.Call) != `{"url":"x"}` || a.Lane != "l" || a.Kind != "http" {
		t.Errorf("read %+v", a)
	}
	batch := f.batch("plant7", "", 0, at(1, 1))
	wrong := f.batch("nobody", "", 0, at(1, 1))
	if _, err := f.Settle(ctx, []cloud.Settlement{{Item: items[0], Batch: &batch}, {Item: items[1], Batch: &wrong}}, nil); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("settled with a batch of nobody: %v", err)
	}
	f.wants(f.read(cloud.Query{Thing: "plant7", Point: "p"}))
	later := items[2]
	later.Tries, later.Error = 1, "busy"
	_, err := f.Settle(ctx, []cloud.Settlement{{Item: items[0], Batch: &batch}, {Item: items[1], Chain: &cloud.InboxItem{Topic: "next"}}, {Item: later, Later: time.Unix(77, 0)}}, nil)
	f.must(err)
	f.reopen()
	f.wants(f.read(cloud.Query{Thing: "plant7", Point: "p"}), at(1, 1))
	f.waits("0 next ")
	items, keys = f.todo("hot/0")
	if keys != "c/1 " || !items[0].Due.Equal(time.Unix(77, 0)) || items[0].Error != "busy" {
		t.Errorf("to do is %+v", items)
	}
	if queues, err := f.Queues(ctx); err != nil || fmt.Sprint(queues) != "map[hot/0:1 hot/1:1]" {
		t.Errorf("queues %v (%v)", queues, err)
	}
	if _, err := f.Settle(ctx, []cloud.Settlement{{Item: cloud.OutboxItem{ID: 99}}}, nil); err == nil {
		t.Error("an item that is not there was settled")
	}
}

// testRuleFailures: the error action of an event is made once, when the last of its actions is over, and of those that failed.
func testRuleFailures(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	events := []cloud.RuleEvent{{Open: 1, Data: json.RawMessage(`1`)}, {Open: 3, Data: json.RawMessage(`2`), Failures: []cloud.ActionFailure{{Message: "before"}}}}
	early := out("hot/3", "d", 0)
	early.Error = "no url"
	f.must(f.Step(ctx, &cloud.RuleStep{Events: events, Dead: []cloud.OutboxItem{early},
		Out: []cloud.OutboxItem{out("hot/0", "z", 1), out("hot/0", "a", 2), out("hot/1", "b", 2), out("hot/2", "c", 2)}}))
	var told []string
	failed := func(ev cloud.RuleEvent) *cloud.OutboxItem {
		for _, failure := range ev.Failures {
			told = append(told, string(ev.Data)+failure.Message)
		}
		made := out("hot/error", "e", 0)
		return &made
	}
	settle := func(queue string, i int, failure string) []cloud.OutboxItem {
		items, _ := f.todo(queue)
		st := cloud.Settlement{Item: items[i]}
		if st.Item.Error = failure; failure != "" {
			st.Failure = &cloud.ActionFailure{Message: failure}
		}
		made, err := f.Settle(ctx, []cloud.Settlement{st}, failed)
		f.must(err)
		return made
	}
	settle("hot/0", 0, "")
	settle("hot/0", 0, "a failed")
	f.reopen()
	settle("hot/1", 0, "")
	if len(told) != 0 {
		t.Errorf("told too early: %q", told)
	}
	if made := settle("hot/2", 0, "c failed"); len(made) != 1 || made[0].ID == 0 {
		t.Errorf("made %+v", made)
	}
	if want := []string{"2before", "2a failed", "2c failed"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	if _, keys := f.todo("hot/error"); keys != "e/0 " {
		t.Errorf("the error action has to do %q", keys)
	}
	f.deadAndRevived()
}

func (f *fixture) deadAndRevived() {
	f.t.Helper()
	ctx := f.t.Context()
	dead, err := f.DeadItems(ctx, "hot", 0, 10)
	f.must(err)
	if len(dead) != 3 || dead[0].Key != "c" || dead[0].Error != "c failed" || dead[2].Error != "no url" || dead[0].Failed.IsZero() {
		f.t.Fatalf("dead are %+v", dead)
	}
	if page, err := f.DeadItems(ctx, "hot", dead[1].ID, 10); err != nil || len(page) != 1 {
		f.t.Errorf("the second page is %+v (%v)", page, err)
	}
	item, err := f.Revive(ctx, "hot", dead[0].ID, audit.Entry{Time: time.Unix(1, 0), Who: "anna", Action: "rule.retry", Object: "hot", Outcome: audit.Done})
	f.must(err)
	items, keys := f.todo("hot/2")
	if keys != "c/0 " || items[0].ID != item.ID || items[0].Event != 0 || string(items[0].Payload) != "pc" {
		f.t.Errorf("revived %+v, to do %+v", item, items)
	}
	if _, err := f.Revive(ctx, "hot", dead[0].ID); !errors.Is(err, cloud.ErrNotFound) {
		f.t.Errorf("revived twice: %v", err)
	}
	f.verifyAudit(1)
}
