package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/alarm"
	"github.com/penstock-edge/penstock/cloud/api"
	"github.com/penstock-edge/penstock/cloud/command"
	"github.com/penstock-edge/penstock/cloud/store/local"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/wire"
)

// site is a cloud whose gateway plant7 is played by the test: it knows what is published, and says what comes of it.
type site struct {
	*shell
	store *local.Store
	room  *command.Room
	acks  chan isa.Acknowledgement

	mu     sync.Mutex
	answer string // to the next command; empty: silence
}

func newSite(t *testing.T) *site {
	t.Helper()
	store, err := local.Open(t.Context(), t.TempDir(), local.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := &site{shell: &shell{t: t, dir: t.TempDir(), errs: &buffer{}}, store: store, acks: make(chan isa.Acknowledgement, 10)}
	desk := alarm.New(alarm.Options{Store: store, Publish: s.acknowledged})
	s.room = command.New(command.Options{Store: store, Publish: s.asked})
	session := api.NewSession(sha256.Sum256([]byte("secret")), make([]byte, 32))
	handler := api.New(api.Options{Store: store, Alarms: desk, Commands: s.room, Who: session.Who, Log: slog.New(slog.DiscardHandler)})
	server := httptest.NewTLSServer(session.Required(handler))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = desk.Run(ctx) })
	running.Go(func() { _ = s.room.Run(ctx) })
	t.Cleanup(func() {
		server.Close()
		cancel()
		running.Wait()
		store.Close()
	})
	s.trust(server)
	if err := store.CreateThing(t.Context(), cloud.Thing{Name: "plant7", Kind: cloud.KindGateway}); err != nil {
		t.Fatal(err)
	}
	return s
}

// trust points the commands at the server.
func (s *site) trust(server *httptest.Server) {
	s.t.Helper()
	ca := filepath.Join(s.dir, "ca.crt")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.t.Setenv("PENSTOCK_CLOUD_URL", server.URL)
	s.t.Setenv("PENSTOCK_CLOUD_CA", ca)
	s.t.Setenv("PENSTOCK_CLOUD_TOKEN", "secret")
}

func (s *site) acknowledged(_ context.Context, _ string, payload []byte) error {
	var ack isa.Acknowledgement
	if err := json.Unmarshal(payload, &ack); err != nil {
		return err
	}
	s.acks <- ack
	return nil
}

// asked has the gateway answer a command.
func (s *site) asked(ctx context.Context, topic string, _ []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, execution, _, _ := wire.ParseCommandTopic(topic)
	if s.answer == "" {
		return nil
	}
	return s.room.Response(ctx, "plant7", execution, []byte(s.answer))
}

func (s *site) answers(payload string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = payload
}

func (s *site) wantIn(out string, parts ...string) {
	s.t.Helper()
	for _, part := range parts {
		if !strings.Contains(out, part) {
			s.t.Errorf("%q is not in:\n%s", part, out)
		}
	}
}

func TestAlarmIsListedAndAcknowledged(t *testing.T) {
	s := newSite(t)
	if out := s.must("alarms"); out != "no alarms\n" {
		t.Errorf("alarms printed %q", out)
	}
	event := wire.AlarmEvent{Thing: "plant7:press", Alarm: "oil_hot", Sequence: 7, Occurrence: 7, Kind: "raised", From: "normal", To: "unacknowledged",
		Severity: "high", Time: time.Now().UTC(), Text: "oil at 91 °C"}
	if _, _, err := s.store.AppendAlarms(t.Context(), cloud.AlarmBatch{Gateway: "plant7", Epoch: "E", Seq: 1, Events: []wire.AlarmEvent{event}}); err != nil {
		t.Fatal(err)
	}
	s.wantIn(s.must("alarms", "plant7"), "THING", "plant7:press", "oil_hot", "high", "unacknowledged", "oil at 91 °C")
	s.wantIn(s.must("ack", "plant7", "oil_hot", "--comment", "filling up"), "acknowledged here by admin, and plant7 not told yet")
	if ack := <-s.acks; ack.Who != (isa.Who{Name: "admin", Comment: "filling up"}) || ack.Sequence != 7 {
		t.Errorf("the gateway was told %+v", ack)
	}
	var a cloud.Alarm
	if err := json.Unmarshal([]byte(s.must("alarms", "--all", "-o", "json")), &a); err != nil || a.Pending == nil {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := s.do("ack", "plant7", "oil_low"); err == nil {
		t.Error("an alarm that is not there was acknowledged")
	}
	s.wantIn(s.must("audit"), "admin", "alarm.acknowledge", "plant7/oil_hot", "done")
}

func TestValueIsWritten(t *testing.T) {
	s := newSite(t)
	s.answers(`{"status":"SUCCEEDED","result":{"value":42.5}}`)
	if out := s.must("write", "plant7", "press.setpoint", "42.5"); out != "press.setpoint of plant7 is 42.5\n" {
		t.Errorf("write printed %q", out)
	}
	s.answers(`{"status":"REJECTED","statusReason":{"reasonCode":"OUT_OF_RANGE","reasonDescription":"at most 50 may be written"}}`)
	if _, err := s.do("write", "plant7", "press.setpoint", "420"); err == nil || !strings.Contains(err.Error(), "nothing was written: at most 50") {
		t.Errorf("what the gateway refused: %v", err)
	}
	if _, err := s.do("write", "plant7", "press.setpoint", "-5"); err == nil || exitCode(err) != 2 || !strings.Contains(err.Error(), "-- -5") {
		t.Errorf("a value below zero that looks like a flag: %v", err)
	}
	s.answers("")
	s.wantIn(s.must("write", "plant7", "press.recipe", "0815", "--text", "--wait", "10ms"), "plant7 has not answered yet")
	if _, err := s.do("write", "plant7", "press", "1"); err == nil || !strings.Contains(err.Error(), "DEVICE.POINT") {
		t.Errorf("a point without a device: %v", err)
	}
	var values []string
	found, err := s.store.Commands(t.Context(), cloud.CommandQuery{Max: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range found {
		values = append(values, string(c.Value))
	}
	if got := strings.Join(values, " "); got != `"0815" 420 42.5` {
		t.Errorf("asked for %s", got)
	}
	s.wantIn(s.must("audit", "--last", "3"), "plant7/press.setpoint = 420", "refused", "at most 50", `= "0815"`)
}

func TestAuditIsExportedAndVerified(t *testing.T) {
	s := newSite(t)
	s.answers(`{"status":"SUCCEEDED"}`)
	for range 3 {
		s.must("write", "plant7", "press.start", "true")
	}
	if out := s.must("audit", "verify"); out != "6 lines, as they were written\n" {
		t.Errorf("verify printed %q", out)
	}
	if lines := strings.Split(strings.TrimSpace(s.must("audit", "--last", "4", "-o", "json")), "\n"); len(lines) != 4 || !strings.HasPrefix(lines[0], `{"seq":3,`) {
		t.Errorf("the last four lines are %q", lines)
	}
	file := filepath.Join(s.dir, "audit.ndjson")
	export := []byte(s.must("audit", "export"))
	for name, c := range map[string]struct {
		text []byte
		want string // in the error; empty: none
	}{
		"untouched":      {export, ""},
		"a changed name": {bytes.Replace(export, []byte(`"who":"admin"`), []byte(`"who":"nobody"`), 1), "line 2"},
		"a line missing": {export[bytes.IndexByte(export, '\n')+1:], "line 1"},
		"no log at all":  {[]byte("notes\n"), "line 1"},
	} {
		if err := os.WriteFile(file, c.text, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := s.do("audit", "verify", file)
		if c.want == "" && (err != nil || !strings.HasPrefix(out, "6 lines")) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || exitCode(err) != 1) {
			t.Errorf("%s: %q, %v; want %q", name, out, err, c.want)
		}
	}
}

func TestTypedValues(t *testing.T) {
	for typedIn, want := range map[string]string{"42": `42`, "-1.5e3": `-1.5e3`, "true": `true`, "False": `"False"`, "null": `"null"`, `"4"`: `"\"4\""`, "auto": `"auto"`, "": `""`, "0815": `"0815"`, "{}": `"{}"`} {
		if got, err := json.Marshal(typed(typedIn, false)); err != nil || string(got) != want {
			t.Errorf("%q is %s (%v), want %s", typedIn, got, err, want)
		}
	}
}
