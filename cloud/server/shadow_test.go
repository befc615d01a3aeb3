package server_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/penstock-edge/penstock/sync/identity"
)

func (l *link) subscribe(filters ...string) []byte {
	l.t.Helper()
	pk := &paho.Subscribe{}
	for _, f := range filters {
		pk.Subscriptions = append(pk.Subscriptions, paho.SubscribeOptions{Topic: f, QoS: 1})
	}
	ack, err := l.Subscribe(l.t.Context(), pk)
	if ack == nil {
		l.t.Fatal(err)
	}
	return ack.Reasons
}

// next is the next message that comes.
func (l *link) next() *paho.Publish {
	l.t.Helper()
	select {
	case p := <-l.received:
		return p
	case <-time.After(10 * time.Second):
		l.t.Fatal("no message came")
		return nil
	}
}

const (
	pressShadow = "$aws/things/press/shadow/"
	update      = pressShadow + "update"
	get         = pressShadow + "get"
	remove      = pressShadow + "delete"
)

// step is one request and what follows from it: the last level of a topic, and what its payload says among other things.
type step struct {
	topic, payload string
	follows        []string
}

// follow publishes requests one after the other and holds what comes against what should.
func (l *link) follow(steps ...step) {
	l.t.Helper()
	for _, s := range steps {
		if code, why := l.publish(s.topic, []byte(s.payload)); code >= 0x80 {
			l.t.Fatalf("%s %s: 0x%X %s", s.topic, s.payload, code, why)
		}
		for _, want := range s.follows {
			kind, text, _ := strings.Cut(want, " ")
			p := l.next()
			if p.Topic != s.topic+"/"+kind || !says(l.t, p.Payload, text) {
				l.t.Errorf("after %s %s came %s %s, want %s", s.topic, s.payload, p.Topic, p.Payload, want)
			}
		}
	}
	if len(l.received) > 0 {
		l.t.Errorf("more came: %s", (<-l.received).Payload)
	}
}

// says reports whether a payload has every member of want as it is there. null stands for one that must not be there.
func says(t testing.TB, payload []byte, want string) bool {
	t.Helper()
	var got, wanted map[string]any
	if err := json.Unmarshal(payload, &got); err != nil {
		t.Errorf("%s: %v", payload, err)
	}
	if want == "" {
		return true
	}
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatalf("%s: %v", want, err)
	}
	for key, value := range wanted {
		if !reflect.DeepEqual(got[key], value) {
			return false
		}
	}
	return true
}

// listener is a thing called press that hears all answers about its shadows.
func listener(t *testing.T) (*site, *link) {
	t.Helper()
	s := newSite(t)
	l := s.mustConnect(s.issue("press"), "press")
	l.subscribe(pressShadow+"+/+", pressShadow+"name/+/+/+")
	return s, l
}

// TestDS1_DS6_AThingKeepsItsShadow: AWS's documents as a client with a certificate sees them over MQTT.
func TestDS1_DS6_AThingKeepsItsShadow(t *testing.T) {
	_, l := listener(t)
	l.follow(
		step{get, ``, []string{`rejected {"code":404,"message":"No shadow exists with name: 'press'"}`}},
		// DS-1, DS-2, DS-3, DS-5
		step{update, `{"state":{"reported":{"a":{"x":1,"y":2},"l":[1,2]}},"clientToken":"t1"}`, []string{
			`accepted {"state":{"reported":{"a":{"x":1,"y":2},"l":[1,2]}},"version":1,"clientToken":"t1"}`,
			`documents {"clientToken":"t1"}`}},
		step{update, `{"state":{"reported":{"a":{"x":null,"z":3},"l":[3]}}}`, []string{
			`accepted {"state":{"reported":{"a":{"x":null,"z":3},"l":[3]}},"version":2,"clientToken":null}`, `documents`}},
		step{get, `{"clientToken":"t2"}`, []string{`accepted {"state":{"reported":{"a":{"y":2,"z":3},"l":[3]}},"version":2,"clientToken":"t2"}`}},
		// DS-4, also when the update did not touch the difference; gone when there is none
		step{update, `{"state":{"desired":{"a":{"y":9},"n":1}}}`, []string{`accepted {"version":3}`, `delta {"state":{"a":{"y":9},"n":1},"version":3}`, `documents`}},
		step{update, `{"state":{"reported":{"n":1}}}`, []string{`accepted {"version":4}`, `delta {"state":{"a":{"y":9}},"version":4}`, `documents`}},
		step{get, ``, []string{`accepted {"state":{"desired":{"a":{"y":9},"n":1},"reported":{"a":{"y":2,"z":3},"l":[3],"n":1},"delta":{"a":{"y":9}}}}`}},
		step{update, `{"state":{"reported":{"a":{"y":9}}}}`, []string{`accepted {"version":5}`, `documents`}},
		// DS-3
		step{update, `{"state":{"reported":{"n":2}},"version":4}`, []string{`rejected {"code":409,"message":"Version conflict"}`}},
		step{update, `{"state":{"reported":{"n":2}},"version":5}`, []string{`accepted {"version":6}`, `delta`, `documents`}},
		step{remove, `{"clientToken":"t3"}`, []string{`accepted {"version":6,"clientToken":"t3","state":null}`}},
		step{remove, ``, []string{`rejected {"code":404}`}},
		step{update, `{"state":{"reported":{"n":1}}}`, []string{`accepted {"version":7}`, `documents`}},
		// DS-1: null
		step{update, `{"state":{"desired":null,"reported":{"n":null}}}`, []string{`accepted {"version":8}`, `documents`}},
		step{update, `{"state":null}`, []string{`accepted {"version":9,"state":null}`, `documents`}},
		step{get, ``, []string{`accepted {"state":{},"metadata":{},"version":9}`}},
		// a shadow by name is another one
		step{pressShadow + "name/recipe/get", ``, []string{`rejected {"code":404,"message":"No shadow exists with name: 'recipe'"}`}},
		step{pressShadow + "name/recipe/update", `{"state":{"desired":{"a":1}}}`, []string{`accepted {"version":1}`, `delta {"state":{"a":1}}`, `documents`}},
	)
}

// TestDS7_DS8_Refusals: what cannot be is answered on rejected, with AWS's words and the client's token; the request itself was acknowledged.
func TestDS7_DS8_Refusals(t *testing.T) {
	_, l := listener(t)
	deep := strings.Repeat(`{"a":`, 7) + "1" + strings.Repeat("}", 7)
	for payload, want := range map[string]string{
		`{`:                                   `{"code":400,"message":"Invalid JSON"}`,
		`{"clientToken":"x"}`:                 `{"code":400,"message":"Missing required node: state","clientToken":"x"}`,
		`{"state":1}`:                         `{"code":400,"message":"State node must be an object"}`,
		`{"state":{"desired":1}}`:             `{"code":400,"message":"Desired node must be an object"}`,
		`{"state":{"reported":[]}}`:           `{"code":400,"message":"Reported node must be an object"}`,
		`{"state":{},"version":"x"}`:          `{"code":400,"message":"Invalid version"}`,
		`{"state":{},"clientToken":1}`:        `{"code":400,"message":"Invalid clientToken"}`,
		`{"state":{"reported":` + deep + `}}`: `{"code":400,"message":"JSON contains too many levels of nesting; maximum is 6"}`,
		`{"state":{"reported":{"a":"` + strings.Repeat("x", 9<<10) + `"}}}`: `{"code":413,"message":"The payload exceeds the maximum size allowed"}`,
		"{\"state\":{\"reported\":{\"a\":\"\xff\"}}}":                       `{"code":415,"message":"Unsupported documented encoding; supported encoding is UTF-8"}`,
	} {
		l.follow(step{update, payload, []string{"rejected " + want}})
	}
}

// TestDS9_REST: what is changed by REST with the admin token is heard by the thing; what is refused is heard by nobody. A thing may use its own shadows by REST, with its certificate.
func TestDS9_REST(t *testing.T) {
	s, l := listener(t)
	if status, text := s.call("POST", "/things/press/shadow", map[string]any{"state": map[string]any{"desired": map[string]any{"speed": 80}}}); status != 200 || !says(t, []byte(text), `{"version":1}`) {
		t.Fatalf("%d %s", status, text)
	}
	for _, kind := range []string{"accepted", "delta", "documents"} {
		if p := l.next(); p.Topic != update+"/"+kind {
			t.Fatalf("%s came, want %s", p.Topic, kind)
		}
	}
	if status, text := s.call("POST", "/things/press/shadow", map[string]any{"state": 1}); status != 400 || !strings.Contains(text, "State node must be an object") {
		t.Errorf("%d %s", status, text)
	}
	own := &http.Client{Transport: &http.Transport{TLSClientConfig: identity.ClientTLS([]tls.Certificate{s.issue("press")}, s.ca, "localhost")}}
	defer own.CloseIdleConnections()
	for path, want := range map[string]int{"/things/press/shadow": 200, "/things/saw/shadow": 403, "/things/press/shadow?name=none": 404} {
		res, err := own.Get(s.at.HTTPS + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body) // for the message
		res.Body.Close()
		if res.StatusCode != want || want != 200 && res.Header.Get("x-amzn-errortype") == "" {
			t.Errorf("by its certificate %s: %d %s", path, res.StatusCode, body)
		}
	}
	res, err := s.browser().Get(s.at.HTTPS + "/things/press/shadow")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 401 || res.Header.Get("x-amzn-errortype") != "UnauthorizedException" {
		t.Errorf("nobody: %d", res.StatusCode)
	}
	if len(l.received) > 0 {
		t.Errorf("it heard of what was refused, or another's: %s", (<-l.received).Topic)
	}
}

// TestDS10_NoEntryInTheRegistry: a shadow needs none, and makes none.
func TestDS10_NoEntryInTheRegistry(t *testing.T) {
	s := newSite(t)
	if status, text := s.call("POST", "/things/nobody/shadow?name=x", map[string]any{"state": map[string]any{"desired": map[string]any{"a": 1}}}); status != 200 {
		t.Errorf("%d %s", status, text)
	}
	if status, text := s.call("GET", "/api/things/shadow/ListNamedShadowsForThing/nobody", nil); status != 200 || !says(t, []byte(text), `{"results":["x"]}`) {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := s.call("GET", "/api/v1/things/nobody", nil); status != 404 {
		t.Errorf("nobody is in the registry: %d", status)
	}
	s.issue("nobody")
	if status, text := s.call("GET", "/things/nobody/shadow?name=x", nil); status != 200 || !says(t, []byte(text), `{"version":1}`) {
		t.Errorf("%d %s", status, text)
	}
}

// TestDS11_DS14_Subscriptions: AWS's SDKs subscribe to these; nobody else hears, and what only the server says nobody else can.
func TestDS11_DS14_Subscriptions(t *testing.T) {
	s := newSite(t)
	press, saw := s.mustConnect(s.issue("press"), "press"), s.mustConnect(s.issue("saw"), "saw")
	filters := []string{get + "/+", remove + "/+", update + "/accepted", update + "/rejected", update + "/delta", update + "/documents", pressShadow + "name/recipe/update/delta"}
	for i, code := range press.subscribe(filters...) {
		if code > 1 {
			t.Errorf("%s: 0x%X", filters[i], code)
		}
	}
	for i, code := range saw.subscribe(filters...) {
		if code != 0x87 {
			t.Errorf("another thing, %s: 0x%X", filters[i], code)
		}
	}
	press.follow(step{update, `{"state":{"desired":{"a":1}}}`, []string{"accepted", "delta", "documents"}})
	for _, l := range []*link{press, saw} {
		for _, topic := range []string{update + "/accepted", update + "/delta", update + "/documents", get + "/rejected", "$aws/things/press/shadow/list"} {
			if code, _ := l.publish(topic, []byte(`{}`)); code != 0x87 {
				t.Errorf("published on %s: 0x%X", topic, code)
			}
		}
	}
	if code, _ := saw.publish(update, []byte(`{"state":{"desired":{"a":2}}}`)); code != 0x87 {
		t.Errorf("another thing's update: 0x%X", code)
	}
	if res, _ := press.Publish(t.Context(), &paho.Publish{Topic: update, QoS: 1, Retain: true, Payload: []byte(`{"state":{}}`)}); res == nil || res.ReasonCode != 0x9A {
		t.Errorf("retained: %+v", res)
	}
	if len(saw.received) > 0 {
		t.Errorf("saw heard %s", (<-saw.received).Topic)
	}
}

// TestDS12_ManyClientsOneShadow: connections of one thing update one shadow at once; a listener sees each version once, in order, with
// what belongs to it together.
func TestDS12_ManyClientsOneShadow(t *testing.T) {
	s, l := listener(t)
	pair := s.issue("press")
	const clients, each = 8, 10
	var all sync.WaitGroup
	for c := range clients {
		other := s.mustConnect(pair, fmt.Sprint("press-", c))
		all.Go(func() {
			for i := range each {
				other.publish(update, fmt.Appendf(nil, `{"state":{"desired":{"c%d":%d}}}`, c, i+1))
			}
		})
	}
	for v := range clients * each {
		for _, kind := range []string{"accepted", "delta", "documents"} {
			p := l.next()
			if kind != "documents" && !says(t, p.Payload, fmt.Sprintf(`{"version":%d}`, v+1)) || p.Topic != update+"/"+kind {
				t.Fatalf("after version %d came %s %s", v, p.Topic, p.Payload)
			}
		}
	}
	all.Wait()
}

// TestDS13_ShadowsOutliveTheServer: what was accepted is there after a restart, version and all.
func TestDS13_ShadowsOutliveTheServer(t *testing.T) {
	s, l := listener(t)
	l.follow(step{update, `{"state":{"desired":{"a":1}}}`, []string{"accepted", "delta", "documents"}})
	s.stop()
	s.start()
	again := s.mustConnect(s.issue("press"), "press")
	again.subscribe(pressShadow + "+/+")
	again.follow(step{get, ``, []string{`accepted {"state":{"desired":{"a":1},"delta":{"a":1}},"version":1}`}})
}

// TestDG16_PostMessages: a message over HTTPS is a message: subscribers get it with its properties, shadows answer it, telemetry is stored.
func TestDG16_PostMessages(t *testing.T) {
	s, l := listener(t)
	l.subscribe("dt/press/#")
	post := func(path string, body any) (int, string) { return s.call("POST", "/topics/"+path, body) }
	if status, text := post("dt%2Fpress%2Frecipe?qos=1&contentType=application/json&responseTopic=dt/press/answer", map[string]int{"a": 1}); status != 200 || !says(t, []byte(text), `{"message":"OK"}`) {
		t.Fatalf("%d %s", status, text)
	}
	if p := l.next(); p.Topic != "dt/press/recipe" || string(p.Payload) != `{"a":1}` || p.QoS != 1 || p.Properties.ContentType != "application/json" || p.Properties.ResponseTopic != "dt/press/answer" {
		t.Errorf("%+v", p)
	}
	if status, text := post("$aws/things/press/shadow/update", map[string]any{"state": map[string]any{"reported": map[string]any{"a": 1}}}); status != 200 {
		t.Errorf("%d %s", status, text)
	}
	if p := l.next(); p.Topic != update+"/accepted" {
		t.Errorf("%s", p.Topic)
	}
	if status, text := post("dt/press/telemetry", map[string]int{"speed": 80}); status != 200 {
		t.Errorf("%d %s", status, text)
	}
	var stored struct{ Points []struct{ Point string } }
	if s.get("/api/v1/things/press/points", &stored); len(stored.Points) != 1 || stored.Points[0].Point != "speed" {
		t.Errorf("stored: %+v", stored)
	}
	for path, want := range map[string]int{
		"$aws/things/press/shadow/update/delta": 403, "dt/press/alarm/acknowledge": 403, "dt/press/block": 403, "$SYS/x": 403,
		"a%2F%2B": 400, "a?qos=2": 400, "a?retain=perhaps": 400, "a?messageExpiry=-1": 400, "a?responseTopic=%23": 400,
		"$aws/things/press/shadow/update?retain=true": 400, "": 403,
	} {
		if status, text := post(path, nil); status != want || !says(t, []byte(text), `{}`) {
			t.Errorf("%s: %d %s, want %d", path, status, text, want)
		}
	}
}
