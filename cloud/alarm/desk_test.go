package alarm_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/alarm"
	"github.com/penstock-edge/penstock/cloud/store/local"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/audit"
	"github.com/penstock-edge/penstock/sync/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// plant is a gateway with one alarm, the cloud it belongs to, and the link between them.
type plant struct {
	t     *testing.T
	dir   string
	store *local.Store
	desk  *alarm.Desk
	live  []cloud.Live
	end   func()

	mu   sync.Mutex
	own  *isa.Alarm
	up   bool
	seq  uint64
	told []isa.Acknowledgement
}

func newPlant(t *testing.T) *plant {
	t.Helper()
	own, err := isa.New("oil_hot", isa.Config{Severity: isa.High, Latch: true}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p := &plant{t: t, dir: t.TempDir(), own: own}
	p.start()
	t.Cleanup(func() { p.end() })
	if err := p.store.CreateThing(t.Context(), cloud.Thing{Name: "plant7", Kind: cloud.KindGateway}); err != nil {
		t.Fatal(err)
	}
	return p
}

// start has the cloud run, on what an earlier one left.
func (p *plant) start() {
	p.t.Helper()
	store, err := local.Open(p.t.Context(), p.dir, local.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		p.t.Fatal(err)
	}
	p.store = store
	p.desk = alarm.New(alarm.Options{Store: store, Publish: p.receive, Tell: func(l cloud.Live) { p.live = append(p.live, l) }, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.desk.Run(ctx) }()
	p.end = func() {
		cancel()
		if err := errors.Join(<-ended, store.Close()); err != nil {
			p.t.Error(err)
		}
	}
}

// receive is the gateway's end of the link: what is published while it is down is gone.
func (p *plant) receive(_ context.Context, topic string, payload []byte) error {
	var ack isa.Acknowledgement
	if err := json.Unmarshal(payload, &ack); err != nil || topic != "dt/plant7/alarm/acknowledge" {
		p.t.Errorf("published %s on %s", payload, topic)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.up {
		p.told = append(p.told, ack)
	}
	return nil
}

func (p *plant) connect(up bool) {
	p.mu.Lock()
	p.up = up
	p.mu.Unlock()
	if up {
		p.desk.Connected("plant7")
	} else {
		p.desk.Gone("plant7")
	}
}

// heard waits for what the gateway was told.
func (p *plant) heard() isa.Acknowledgement {
	p.t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		p.mu.Lock()
		told := p.told
		p.told = nil
		p.mu.Unlock()
		if len(told) > 0 {
			return told[0]
		}
		if time.Now().After(deadline) {
			p.t.Fatal("the gateway was not told")
		}
	}
}

// send stores the gateway's events, as ingest does.
func (p *plant) send(events []isa.Event) {
	p.t.Helper()
	p.seq++
	b := cloud.AlarmBatch{Gateway: "plant7", Epoch: "E", Seq: p.seq, Received: time.Now()}
	for _, e := range events {
		b.Events = append(b.Events, wire.AlarmEvent{Thing: "plant7:press", Alarm: e.Alarm, Sequence: e.Sequence, Occurrence: e.Occurrence, Kind: string(e.Kind),
			From: string(e.From), To: string(e.To), Time: e.Time, Severity: e.Severity.String(), Who: wire.AlarmWho(e.Who)})
	}
	if _, _, err := p.store.AppendAlarms(p.t.Context(), b); err != nil {
		p.t.Fatal(err)
	}
}

func (p *plant) state() cloud.Alarm {
	p.t.Helper()
	a, err := p.store.Alarm(p.t.Context(), "plant7", "oil_hot")
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

var anna = isa.Who{Name: "anna", Comment: "filling up"}

func TestAcknowledgementReachesTheGatewayAndComesBack(t *testing.T) {
	p := newPlant(t)
	p.connect(true)
	p.send(p.own.Step(time.Now(), isa.Input{Condition: isa.On}))
	a, err := p.desk.Acknowledge(t.Context(), "plant7:press", "oil_hot", anna, "10.0.0.7")
	if err != nil || a.Pending == nil || a.State != isa.Unacknowledged {
		t.Fatalf("%+v, %v", a, err)
	}
	if len(p.live) != 1 || p.live[0].Thing != "plant7" || p.live[0].Alarms[0].Pending == nil {
		t.Errorf("watchers saw %+v", p.live)
	}
	events := p.own.Apply(time.Now(), p.heard())
	if len(events) != 1 || events[0].Who != anna {
		t.Fatalf("at the gateway: %+v", events)
	}
	p.send(events)
	if a := p.state(); a.State != isa.Acknowledged || a.Pending != nil || a.Acknowledged.Who != anna {
		t.Errorf("in the cloud: %+v", a)
	}
	lines, err := p.store.AuditTail(t.Context(), 0, 10)
	if err != nil || len(lines) != 1 {
		t.Fatalf("%d lines in the audit log, %v", len(lines), err)
	}
	r, err := audit.Parse(lines[0])
	if err != nil || r.Who != "anna" || r.From != "10.0.0.7" || r.Action != "alarm.acknowledge" || r.Object != "plant7/oil_hot" || r.Details["comment"] != anna.Comment {
		t.Errorf("the line is %+v, %v", r, err)
	}
}

func TestAcknowledgementSurvivesRestartsOfBothEnds(t *testing.T) {
	p := newPlant(t)
	p.send(p.own.Step(time.Now(), isa.Input{Condition: isa.On}))
	if _, err := p.desk.Acknowledge(t.Context(), "plant7", "oil_hot", anna, ""); err != nil {
		t.Fatal(err)
	}
	p.end()
	p.start()
	p.connect(true)
	ack := p.heard() // and lost on its way: no event comes of it
	p.connect(false)
	p.connect(true)
	if again := p.heard(); again != ack || again.Who != anna {
		t.Errorf("told %+v, and before %+v", again, ack)
	}
	p.send(p.own.Apply(time.Now(), ack))
	p.connect(false)
	p.connect(true)
	p.end()
	p.start()
	p.connect(true)
	if acks, err := p.store.Acknowledgements(t.Context(), "plant7"); err != nil || len(acks) != 0 || len(p.told) != 0 {
		t.Errorf("still to be told: %+v, told %+v, %v", acks, p.told, err)
	}
}

func TestAcknowledgementsThatCannotBe(t *testing.T) {
	p := newPlant(t)
	for name, want := range map[string]error{"oil_hot": cloud.ErrNotFound, "oil_low": cloud.ErrNotFound} {
		if _, err := p.desk.Acknowledge(t.Context(), "plant7", name, anna, ""); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	p.send(p.own.Step(time.Now(), isa.Input{Condition: isa.On}))
	p.send(p.own.Acknowledge(time.Now(), isa.Who{Name: "ben"}))
	if _, err := p.desk.Acknowledge(t.Context(), "plant7", "oil_hot", anna, ""); !errors.Is(err, cloud.ErrConflict) || !strings.Contains(err.Error(), "acknowledged") {
		t.Errorf("one that ben acknowledged at the gateway: %v", err)
	}
	long := isa.Who{Name: "anna", Comment: strings.Repeat("x", 1025)}
	if _, err := p.desk.Acknowledge(t.Context(), "plant7", "oil_hot", long, ""); !errors.Is(err, cloud.ErrInvalid) {
		t.Errorf("a comment of 1025 bytes: %v", err)
	}
}

func TestAlarmOfACloudRule(t *testing.T) {
	p := newPlant(t)
	if err := p.store.CreateThing(t.Context(), cloud.Thing{Name: "thermo1", Kind: cloud.KindThing}); err != nil {
		t.Fatal(err)
	}
	saw := time.Now().Add(-time.Minute)
	raise := alarm.Raise{Thing: "thermo1", Name: "too_hot", Rule: "watch", Severity: isa.Critical, Text: "it is hot", Time: saw}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	history := func(want string) {
		t.Helper()
		events, err := p.store.AlarmHistory(t.Context(), cloud.AlarmQuery{Thing: "thermo1", Max: 100})
		must(err)
		var kinds []string
		for _, e := range events {
			kinds = append(kinds, e.Kind)
		}
		if got := strings.Join(kinds, " "); got != want {
			t.Errorf("the history is %q, want %q", got, want)
		}
	}
	must(p.desk.Raise(t.Context(), raise))
	must(p.desk.Raise(t.Context(), raise))
	a, err := p.store.Alarm(t.Context(), "thermo1", "too_hot")
	if must(err); !a.Waits() || !a.Own || a.Severity != isa.Critical || a.Text != "it is hot" || a.Rule != "watch" {
		t.Errorf("raised: %+v", a)
	}
	history("gone raised")
	p.end()
	p.start()
	a, err = p.desk.Acknowledge(t.Context(), "thermo1", "too_hot", anna, "")
	if must(err); a.State != isa.Normal || a.Pending != nil {
		t.Errorf("acknowledged: %+v", a)
	}
	must(p.desk.Raise(t.Context(), raise)) // again after a crash: what it saw is older than the acknowledgement
	history("acknowledged gone raised")
	raise.Time = time.Now().Add(time.Second)
	must(p.desk.Raise(t.Context(), raise))
	history("gone raised acknowledged gone raised")

	p.send(p.own.Step(time.Now(), isa.Input{Condition: isa.On}))
	for want, r := range map[error]alarm.Raise{cloud.ErrNotFound: {Thing: "nobody", Name: "a", Time: saw}, cloud.ErrInvalid: {Thing: "thermo1", Time: saw},
		cloud.ErrConflict: {Thing: "plant7", Name: "oil_hot", Time: saw}} {
		if err := p.desk.Raise(t.Context(), r); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", r, err, want)
		}
	}
	lines, err := p.store.AuditTail(t.Context(), 0, 10)
	if must(err); len(lines) != 1 {
		t.Errorf("%d lines in the audit log, want the one of the acknowledgement", len(lines))
	}
}

// An alarm that follows a condition clears by itself, and is stored and told once for each change.
func TestFollow(t *testing.T) {
	p := newPlant(t)
	at := time.Now()
	follow := func(on bool) cloud.Alarm {
		t.Helper()
		at = at.Add(time.Second)
		c := alarm.Condition{On: on, Raise: alarm.Raise{Thing: "plant7", Name: "gap", Severity: isa.High, Text: "something is missing", Time: at}}
		for range 2 {
			if err := p.desk.Follow(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		a, err := p.store.Alarm(t.Context(), "plant7", "gap")
		if err != nil && !errors.Is(err, cloud.ErrNotFound) {
			t.Fatal(err)
		}
		return a
	}
	if a := follow(false); a.Name != "" || len(p.live) != 0 {
		t.Errorf("of what never was: %+v", a)
	}
	if a := follow(true); a.State != isa.Unacknowledged || !a.Own || a.Severity != isa.High || a.Text != "something is missing" {
		t.Errorf("on: %+v", a)
	}
	if a, err := p.desk.Acknowledge(t.Context(), "plant7", "gap", isa.Who{Name: "anna"}, "test"); err != nil || a.State != isa.Acknowledged {
		t.Errorf("acknowledged while it lasts: %+v, %v", a, err)
	}
	if a := follow(false); a.State != isa.Normal {
		t.Errorf("over: %+v", a)
	}
	if a := follow(true); a.State != isa.Unacknowledged {
		t.Errorf("again: %+v", a)
	}
	if a := follow(false); a.State != isa.Normal || len(p.live) != 5 {
		t.Errorf("over, and nobody has acknowledged: %+v, told %d times", a, len(p.live))
	}
}
