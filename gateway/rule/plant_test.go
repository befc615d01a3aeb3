package rule_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/adapters/all"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/rule"
	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// press is a plant that all stories play in: its rules come behind it.
const press = `version: 1
gateway: {id: plant7}
connections: {plc: {modbus: tcp, address: "127.0.0.1:1"}}
devices:
  - name: press
    connection: plc
    unit: 1
    points:
      oil_temp: {at: hr:0, type: float32, unit: °C}
      force: {at: hr:2, type: float32}
      running: {at: di:0}
      start: {at: co:0, access: rw}
      speed: {at: hr:4, type: uint16, access: rw}
exec: [/bin/sh, /usr/bin/env, /bin/sleep]
rules:
`

// load reads a configuration of the press with these rules.
func load(t testing.TB, rules string) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(file, []byte(press+rules), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, report := config.Load(file, all.Kinds())
	if cfg == nil || report.Errors() > 0 {
		t.Fatalf("the configuration: %v", report)
	}
	return cfg
}

// folder is where state is, in memory where there is such a place: tests kill, and do not cut the power.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "rule-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// hands write down what they are told, with the time since the story began.
type hands struct {
	began   time.Time
	engine  *rule.Engine
	names   []config.Point
	holding chan struct{} // not nil: writes wait until it is closed
	away    chan struct{} // not nil: messages wait until it is closed
	fails   error         // of writes

	mu       sync.Mutex
	did      []string
	orders   []rule.Order
	seen     map[string]bool // keys of orders, also of engines before: an order that comes again is not carried out
	occasion uint64          // of the last alarm
	again    int             // how often that was
}

func (h *hands) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.did = append(h.did, fmt.Sprintf("%v ", time.Since(h.began).Round(time.Millisecond))+fmt.Sprintf(format, args...))
}

// told gives what was noted since it was asked last.
func (h *hands) told() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := strings.Join(h.did, "; ")
	h.did = nil
	return s
}

func (h *hands) Set(samples []telemetry.Sample) {
	for _, s := range samples {
		what := s.Value.String()
		if !s.Quality.IsGood() {
			what += "?" + s.Quality.Severity()
		}
		h.note("set %s=%s", h.names[s.Point].FullName(), what)
	}
	h.engine.Put(samples)
}

func (h *hands) Write(ctx context.Context, o rule.Order) error {
	if h.holding != nil {
		select {
		case <-h.holding:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	h.mu.Lock()
	twice := h.seen[o.Key]
	h.mu.Unlock()
	if !twice {
		h.note("write %s=%s", h.names[o.Point].FullName(), o.Value)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen[o.Key] = true; twice {
		h.again++
	}
	h.orders = append(h.orders, o)
	return h.fails
}

func (h *hands) Publish(ctx context.Context, topic string, payload []byte) error {
	if h.away != nil {
		select {
		case <-h.away:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	h.note("publish %s %s", topic, payload)
	return nil
}

func (h *hands) Hurry(points []telemetry.PointID, scan, d time.Duration) {
	h.note("scan %d points every %v for %v", len(points), scan, d)
}

func (h *hands) Alarm(a rule.Alarm) {
	h.note("alarm %s %v %q", a.Rule, a.On, a.Text)
	if a.Occasion <= h.occasion {
		h.note("occasion %d after %d", a.Occasion, h.occasion)
	}
	h.occasion = a.Occasion
}

// site is an engine that runs in virtual time, and what it did.
type site struct {
	t      *testing.T
	cfg    *config.Config
	dir    string
	db     *state.DB
	engine *rule.Engine
	hands  *hands
	log    io.Writer
	full   atomic.Bool // the disk
	stop   func()
}

// disk refuses when it is full.
type disk struct {
	*state.DB
	full *atomic.Bool
}

func (d disk) Update(room string, change func(state.Shelf) error) error {
	if d.full.Load() {
		return errors.New("no space left on device")
	}
	return d.DB.Update(room, change)
}

// during tells a story of a press with rules, in virtual time.
func during(t *testing.T, rules string, story func(*site)) {
	t.Helper()
	cfg, dir := load(t, rules), folder(t)
	synctest.Test(t, func(t *testing.T) {
		s := &site{t: t, cfg: cfg, dir: dir, hands: &hands{began: time.Now(), names: cfg.Points, seen: map[string]bool{}}, log: io.Discard}
		s.start()
		story(s)
		s.stop()
		if err := s.db.Close(); err != nil {
			t.Error(err)
		}
	})
}

// start opens the state and runs an engine on it.
func (s *site) start() {
	s.t.Helper()
	var err error
	if s.db, err = state.Open(s.dir); err != nil {
		s.t.Fatal(err)
	}
	s.engine, err = rule.New(s.cfg, disk{s.db, &s.full}, s.hands, rule.Options{}, slog.New(slog.NewTextHandler(s.log, nil)))
	if err != nil {
		s.t.Fatal(err)
	}
	s.hands.engine = s.engine
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.engine.Run(ctx) }()
	s.stop = func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("Run: %v", err)
		}
	}
	synctest.Wait()
}

// kill goes on with what is on disk just now, as after kill -9. Whatever the old engine does afterwards, nobody sees it.
func (s *site) kill() {
	s.t.Helper()
	image, err := os.ReadFile(filepath.Join(s.dir, "state.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	old := s.hands
	old.mu.Lock()
	s.hands = &hands{began: old.began, names: s.cfg.Points, did: old.did, seen: maps.Clone(old.seen), again: old.again}
	old.mu.Unlock()
	s.stop()
	if err := s.db.Close(); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "state.db"), image, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.start()
}

func (s *site) point(name string) telemetry.PointID {
	s.t.Helper()
	i := slices.IndexFunc(s.cfg.Points, func(p config.Point) bool { return p.FullName() == name })
	if i < 0 {
		s.t.Fatalf("there is no point %s", name)
	}
	return telemetry.PointID(i)
}

// value makes one of what Go has.
func value(v any) telemetry.Value {
	switch v := v.(type) {
	case bool:
		return telemetry.Bool(v)
	case int:
		return telemetry.Int64(int64(v))
	case float64:
		return telemetry.Float64(v)
	case string:
		return telemetry.String(v)
	}
	return telemetry.Value{}
}

// read puts a sample of a point; nil is a bad one.
func (s *site) read(name string, v any) {
	s.t.Helper()
	sample := telemetry.Sample{Point: s.point(name), Time: time.Now().UnixNano(), Value: value(v)}
	if v == nil {
		sample.Quality = telemetry.BadTimeout
	}
	s.engine.Put([]telemetry.Sample{sample})
	synctest.Wait()
}

// wait lets time pass.
func (s *site) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// want compares what the hands were told since the last time.
func (s *site) want(want ...string) {
	s.t.Helper()
	if got := s.hands.told(); got != strings.Join(want, "; ") {
		s.t.Errorf("the hands were told\n  %s\nwant\n  %s", got, strings.Join(want, "; "))
	}
}
