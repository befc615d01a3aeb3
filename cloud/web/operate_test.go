package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/audit"
	"github.com/penstock-edge/penstock/sync/wire"
)

// operator notes what it is asked for.
type operator struct {
	asked             []string
	desired, reported map[string]any
	err               error
}

func (o *operator) Acknowledge(_ context.Context, thing, alarm, who, comment, _ string) error {
	o.asked = append(o.asked, fmt.Sprint("acknowledge ", thing, "/", alarm, " by ", who, ": ", comment))
	return o.err
}

func (o *operator) Desire(_ context.Context, thing, key string, value json.RawMessage, who, _ string) error {
	o.asked = append(o.asked, fmt.Sprint("desire ", thing, " ", key, "=", string(value), " by ", who))
	return o.err
}

func (o *operator) Shadow(context.Context, string) (desired, reported map[string]any, err error) {
	return o.desired, o.reported, nil
}

func (o *operator) Command(_ context.Context, gateway, point string, value json.RawMessage, who, _ string) (string, error) {
	o.asked = append(o.asked, fmt.Sprint("command ", gateway, " ", point, "=", string(value), " by ", who))
	return "01K", o.err
}

// operated is a site with somebody to ask.
func operated(t *testing.T) (*site, *operator) {
	t.Helper()
	s, o := newSite(t), &operator{}
	s.web.o.Operator, s.web.o.Who = o, func(*http.Request) string { return "anna" }
	s.thing("plant7", cloud.KindGateway)
	birth, err := wire.EncodeBirth(wire.Birth{Gateway: "plant7", Started: noon, Devices: []wire.BirthDevice{{Name: "boiler", Points: []wire.BirthPoint{
		{Name: "setpoint", Unit: "°C", Access: "rw", Shadow: true, Range: &wire.BirthRange{Min: 20, Max: 95}},
		{Name: "mode", Access: "rw", Command: true, Enum: map[int64]string{0: "off", 1: hostileText}},
		{Name: "lock", Access: "rw"}, {Name: "temperature", Access: "r"},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := wire.DecodeBirth(birth)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.store.SetBirth(t.Context(), "plant7", text); err != nil {
		t.Fatal(err)
	}
	return s, o
}

const hostileText = `<script>alert("x")</script>`

// post sends a form.
func (s *site) post(path string, fields url.Values) (status int, to, body string) {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), "POST", path, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.web.routes().ServeHTTP(w, r)
	return w.Code, w.Header().Get("Location"), w.Body.String()
}

func TestAPointIsSetFromItsPage(t *testing.T) {
	s, o := operated(t)
	page := s.shows("/gateways/plant7/points/boiler.setpoint", `action="/gateways/plant7/points/boiler.setpoint/set"`, `min="20" max="95"`)
	if strings.Contains(page, "is wanted") {
		t.Error("the page waits for something that nobody wants")
	}
	s.shows("/gateways/plant7/points/boiler.mode", `<select`, "&lt;script&gt;")
	for _, name := range []string{"lock", "temperature"} {
		if page := s.shows("/gateways/plant7/points/boiler." + name); strings.Contains(page, "/set\"") {
			t.Errorf("%s may be set", name)
		}
	}
	for _, c := range []struct{ point, value, asked, to string }{
		{"boiler.setpoint", " 72.5 ", "desire plant7:boiler setpoint=72.5 by anna", "/gateways/plant7/points/boiler.setpoint"},
		{"boiler.setpoint", "true", "desire plant7:boiler setpoint=true by anna", "/gateways/plant7/points/boiler.setpoint"},
		{"boiler.setpoint", "0x1F", `desire plant7:boiler setpoint="0x1F" by anna`, "/gateways/plant7/points/boiler.setpoint"},
		{"boiler.mode", "1", "command plant7 boiler.mode=1 by anna", "/gateways/plant7/points/boiler.mode?told=01K"},
	} {
		status, to, _ := s.post("/gateways/plant7/points/"+c.point+"/set", url.Values{"value": {c.value}})
		if status != http.StatusSeeOther || to != c.to || o.asked[len(o.asked)-1] != c.asked {
			t.Errorf("set %s to %s: %d %s, asked %v", c.point, c.value, status, to, o.asked)
		}
	}
	n := len(o.asked)
	for _, point := range []string{"boiler.lock", "boiler.temperature", "boiler.none"} {
		if status, _, _ := s.post("/gateways/plant7/points/"+point+"/set", url.Values{"value": {"1"}}); status != http.StatusConflict || len(o.asked) > n {
			t.Errorf("set %s: %d, asked %v", point, status, o.asked[n:])
		}
	}
	s.out = true
	if status, to, _ := s.post("/gateways/plant7/points/boiler.setpoint/set", url.Values{"value": {"1"}}); to != "/login" || len(o.asked) > n {
		t.Errorf("somebody who is not logged in: %d %s", status, to)
	}
}

func TestAPageSaysWhatIsWantedAndWhyItIsNot(t *testing.T) {
	s, o := operated(t)
	o.desired, o.reported = map[string]any{"setpoint": 80.0}, map[string]any{"setpoint": 72.0}
	s.shows("/gateways/plant7/points/boiler.setpoint", "80 is wanted; it is written when the gateway is back.")
	o.reported["penstock"] = map[string]any{"refused": map[string]any{"setpoint": map[string]any{"message": hostileText}}}
	if page := s.shows("/gateways/plant7/points/boiler.setpoint", "80 is wanted and was refused: &lt;script&gt;"); strings.Contains(page, hostileText) {
		t.Error("a reason is in the page as it came")
	}
	o.err = fmt.Errorf("%w: %s", cloud.ErrInvalid, hostileText)
	if status, _, body := s.post("/gateways/plant7/points/boiler.setpoint/set", url.Values{"value": {"1"}}); status != http.StatusConflict || !strings.Contains(body, "&lt;script&gt;") {
		t.Errorf("what is refused: %d %s", status, body)
	}
}

func TestAlarmsAreListedAndAcknowledged(t *testing.T) {
	s, o := operated(t)
	s.shows("/alarms", "All is normal")
	event := func(name string, seq uint64, kind, from, to string) wire.AlarmEvent {
		return wire.AlarmEvent{Thing: "plant7:boiler", Alarm: name, Sequence: seq, Occurrence: 1, Kind: kind, From: from, To: to, Severity: "high",
			Time: noon.Add(time.Duration(seq) * time.Second), Text: hostileText}
	}
	for i, e := range []wire.AlarmEvent{
		event("too_hot", 1, "raised", "normal", "unacknowledged"), event("too_low", 1, "raised", "normal", "unacknowledged"),
		event("too_low", 2, "shelved", "unacknowledged", "shelved"),
	} {
		if _, _, err := s.store.AppendAlarms(t.Context(), cloud.AlarmBatch{Gateway: "plant7", Epoch: "E", Seq: uint64(i + 1), Received: noon, Events: []wire.AlarmEvent{e}}); err != nil {
			t.Fatal(err)
		}
	}
	page := s.shows("/alarms", "too_hot", "▲", "high", "&lt;script&gt;", `action="/alarms/plant7/too_hot/acknowledge"`, "Hidden", "shelved", "What happened")
	if strings.Contains(page, hostileText) || strings.Contains(page, "too_low/acknowledge") {
		t.Error("a text is in the page as it came, or a hidden alarm asks for somebody")
	}
	status, to, _ := s.post("/alarms/plant7/too_hot/acknowledge", url.Values{"comment": {"filling up"}})
	if status != http.StatusSeeOther || to != "/alarms" || o.asked[0] != "acknowledge plant7/too_hot by anna: filling up" {
		t.Errorf("%d %s %v", status, to, o.asked)
	}
}

func TestTheAuditLogIsShownAndVerified(t *testing.T) {
	s, _ := operated(t)
	s.shows("/audit", "Nothing yet")
	var entries []audit.Entry
	for i := range 150 {
		entries = append(entries, audit.Entry{Time: noon, Who: hostileText, Action: "point.write", Object: fmt.Sprint("point", i), Outcome: audit.Refused, Reason: "out of range", Details: map[string]string{"value": "7"}})
	}
	if err := s.store.Audit(t.Context(), entries...); err != nil {
		t.Fatal(err)
	}
	page := s.shows("/audit?verify", "150 lines, as they were written.", "point149", "= 7", "out of range", `href="/audit?before=51"`)
	if strings.Contains(page, hostileText) || strings.Contains(page, ">point49<") {
		t.Error("a name is in the page as it came, or the page has no end")
	}
	s.shows("/audit?before=51", "point49", "point0")
}
