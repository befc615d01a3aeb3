package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/audit"
	"github.com/penstock-edge/penstock/sync/wire"
)

// plantAlarm is a real alarm of a gateway, whose events a test sends when it likes.
type plantAlarm struct {
	f   *fixture
	own *isa.Alarm
	now time.Time
	seq uint64
}

func (f *fixture) alarm(name string) *plantAlarm {
	f.t.Helper()
	now := time.Unix(1_700_000_000, 0).UTC()
	own, err := isa.New(name, isa.Config{Severity: isa.High, Latch: true}, now)
	f.must(err)
	return &plantAlarm{f: f, own: own, now: now}
}

// turn makes the condition true or false a second later.
func (p *plantAlarm) turn(c isa.Condition) []wire.AlarmEvent {
	p.now = p.now.Add(time.Second)
	return p.told(p.own.Step(p.now, isa.Input{Condition: c}))
}

func (p *plantAlarm) told(events []isa.Event) (told []wire.AlarmEvent) {
	for _, e := range events {
		told = append(told, alarmEvent(e, "oil at "+string(e.Kind)))
	}
	return told
}

// alarmEvent is an event as a gateway tells it.
func alarmEvent(e isa.Event, text string) wire.AlarmEvent {
	w := wire.AlarmEvent{Thing: "plant7:press", Rule: e.Alarm, Text: text, Alarm: e.Alarm, Sequence: e.Sequence, Occurrence: e.Occurrence,
		Kind: string(e.Kind), From: string(e.From), To: string(e.To), Time: e.Time, Who: wire.AlarmWho(e.Who)}
	if e.Severity != 0 {
		w.Severity = e.Severity.String()
	}
	return w
}

// send stores events under the next number of the buffer and gives the alarms they moved.
func (p *plantAlarm) send(events ...wire.AlarmEvent) []cloud.Alarm {
	p.f.t.Helper()
	p.seq++
	changed, stored := p.f.putAlarms("plant7", p.seq, events...)
	if !stored {
		p.f.t.Errorf("message %d was taken for a repetition", p.seq)
	}
	return changed
}

func (f *fixture) putAlarms(gateway string, seq uint64, events ...wire.AlarmEvent) ([]cloud.Alarm, bool) {
	f.t.Helper()
	b := cloud.AlarmBatch{Gateway: gateway, Epoch: "E", Seq: seq, Received: time.Unix(1_700_000_100, 0).UTC(), Events: events}
	changed, stored, err := f.AppendAlarms(f.t.Context(), b)
	f.must(err)
	return changed, stored
}

// wantAlarm finds an alarm in a state.
func (f *fixture) wantAlarm(thing, name string, state isa.State) cloud.Alarm {
	f.t.Helper()
	a, err := f.Alarm(f.t.Context(), thing, name)
	f.must(err)
	if a.State != state {
		f.t.Errorf("%s of %s is %s, want %s", name, thing, a.State, state)
	}
	return a
}

func (f *fixture) wantNames(q cloud.AlarmQuery, want ...string) {
	f.t.Helper()
	q.Max = 100
	found, err := f.Alarms(f.t.Context(), q)
	f.must(err)
	var got []string
	for _, a := range found {
		got = append(got, a.Name)
	}
	if !reflect.DeepEqual(got, want) {
		f.t.Errorf("alarms of %+v are %v, want %v", q, got, want)
	}
}

// testAlarmOnce: a repeated message or event changes nothing, and the ledger counts messages as it counts blocks.
func testAlarmOnce(t *testing.T, open Open) {
	f := start(t, open)
	f.gateway("plant7")
	p := f.alarm("oil_hot")
	raised, gone := p.turn(isa.On), p.turn(isa.Off)
	if changed := p.send(raised...); len(changed) != 1 || changed[0].State != isa.Unacknowledged || changed[0].Gateway != "plant7" {
		t.Fatalf("changed %+v", changed)
	}
	if changed, stored := f.putAlarms("plant7", 1, gone...); stored || changed != nil {
		t.Error("a number that is stored was stored again")
	}
	if changed := p.send(raised...); changed != nil {
		t.Errorf("an event that came again in another message changed %+v", changed)
	}
	before := f.wantAlarm("plant7", "oil_hot", isa.Unacknowledged)
	f.reopen()
	if changed := p.send(raised...); changed != nil {
		t.Error("an event that came again after the store was opened again changed something")
	}
	if after := f.wantAlarm("plant7:press", "oil_hot", isa.Unacknowledged); !reflect.DeepEqual(after, before) {
		t.Errorf("the alarm is %+v, it was %+v", after, before)
	}
	history, err := f.AlarmHistory(t.Context(), cloud.AlarmQuery{Max: 10})
	f.must(err)
	if len(history) != 1 || history[0].AlarmEvent != raised[0] || history[0].Gateway != "plant7" {
		t.Errorf("history is %+v, want the one event", history)
	}
	f.wantLedger("plant7", cloud.EpochLedger{Epoch: "E", StoredBlocks: 3, FirstSeq: 1, LastSeq: 3, Repeats: 1})
	f.refusesBadAlarms()
}

func (f *fixture) refusesBadAlarms() {
	f.t.Helper()
	good := wire.AlarmEvent{Alarm: "a", Sequence: 1, To: "normal"}
	for name, b := range map[string]cloud.AlarmBatch{
		"no name":          {Gateway: "plant7", Events: []wire.AlarmEvent{good, {Sequence: 1}}},
		"number 0":         {Gateway: "plant7", Events: []wire.AlarmEvent{{Alarm: "a"}}},
		"half a number":    {Gateway: "plant7", Seq: 7, Events: []wire.AlarmEvent{good}},
		"nobody's gateway": {Gateway: "nobody", Events: []wire.AlarmEvent{good}},
	} {
		if _, _, err := f.AppendAlarms(f.t.Context(), b); err == nil {
			f.t.Errorf("%s was stored", name)
		}
	}
	if _, err := f.Alarm(f.t.Context(), "plant7", "a"); !errors.Is(err, cloud.ErrNotFound) {
		f.t.Errorf("an alarm of a message that was refused: %v, want ErrNotFound", err)
	}
}

// testAlarmLife: lists follow an alarm from raised to normal; what comes late is history and moves nothing.
func testAlarmLife(t *testing.T, open Open) {
	f := start(t, open)
	f.gateway("plant7")
	f.gateway("plant8")
	p, other := f.alarm("oil_hot"), f.alarm("oil_low")
	f.putAlarms("plant8", 1, other.turn(isa.On)...)
	raised := p.turn(isa.On)
	gone := p.turn(isa.Off)
	p.send(gone...)
	p.send(raised...)
	a := f.wantAlarm("plant7", "oil_hot", isa.Returned)
	if !a.Since.Equal(raised[0].Time) || a.Text != "oil at gone" || a.Severity != isa.High || !a.Waits() {
		t.Errorf("the alarm is %+v", a)
	}
	f.wantNames(cloud.AlarmQuery{View: cloud.AlarmsActive}, "oil_hot", "oil_low")
	f.wantNames(cloud.AlarmQuery{View: cloud.AlarmsActive, Thing: "plant7"}, "oil_hot")
	f.wantNames(cloud.AlarmQuery{View: cloud.AlarmsAll, Thing: "plant7:press"}, "oil_hot", "oil_low")
	f.wantNames(cloud.AlarmQuery{View: cloud.AlarmsActive, Name: "oil_low"}, "oil_low")

	p.now = p.now.Add(time.Second)
	events, err := p.own.Shelve(p.now, p.now.Add(time.Hour), isa.Who{Name: "anna"})
	f.must(err)
	p.send(p.told(events)...)
	f.wantNames(cloud.AlarmQuery{View: cloud.AlarmsActive}, "oil_low")
	f.wantNames(cloud.AlarmQuery{View: cloud.AlarmsHidden}, "oil_hot")
	p.send(append(p.told(p.own.Unshelve(p.now, isa.Who{Name: "anna"})), p.told(p.own.Acknowledge(p.now, isa.Who{Name: "anna"}))...)...)
	if a := f.wantAlarm("plant7", "oil_hot", isa.Normal); !a.Since.IsZero() || a.Occurrence != 0 {
		t.Errorf("a normal alarm is %+v", a)
	}
	f.wantNames(cloud.AlarmQuery{View: cloud.AlarmsHidden})
	f.wantNames(cloud.AlarmQuery{View: cloud.AlarmsAll}, "oil_hot", "oil_low")
}

// testAlarmPages: many alarms are read page by page, each once, the newest first.
func testAlarmPages(t *testing.T, open Open) {
	f := start(t, open)
	f.gateway("plant7")
	const alarms, each, page = 210, 70, 50
	at := time.Unix(1_700_000_000, 0).UTC()
	for i := 0; i < alarms; i += each {
		var events []wire.AlarmEvent
		for n := i; n < i+each; n++ {
			e := isa.Event{Alarm: fmt.Sprint("a", n), Sequence: 5, Occurrence: 5, Kind: isa.Raised, From: isa.Normal, To: isa.Unacknowledged, Time: at.Add(time.Duration(n/7) * time.Second)}
			events = append(events, alarmEvent(e, ""))
		}
		f.putAlarms("plant7", uint64(i+1), events...)
	}
	seen := map[string]bool{}
	for _, list := range []func(cloud.AlarmQuery) (names []string, times []time.Time, last cloud.Place){f.alarmPage, f.historyPage} {
		clear(seen)
		q, newest := cloud.AlarmQuery{Thing: "plant7", View: cloud.AlarmsActive, Max: page}, at.Add(time.Hour)
		for {
			names, times, last := list(q)
			for i, name := range names {
				if seen[name] || times[i].After(newest) {
					t.Fatalf("%s at %v comes twice or out of order", name, times[i])
				}
				seen[name], newest = true, times[i]
			}
			if len(names) < page {
				break
			}
			q.Before = last
		}
		if len(seen) != alarms {
			t.Errorf("%d alarms in all pages, want %d", len(seen), alarms)
		}
	}
}

func (f *fixture) alarmPage(q cloud.AlarmQuery) (names []string, times []time.Time, last cloud.Place) {
	found, err := f.Alarms(f.t.Context(), q)
	f.must(err)
	for _, a := range found {
		names, times, last = append(names, a.Name), append(times, a.Changed), a.Place
	}
	return names, times, last
}

func (f *fixture) historyPage(q cloud.AlarmQuery) (names []string, times []time.Time, last cloud.Place) {
	found, err := f.AlarmHistory(f.t.Context(), q)
	f.must(err)
	for _, r := range found {
		names, times, last = append(names, r.Alarm), append(times, r.Time), r.Place
	}
	return names, times, last
}

// testAcknowledgement: it is kept with its line until the gateway's events show that it took effect, or never will.
func testAcknowledgement(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	f.gateway("plant7")
	p := f.alarm("oil_hot")
	p.send(p.turn(isa.On)...)
	a := f.wantAlarm("plant7", "oil_hot", isa.Unacknowledged)
	ack := isa.Acknowledgement{Alarm: "oil_hot", Occurrence: a.Occurrence, Sequence: a.Sequence, Time: p.now, Who: isa.Who{Name: "anna", Comment: "on my way"}}
	line := audit.Entry{Time: p.now, Who: "anna", Action: "alarm.acknowledge", Object: "plant7/oil_hot", Outcome: audit.Done}
	for name, wrong := range map[string]isa.Acknowledgement{
		"of another occurrence":     {Alarm: "oil_hot", Occurrence: a.Occurrence - 1, Sequence: a.Sequence},
		"of what nobody could know": {Alarm: "oil_hot", Occurrence: a.Occurrence, Sequence: a.Sequence + 1},
	} {
		if _, err := f.Acknowledge(ctx, "plant7", wrong, line); !errors.Is(err, cloud.ErrConflict) {
			t.Errorf("an acknowledgement %s: %v, want ErrConflict", name, err)
		}
	}
	if _, err := f.Acknowledge(ctx, "plant8", ack, line); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("an alarm of another gateway: %v, want ErrNotFound", err)
	}
	f.verifyAudit(0)
	if got, err := f.Acknowledge(ctx, "plant7", ack, line); err != nil || got.Pending == nil || *got.Pending != ack {
		t.Fatalf("acknowledged: %+v, %v", got.Pending, err)
	}
	f.verifyAudit(1)
	f.reopen()
	f.wantPending("plant7", ack)

	p.now = p.now.Add(time.Second)
	p.send(p.told(p.own.Apply(p.now, ack))...)
	f.wantPending("plant7")
	if a := f.wantAlarm("plant7", "oil_hot", isa.Acknowledged); a.Acknowledged == nil || a.Acknowledged.Who != ack.Who {
		t.Errorf("acknowledged by %+v, want %+v", a.Acknowledged, ack.Who)
	}
	if _, err := f.Acknowledge(ctx, "plant7", ack, line); !errors.Is(err, cloud.ErrConflict) {
		t.Errorf("acknowledged again: %v, want ErrConflict", err)
	}

	// The next occurrence is over before the gateway hears of it.
	p.send(p.turn(isa.Off)...)
	p.send(p.turn(isa.On)...)
	a = f.wantAlarm("plant7", "oil_hot", isa.Unacknowledged)
	ack.Occurrence, ack.Sequence = a.Occurrence, a.Sequence
	_, err := f.Acknowledge(ctx, "plant7", ack, line)
	f.must(err)
	p.send(p.turn(isa.Off)...)
	f.wantPending("plant7", ack)
	p.send(p.told(p.own.Acknowledge(p.now, isa.Who{Name: "ben"}))...)
	f.wantAlarm("plant7", "oil_hot", isa.Normal)
	f.wantPending("plant7")
}

func (f *fixture) wantPending(gateway string, want ...isa.Acknowledgement) {
	f.t.Helper()
	got, err := f.Acknowledgements(f.t.Context(), gateway)
	f.must(err)
	if !reflect.DeepEqual(got, want) {
		f.t.Errorf("still to be told to %s: %+v, want %+v", gateway, got, want)
	}
}

// testOwnAlarm: an alarm that lives in the cloud moves with its memory or not at all, and makes way for a gateway's of its name.
func testOwnAlarm(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	f.gateway("plant7")
	line := audit.Entry{Who: "anna", Action: "alarm.acknowledge", Object: "plant7/oil_hot", Outcome: audit.Done}
	own := f.alarm("oil_hot")
	events := own.turn(isa.On)
	step := func(wantMemory, next string, events ...wire.AlarmEvent) cloud.AlarmStep {
		return func(memory []byte) ([]byte, []wire.AlarmEvent, error) {
			if string(memory) != wantMemory {
				t.Errorf("the memory is %q, want %q", memory, wantMemory)
			}
			return []byte(next), events, nil
		}
	}
	a, changed, err := f.StepAlarm(ctx, "plant7", "oil_hot", step("", "one", events...), line)
	if f.must(err); !changed || !a.Own || a.State != isa.Unacknowledged {
		t.Errorf("%+v, changed %v", a, changed)
	}
	if _, changed, err := f.StepAlarm(ctx, "plant7", "oil_hot", step("one", "two"), line); changed || err != nil {
		t.Errorf("a step without events: %v, %v", changed, err)
	}
	broken := errors.New("no")
	if _, _, err := f.StepAlarm(ctx, "plant7", "oil_hot", func([]byte) ([]byte, []wire.AlarmEvent, error) { return nil, events, broken }, line); !errors.Is(err, broken) {
		t.Errorf("a step that went wrong: %v", err)
	}
	f.verifyAudit(1)
	f.reopen()
	_, _, err = f.StepAlarm(ctx, "plant7", "oil_hot", step("one", "three", own.turn(isa.Off)...))
	f.must(err)
	f.wantAlarm("plant7", "oil_hot", isa.Returned)
	if _, _, err := f.StepAlarm(ctx, "nobody", "oil_hot", step("", "")); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("an alarm of nobody: %v, want ErrNotFound", err)
	}

	late := alarmEvent(isa.Event{Alarm: "oil_hot", Sequence: 3, Occurrence: 3, Kind: isa.Raised, From: isa.Normal, To: isa.Unacknowledged, Time: own.now}, "the gateway's")
	f.putAlarms("plant7", 1, late)
	if a := f.wantAlarm("plant7", "oil_hot", isa.Unacknowledged); a.Own || a.Text != "the gateway's" {
		t.Errorf("a gateway's alarm of the name is %+v", a)
	}
	if _, _, err := f.StepAlarm(ctx, "plant7", "oil_hot", step("", "")); !errors.Is(err, cloud.ErrConflict) {
		t.Errorf("a step of the gateway's: %v, want ErrConflict", err)
	}
}
