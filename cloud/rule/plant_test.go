package rule_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/rule"
	"github.com/penstock-edge/penstock/cloud/store/local"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// plant is an engine over a real store, a subscriber to everything, an alarm panel, and a receiver of webhooks.
type plant struct {
	*rule.Engine
	t        testing.TB
	dir      string
	o        rule.Options
	store    *local.Store
	end      func()
	seq      uint64
	hooks    *hooks
	patience time.Duration // of until

	mu        sync.Mutex
	published []rule.Publication
	raised    []rule.Alarm
	refuse    func(p rule.Publication) error // nil: nothing is
}

var anna = rule.Person{Name: "anna", From: "10.0.0.9"}

func newPlant(t testing.TB, tune func(*rule.Options)) *plant {
	t.Helper()
	p := &plant{t: t, dir: t.TempDir(), hooks: newHooks(t), patience: 20 * time.Second}
	p.o = rule.Options{Publish: p.publish, Raise: p.raise, Backoff: time.Millisecond, Late: time.Millisecond, Log: slog.New(slog.DiscardHandler),
		Webhooks: rule.Webhooks{Allow: []string{p.hooks.host()}, Keys: map[string][]byte{"k1": []byte("secret")}, Timeout: 300 * time.Millisecond}}
	if tune != nil {
		tune(&p.o)
	}
	p.start()
	t.Cleanup(func() { p.end() })
	p.must(p.store.CreateThing(t.Context(), cloud.Thing{Name: "plant7", Kind: cloud.KindGateway}))
	return p
}

// start has the engine run, on what an earlier one left.
func (p *plant) start() {
	p.t.Helper()
	store, err := local.Open(context.Background(), p.dir, local.Options{}, slog.New(slog.DiscardHandler))
	p.must(err)
	p.store, p.o.Store = store, store
	p.Engine, err = rule.New(context.Background(), p.o)
	p.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	engine := p.Engine
	go func() { ended <- engine.Run(ctx) }()
	p.end = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, store.Close()); err != nil {
			p.t.Error(err)
		}
	})
}

func (p *plant) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *plant) publish(_ context.Context, m rule.Publication) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse != nil {
		if err := p.refuse(m); err != nil {
			return err
		}
	}
	p.published = append(p.published, m)
	return nil
}

func (p *plant) raise(_ context.Context, a rule.Alarm) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.raised = append(p.raised, a)
	return nil
}

// rule makes one of a statement and actions as JSON.
func (p *plant) rule(name, sql string, actions ...string) {
	p.t.Helper()
	p.must(p.Create(p.t.Context(), anna, name, document(sql, actions...)))
}

func document(sql string, actions ...string) []byte {
	quoted, _ := json.Marshal(sql)
	return fmt.Appendf(nil, `{"sql":%s,"actions":[%s]}`, quoted, strings.Join(actions, ","))
}

func republish(topic string) string { return fmt.Sprintf(`{"republish":{"topic":%q}}`, topic) }

// send is a client that publishes: nil says that it was taken.
func (p *plant) send(topic, payload string) {
	p.t.Helper()
	p.must(p.Take(p.t.Context(), cloud.InboxItem{Topic: topic, Payload: []byte(payload), Received: time.Now(), ClientID: "press-1", Thing: "press"}))
}

// block is a gateway's: samples of points, all at the same time.
func (p *plant) block(at time.Time, values map[string]float64) {
	p.t.Helper()
	var names []string
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	var samples []telemetry.Sample
	for i, name := range names {
		samples = append(samples, telemetry.Sample{Point: telemetry.PointID(i), Time: at.UnixNano(), Value: telemetry.Float64(values[name])})
	}
	p.append(names, samples)
}

func (p *plant) append(names []string, samples []telemetry.Sample) {
	p.t.Helper()
	block, err := wire.NewEncoder(wire.Fastest).AppendBlock(nil, names, samples)
	p.must(err)
	sum, err := wire.Peek(block)
	p.must(err)
	p.seq++
	b := cloud.Batch{Thing: "plant7", Epoch: "E", Seq: p.seq, Received: time.Now(), Block: block, Samples: sum.Samples, Points: sum.Points, From: sum.From, To: sum.To}
	p.must(p.Block(&b))
	_, err = p.store.Append(p.t.Context(), b)
	p.must(err)
}

// messages are what was published, as "topic payload".
func (p *plant) messages() (texts []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.published {
		texts = append(texts, m.Topic+" "+string(m.Payload))
	}
	return texts
}

// until waits for something to become so.
func (p *plant) until(what string, so func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(p.patience); !so(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("still waiting: %s\npublished %q\nhooks %q\nstats %+v", what, p.messages(), p.hooks.bodies(), p.Stats())
		}
	}
}

// gets waits for these messages, in any order, and no others so far.
func (p *plant) gets(want ...string) {
	p.t.Helper()
	slices.Sort(want)
	p.until(fmt.Sprintf("%q", want), func() bool { return len(p.messages()) >= len(want) })
	if got := p.messages(); !slices.Equal(sorted(got), want) {
		p.t.Errorf("published\n%q, want\n%q", got, want)
	}
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

// settled waits until all that was sent was looked at and done.
func (p *plant) settled() {
	p.t.Helper()
	p.until("nothing is left to do", func() bool {
		items, err := p.store.Inbox(p.t.Context(), 0, 1)
		p.must(err)
		queues, err := p.store.Queues(p.t.Context())
		p.must(err)
		return len(items)+len(queues)+len(p.Waiting()) == 0
	})
}

// deaths are a rule's executions that failed, the first one first.
func (p *plant) deaths(name string) (texts []string) {
	p.t.Helper()
	items, err := p.store.DeadItems(p.t.Context(), name, 0, 100)
	p.must(err)
	for _, d := range slices.Backward(items) {
		texts = append(texts, fmt.Sprintf("%s %d tries: %s", d.Kind, d.Tries, d.Error))
	}
	return texts
}

// hooks receives webhooks.
type hooks struct {
	server *httptest.Server

	mu     sync.Mutex
	got    []hook
	answer http.HandlerFunc // nil: 200
}

type hook struct {
	*http.Request
	body string
}

func newHooks(t testing.TB) *hooks {
	h := &hooks{}
	h.server = httptest.NewServer(http.HandlerFunc(h.serve))
	h.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	t.Cleanup(h.server.Close)
	return h
}

func (h *hooks) host() string { return strings.TrimPrefix(h.server.URL, "http://") }

func (h *hooks) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	h.got = append(h.got, hook{r, string(body)})
	answer := h.answer
	h.mu.Unlock()
	if answer != nil {
		answer(w, r)
	}
}

func (h *hooks) bodies() (texts []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, one := range h.got {
		texts = append(texts, one.URL.Path+" "+one.body)
	}
	return texts
}

func (h *hooks) answers(f http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer, h.got = f, nil
}
