package command_test

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
	"github.com/penstock-edge/penstock/cloud/command"
	"github.com/penstock-edge/penstock/cloud/store/local"
	"github.com/penstock-edge/penstock/sync/audit"
	"github.com/penstock-edge/penstock/sync/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// plant is a gateway, the cloud it belongs to, and the link between them.
type plant struct {
	t     *testing.T
	dir   string
	store *local.Store
	room  *command.Room
	end   func()

	mu    sync.Mutex
	live  []cloud.Command
	up    bool
	asked []asked
	ahead time.Duration // of time.Now
}

// asked is a request as the gateway got it.
type asked struct {
	execution string
	wire.CommandRequest
}

func newPlant(t *testing.T) *plant {
	t.Helper()
	p := &plant{t: t, dir: t.TempDir()}
	p.start()
	t.Cleanup(func() { p.end() })
	for name, kind := range map[string]cloud.ThingKind{"plant7": cloud.KindGateway, "plant8": cloud.KindGateway, "plant7:press": cloud.KindDevice} {
		if err := p.store.CreateThing(t.Context(), cloud.Thing{Name: name, Kind: kind}); err != nil {
			t.Fatal(err)
		}
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
	p.room = command.New(command.Options{Store: store, Publish: p.receive, Tell: p.watch, Now: p.now, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.room.Run(ctx) }()
	p.end = func() {
		cancel()
		if err := errors.Join(<-ended, store.Close()); err != nil {
			p.t.Error(err)
		}
	}
}

func (p *plant) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Add(p.ahead)
}

// age has time pass.
func (p *plant) age(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ahead += d
}

func (p *plant) watch(l cloud.Live) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live = append(p.live, l.Commands...)
}

// receive is the gateway's end of the link: what is published while it is down is gone.
func (p *plant) receive(_ context.Context, topic string, payload []byte) error {
	thing, execution, response, ok := wire.ParseCommandTopic(topic)
	req, err := wire.ParseCommandRequest(payload)
	if err != nil || !ok || response || thing != "plant7" {
		p.t.Errorf("published %s on %s: %v", payload, topic, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.up {
		p.asked = append(p.asked, asked{execution, req})
	}
	return nil
}

func (p *plant) connect(up bool) {
	p.mu.Lock()
	p.up = up
	p.mu.Unlock()
	if up {
		p.room.Connected("plant7")
	} else {
		p.room.Gone("plant7")
	}
}

// heard waits for a number of requests to the gateway.
func (p *plant) heard(n int) []asked {
	p.t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		p.mu.Lock()
		if len(p.asked) >= n {
			defer p.mu.Unlock()
			got := p.asked
			p.asked = nil
			return got
		}
		p.mu.Unlock()
		if time.Now().After(deadline) {
			p.t.Fatalf("the gateway was not asked %d times", n)
		}
	}
}

func (p *plant) create(ttl time.Duration) cloud.Command {
	p.t.Helper()
	c, err := p.room.Create(p.t.Context(), ask(ttl))
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

func ask(ttl time.Duration) cloud.CommandAsk {
	return cloud.CommandAsk{Gateway: "plant7", Point: "press.start", Value: json.RawMessage("true"), Who: "anna", From: "10.0.0.7", TTL: ttl}
}

func (p *plant) respond(execution, payload string) {
	p.t.Helper()
	if err := p.room.Response(p.t.Context(), "plant7", execution, []byte(payload)); err != nil {
		p.t.Error(err)
	}
}

func (p *plant) wait(execution string, patience time.Duration) cloud.Command {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	c, err := p.room.Wait(ctx, execution)
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// lines are the outcomes in the audit log, oldest first, with who stands for them.
func (p *plant) lines() (told []string) {
	p.t.Helper()
	err := p.store.AuditLines(p.t.Context(), 0, func(_ uint64, line []byte) bool {
		r, err := audit.Parse(line)
		if err != nil || r.Action != "point.write" || r.Object != "plant7/press.start" || r.Trace == "" {
			p.t.Errorf("the line %s: %v", line, err)
		}
		told = append(told, r.Who+" "+string(r.Outcome))
		return true
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return told
}

func (p *plant) wantLines(want ...string) {
	p.t.Helper()
	if got := p.lines(); strings.Join(got, ", ") != strings.Join(want, ", ") {
		p.t.Errorf("the audit log has %q, want %q", got, want)
	}
}

const done = `{"status":"SUCCEEDED","result":{"value":true,"time":"2026-11-22T10:00:00Z"}}`

func TestCommandIsAnswered(t *testing.T) {
	p := newPlant(t)
	p.connect(true)
	c := p.create(time.Minute)
	got := p.heard(1)[0]
	if got.execution != c.Execution || got.Point != "press.start" || string(got.Value) != "true" || got.Who != "anna" || !got.Expires.Equal(c.Expires) {
		t.Errorf("asked for %+v of %+v", got, c)
	}
	answered := make(chan cloud.Command)
	go func() { answered <- p.wait(c.Execution, 5*time.Second) }()
	p.respond(c.Execution, `{"status":"IN_PROGRESS"}`)
	p.respond(c.Execution, done)
	if c := <-answered; c.Status != wire.CommandSucceeded || string(c.Result["value"]) != "true" {
		t.Errorf("answered %+v", c)
	}
	p.respond(c.Execution, done)
	p.respond(c.Execution, `{"status":"FAILED"}`)
	p.respond(c.Execution, `{"status":"IN_PROGRESS"}`)
	if c := p.wait(c.Execution, time.Second); c.Status != wire.CommandSucceeded || c.Late != nil {
		t.Errorf("after more answers: %+v", c)
	}
	p.wantLines("anna asked", "plant7 done")
	var seen []string
	for _, c := range p.live {
		seen = append(seen, string(c.Status))
	}
	if strings.Join(seen, " ") != "CREATED IN_PROGRESS SUCCEEDED" {
		t.Errorf("watchers saw %v", seen)
	}
}

func TestCommandWaitsForItsGateway(t *testing.T) {
	p := newPlant(t)
	first, second := p.create(time.Hour), p.create(time.Hour)
	if c := p.wait(first.Execution, 10*time.Millisecond); c.Status != wire.CommandCreated {
		t.Errorf("nobody answered, and it is %s", c.Status)
	}
	p.end()
	p.start()
	p.connect(true)
	got := p.heard(2)
	if got[0].execution != first.Execution || got[1].execution != second.Execution {
		t.Errorf("asked for %+v, want the older one first", got)
	}
	p.respond(first.Execution, `{"status":"REJECTED","statusReason":{"reasonCode":"OUT_OF_RANGE","reasonDescription":"too much"}}`)
	p.connect(false)
	p.connect(true)
	if got := p.heard(1); len(got) != 1 || got[0].execution != second.Execution {
		t.Errorf("after it had answered one, asked for %+v", got)
	}
	p.wantLines("anna asked", "anna asked", "plant7 refused")
}

func TestCommandExpires(t *testing.T) {
	p := newPlant(t)
	old, began := p.create(time.Second), p.create(time.Second)
	p.respond(began.Execution, `{"status":"IN_PROGRESS"}`)
	p.end()
	p.age(6 * time.Second)
	p.start()
	c := p.wait(old.Execution, 5*time.Second)
	if c.Status != wire.CommandTimedOut || c.Reason == nil || c.Reason.Code != "EXPIRED" || !strings.Contains(c.Reason.Description, "not connected") {
		t.Fatalf("a command whose time is over: %+v", c)
	}
	if c := p.wait(began.Execution, 10*time.Millisecond); c.Status != wire.CommandInProgress {
		t.Errorf("one that the gateway had begun is %s", c.Status)
	}
	p.connect(true)
	p.respond(old.Execution, done)
	p.respond(old.Execution, `{"status":"FAILED"}`)
	if c := p.wait(old.Execution, time.Second); c.Status != wire.CommandTimedOut || c.Late == nil || c.Late.Status != wire.CommandSucceeded {
		t.Errorf("after a late answer: %+v", c)
	}
	p.wantLines("anna asked", "anna asked", "penstock failed", "plant7 done")
	p.end()
	p.age(time.Minute)
	p.start()
	if c := p.wait(began.Execution, 5*time.Second); c.Status != wire.CommandTimedOut || c.Reason.Code != "NO_ANSWER" {
		t.Errorf("one that was begun and never answered: %+v", c)
	}
	if len(p.asked) != 0 {
		t.Errorf("the gateway was asked for what is over: %+v", p.asked)
	}
}

func TestWhatCannotBeAskedFor(t *testing.T) {
	p := newPlant(t)
	for name, c := range map[string]struct {
		change func(*cloud.CommandAsk)
		want   error
	}{
		"no device":       {func(a *cloud.CommandAsk) { a.Point = "start" }, cloud.ErrInvalid},
		"an object":       {func(a *cloud.CommandAsk) { a.Value = json.RawMessage(`{}`) }, cloud.ErrInvalid},
		"null":            {func(a *cloud.CommandAsk) { a.Value = json.RawMessage(`null`) }, cloud.ErrInvalid},
		"nothing":         {func(a *cloud.CommandAsk) { a.Value = nil }, cloud.ErrInvalid},
		"a long text":     {func(a *cloud.CommandAsk) { a.Value = json.RawMessage(`"` + strings.Repeat("x", 9000) + `"`) }, cloud.ErrInvalid},
		"no time":         {func(a *cloud.CommandAsk) { a.TTL = 0 }, cloud.ErrInvalid},
		"a year":          {func(a *cloud.CommandAsk) { a.TTL = 365 * 24 * time.Hour }, cloud.ErrInvalid},
		"nobody":          {func(a *cloud.CommandAsk) { a.Who = "" }, cloud.ErrInvalid},
		"a device":        {func(a *cloud.CommandAsk) { a.Gateway = "plant7:press" }, cloud.ErrInvalid},
		"unknown gateway": {func(a *cloud.CommandAsk) { a.Gateway = "plant9" }, cloud.ErrNotFound},
	} {
		a := ask(time.Minute)
		c.change(&a)
		if _, err := p.room.Create(t.Context(), a); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	own := p.create(time.Minute)
	for name, c := range map[string]struct {
		gateway, execution, payload string
		want                        error
	}{
		"no answer":         {"plant7", own.Execution, `{"status":"DONE"}`, wire.ErrCommand},
		"another's command": {"plant8", own.Execution, done, cloud.ErrNotFound},
		"an unknown one":    {"plant7", "01X", done, cloud.ErrNotFound},
	} {
		if err := p.room.Response(t.Context(), c.gateway, c.execution, []byte(c.payload)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
