package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/adapters/modbus/modbussim"
	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/gateway/status"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// site is a gateway with a simulated PLC.
type site struct {
	t       testing.TB
	dir     string
	plc     *modbussim.Unit
	cfg     *config.Config
	address string
}

// newSite has the points press.temp (read only), press.setpoint (0..100) and press.mode (an enum), read every 20 ms; extra is
// further YAML.
func newSite(t testing.TB, extra string) *site {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := modbussim.New(slog.New(slog.DiscardHandler))
	s := &site{t: t, dir: t.TempDir(), plc: server.Add(1, 1000), address: ln.Addr().String()}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.ServeTCP(ctx, ln) }()
	t.Cleanup(func() { stop(); <-done })
	s.configure(fmt.Sprintf(`version: 1
gateway: {id: plant7, site: hall-B}
state: %s
scan: {normal: 20ms}
connections:
  plc: {modbus: tcp, address: %q, timeout: 200ms}
devices:
  - name: press
    connection: plc
    points:
      temp:     {at: hr:1, unit: °C}
      setpoint: {at: hr:2, access: rw, range: 0..100}
      mode:     {at: hr:3, access: rw, enum: {0: stopped, 1: running}}
      start:    {at: co:1, access: rw}
local: {web: 127.0.0.1:0}
`, s.dir, ln.Addr()) + extra)
	return s
}

func (s *site) configure(text string) {
	s.t.Helper()
	file := filepath.Join(s.dir, "gateway.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	cfg, report := config.Load(file, []adapters.Kind{modbus.Kind()})
	if cfg == nil {
		s.t.Fatal(report)
	}
	s.cfg = cfg
}

// run starts the gateway; the function it gives stops it and waits.
func (s *site) run() (g *gateway.Gateway, page string, stop func()) {
	s.t.Helper()
	g, err := gateway.Open(s.cfg, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	addresses, done := make(chan []string, 1), make(chan error, 1)
	go func() { done <- g.Run(ctx, func(a []string) { addresses <- a }) }()
	stop = func() {
		s.t.Helper()
		began := time.Now()
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("Run: %v", err)
		}
		if took := time.Since(began); took > 2*time.Second {
			s.t.Errorf("the stop took %v", took)
		}
	}
	return g, (<-addresses)[1], stop
}

// stored counts what is in the buffer of a gateway that has stopped.
func (s *site) stored() (samples, records int) {
	s.t.Helper()
	q, err := buffer.Open(s.cfg.Buffer.Path, buffer.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	defer q.Close()
	if left := q.Unsealed(); len(left) > 0 {
		s.t.Errorf("%d journal entries are not sealed", len(left))
	}
	st := q.Stats()
	return int(st.Samples), int(st.Records)
}

func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come about", what)
		}
	}
}

func TestAllThatWasReadIsOnDiskAfterAStop(t *testing.T) {
	for what, cloud := range map[string]string{
		"on its own":                        "",
		"with a cloud that isn't there":     "cloud: [{url: \"mqtts://127.0.0.1:1\"}]\n",
		"with every sample on disk at once": "buffer: {flush: always}\n",
	} {
		t.Run(what, func(t *testing.T) {
			s := newSite(t, cloud)
			g, _, stop := s.run()
			until(t, "100 samples", func() bool { return g.Status().SamplesKept >= 100 })
			if strings.Contains(cloud, "always") && g.Status().Buffer.Unsaved > 4 {
				t.Errorf("%d samples are not on disk", g.Status().Buffer.Unsaved)
			}
			stop()
			kept := int(g.Status().SamplesKept)
			if n, _ := s.stored(); n != kept {
				t.Errorf("%d samples were kept and %d are on disk", kept, n)
			}
		})
	}
}

func TestTheStatusSaysWhatIsWrong(t *testing.T) {
	s := newSite(t, "cloud: [{url: \"mqtts://127.0.0.1:1\"}]\n")
	g, page, stop := s.run()
	defer stop()
	until(t, "the target's reason", func() bool { return strings.Contains(g.Status().Targets[0].Why, "penstock enroll") })
	until(t, "a reading", func() bool { return g.Status().Connections[0].Requests > 0 })
	s.plc.Silent(true)
	until(t, "the silence", func() bool {
		c := g.Status().Connections[0]
		return c.State == "degraded" && c.Why == "no answer from press"
	})
	var got status.Status
	res, err := http.Get(page + "/api/v1/status")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || got.Gateway != "plant7" || got.Site != "hall-B" || got.Connections[0].State != "degraded" || got.Starts != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	s.plc.Silent(false)
}

func TestAWriteIsBoundByItsLimits(t *testing.T) {
	s := newSite(t, "")
	g, _, stop := s.run()
	defer stop()
	until(t, "a connection", func() bool { return g.Status().Connections[0].State == "up" })
	for _, c := range []struct {
		point, value string
		want         string // what it reads afterwards, or the error's words
		err          error
	}{
		{"press.setpoint", "72", "72", nil},
		{"press.setpoint", "0", "0", nil},
		{"press.setpoint", "100.5", "100.5 is no whole number", status.ErrRefused},
		{"press.setpoint", "101", "outside press.setpoint's range: write 0..100", status.ErrRefused},
		{"press.setpoint", "-1", "-1 does not fit into uint16", status.ErrRefused},
		{"press.setpoint", "NaN", "NaN", status.ErrRefused},
		{"press.setpoint", "warm", "\"warm\" is no number", status.ErrRefused},
		{"press.mode", "running", "1", nil},
		{"press.start", "on", "true", nil},
		{"press.start", "false", "false", nil},
		{"press.temp", "1", "is read only; give it access: rw", status.ErrRefused},
		{"press.none", "1", "no such point", status.ErrNoPoint},
	} {
		got, err := g.Write(t.Context(), status.Write{Point: c.point, Value: c.value, Who: "anna"})
		if c.err == nil && (err != nil || got.Value.String() != c.want) || c.err != nil && (!errors.Is(err, c.err) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s = %s: reads %v, %v; want %s", c.point, c.value, got.Value, err, c.want)
		}
	}
	until(t, "the enum's name", func() bool { return g.Points()[2].Label == "running" })
	if _, err := g.Write(t.Context(), status.Write{Point: "press.mode", Value: "dancing", Who: "anna"}); err == nil {
		t.Error("a word that is no mode was written")
	}
}

func TestWhatACrashLeftIsDelivered(t *testing.T) {
	s := newSite(t, "")
	q, err := buffer.Open(s.cfg.Buffer.Path, buffer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	entry, err := wire.NewEncoder(wire.Balanced).AppendBlock(nil, []string{"press.temp"}, []telemetry.Sample{{Time: 1, Value: telemetry.Int64(7)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range [][]byte{entry, []byte("of another version")} {
		if err := q.Journal(t.Context(), e, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	s.plc.Silent(true)
	g, _, stop := s.run()
	until(t, "what was left to be sealed", func() bool { return g.Status().Buffer.Records >= 2 })
	stop()
	if _, records := s.stored(); records < 2 {
		t.Errorf("%d records, want both entries among them", records)
	}
	s.plc.Silent(false)
}

func TestAGatewayThatCannotStartSaysWhy(t *testing.T) {
	s := newSite(t, "")
	db, err := state.Open(s.cfg.State)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gateway.Open(s.cfg, "test", slog.New(slog.DiscardHandler)); !errors.Is(err, state.ErrInUse) {
		t.Errorf("a state in use: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s.cfg.Local.Web = taken.Addr().String()
	g, err := gateway.Open(s.cfg, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Run(t.Context(), func([]string) { t.Error("ready") }); err == nil || !strings.Contains(err.Error(), "another program has the port") {
		t.Errorf("a port that is taken: %v", err)
	}
}
