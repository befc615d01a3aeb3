package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/store/local"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/audit"
	"github.com/penstock-edge/penstock/sync/wire"
)

// site is the API on the real store. Alarms and commands end at the store: no gateway is there to answer.
type site struct {
	*local.Store
	t       *testing.T
	handler http.Handler
}

func newSite(t *testing.T) *site {
	t.Helper()
	store, err := local.Open(t.Context(), t.TempDir(), local.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	s := &site{Store: store, t: t}
	for name, kind := range map[string]cloud.ThingKind{"plant7": cloud.KindGateway, "plant7:press": cloud.KindDevice} {
		if err := store.CreateThing(t.Context(), cloud.Thing{Name: name, Kind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	s.handler = New(Options{Store: s, Alarms: ends{s}, Commands: ends{s}, Who: func(*http.Request) string { return "admin" }, Log: slog.New(slog.DiscardHandler)})
	return s
}

// ends is where alarms and commands end.
type ends struct{ *site }

func (e ends) Acknowledge(ctx context.Context, thing, name string, who isa.Who, from string) (cloud.Alarm, error) {
	a, err := e.Alarm(ctx, thing, name)
	if err != nil {
		return a, err
	}
	ack := isa.Acknowledgement{Alarm: name, Occurrence: a.Occurrence, Sequence: a.Sequence, Time: time.Unix(1_700_000_000, 0).UTC(), Who: who}
	return e.site.Acknowledge(ctx, a.Gateway, ack, audit.Entry{Who: who.Name, From: from, Action: "alarm.acknowledge", Object: name, Outcome: audit.Done})
}

func (e ends) Create(ctx context.Context, a cloud.CommandAsk) (cloud.Command, error) {
	if a.TTL < time.Second {
		return cloud.Command{}, fmt.Errorf("a ttl of %v is %w", a.TTL, cloud.ErrInvalid)
	}
	c := cloud.Command{Execution: "01A", Gateway: a.Gateway, Point: a.Point, Value: a.Value, Who: a.Who, Status: wire.CommandCreated}
	return c, e.CreateCommand(ctx, c, 1)
}

func (e ends) Wait(ctx context.Context, execution string) (cloud.Command, error) {
	a := cloud.CommandAnswer{Gateway: "plant7", Execution: execution, Response: wire.CommandResponse{Status: wire.CommandSucceeded}}
	c, _, err := e.AnswerCommand(ctx, a, func(cloud.Command) []audit.Entry { return nil })
	return c, err
}

// ask makes a request and gives the status and the answer.
func (s *site) ask(method, path, body string) (int, map[string]json.RawMessage) {
	s.t.Helper()
	w := s.raw(method, path, body)
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		s.t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
	}
	return w.Code, answer
}

func (s *site) raw(method, path, body string) *httptest.ResponseRecorder {
	s.t.Helper()
	var from io.Reader
	if body != "" {
		from = strings.NewReader(body)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, httptest.NewRequestWithContext(s.t.Context(), method, path, from))
	return w
}

// want makes a request that has a status, and reads a field of the answer.
func (s *site) want(status int, method, path, body, field string, into any) {
	s.t.Helper()
	got, answer := s.ask(method, path, body)
	if got != status {
		s.t.Fatalf("%s %s: %d %s, want %d", method, path, got, answer["message"], status)
	}
	if field == "" {
		return
	}
	if err := json.Unmarshal(answer[field], into); err != nil {
		s.t.Fatalf("%s %s: %s is %s: %v", method, path, field, answer[field], err)
	}
}

// raise has alarms of the press come up, a second after the other.
func (s *site) raise(names ...string) {
	s.t.Helper()
	var events []wire.AlarmEvent
	for i, name := range names {
		events = append(events, wire.AlarmEvent{Thing: "plant7:press", Alarm: name, Sequence: 7, Occurrence: 7, Kind: "raised", From: "normal", To: "unacknowledged",
			Severity: "high", Time: time.Unix(1_700_000_000+int64(i), 0).UTC(), Text: name})
	}
	if _, _, err := s.AppendAlarms(s.t.Context(), cloud.AlarmBatch{Gateway: "plant7", Events: events}); err != nil {
		s.t.Fatal(err)
	}
}
