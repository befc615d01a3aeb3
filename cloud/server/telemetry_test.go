package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// block has n samples of one point, a second apart.
func block(t testing.TB, point string, from time.Time, n int) []byte {
	t.Helper()
	var samples []telemetry.Sample
	for i := range n {
		samples = append(samples, telemetry.Sample{Time: from.Add(time.Duration(i) * time.Second).UnixNano(), Value: telemetry.Float64(float64(i))})
	}
	b, err := wire.NewEncoder(wire.Fastest).AppendBlock(nil, []string{point}, samples)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sequence(epoch string, seq int) []paho.UserProperty {
	return []paho.UserProperty{{Key: wire.PropEpoch, Value: epoch}, {Key: wire.PropSeq, Value: fmt.Sprint(seq)}}
}

type page struct {
	Unit    string
	Samples []struct {
		Time    time.Time
		Value   any
		Quality string
	}
	Next    string
	Buckets []struct {
		Time          time.Time
		Min, Max, Avg float64
		Count, Bad    int
	}
}

// A gateway enrols, says what it is, and publishes blocks; what it was acknowledged is there, once, also after a restart.
func TestGateway(t *testing.T) {
	s := newSite(t)
	l := s.mustConnect(s.gateway("plant7"), "plant7")
	birth, err := wire.EncodeBirth(wire.Birth{Gateway: "plant7", Version: "1.2", Site: "north", Started: time.Now(), Devices: []wire.BirthDevice{{
		Name: "press", Connection: "plc", Kind: "modbus",
		Points: []wire.BirthPoint{{Name: "oil_temp", Unit: "°C", Type: "float64", Access: "r", Where: "hr:100"}, {Name: "force", Unit: "kN"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if code, why := l.publish("dt/plant7/birth", birth); code >= 0x80 {
		t.Fatalf("birth: 0x%X %s", code, why)
	}
	start := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	for i, seq := range []int{1, 2, 2, 1, 4} { // 2 and 1 come again, 3 is missing
		payload := block(t, "press.oil_temp", start.Add(time.Duration(seq)*time.Minute), 10)
		if code, why := l.publish("dt/plant7/block", payload, sequence("E1", seq)...); code >= 0x80 {
			t.Fatalf("block %d: 0x%X %s", i, code, why)
		}
	}
	check := func() {
		t.Helper()
		var ledger cloud.Ledger
		s.get("/api/v1/ledger/plant7", &ledger)
		e := ledger.Epochs[0]
		if e.StoredBlocks != 3 || e.StoredSamples != 30 || e.LastSeq != 4 || len(e.Gaps) != 1 || e.Gaps[0] != (cloud.Gap{From: 3, To: 3, Reason: "missing"}) {
			t.Fatalf("%+v", ledger)
		}
		var p page
		s.get("/api/v1/gateways/plant7/points/press.oil_temp/samples", &p)
		if len(p.Samples) != 30 || p.Unit != "°C" || p.Samples[0].Value != 0.0 || p.Samples[0].Quality != "good" || !p.Samples[0].Time.Equal(start.Add(time.Minute)) {
			t.Fatalf("%+v", p)
		}
	}
	check()
	var points struct {
		Points []struct {
			Point, Unit, Where, Device string
			Value                      any
			Time                       *time.Time
		}
	}
	s.get("/api/v1/gateways/plant7/points", &points)
	if len(points.Points) != 2 || points.Points[0].Point != "press.force" || points.Points[0].Time != nil || points.Points[1].Value != 9.0 || points.Points[1].Unit != "°C" {
		t.Fatalf("%+v", points)
	}
	s.stop()
	s.start()
	check()
}

// samples answers questions about a thing that publishes JSON: ranges, pages, buckets, CSV.
func TestSamples(t *testing.T) {
	s := newSite(t)
	l := s.mustConnect(s.issue("thermo1"), "")
	start := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	for i := range 20 {
		text := fmt.Sprintf(`{"ts": %d, "temperature": %d.5, "door": %t}`, start.Add(time.Duration(i)*time.Second).UnixMilli(), i, i%2 == 0)
		if code, why := l.publish("dt/thermo1/telemetry", []byte(text)); code >= 0x80 {
			t.Fatalf("0x%X %s", code, why)
		}
	}
	const path = "/api/v1/things/thermo1/points/temperature/samples"
	count := func(query string) int {
		t.Helper()
		var p page
		s.get(path+query, &p)
		return len(p.Samples)
	}
	for query, want := range map[string]int{
		"": 20, "?last=3": 3, "?from=2026-03-01T08:00:05Z": 15, "?to=2026-03-01T08:00:05Z": 5,
		"?from=2026-03-01T08:00:05Z&to=2026-03-01T08:00:07Z":                        2,
		fmt.Sprintf("?from=%d", start.Add(18*time.Second).UnixMilli()):              2,
		"?from=2026-03-01T10:00:05%2B02:00&to=2026-03-01T10:00:06%2B02:00&limit=10": 1,
	} {
		if got := count(query); got != want {
			t.Errorf("%s: %d samples, want %d", query, got, want)
		}
	}
	seen := 0
	for from := ""; ; {
		var p page
		s.get(path+"?limit=7"+from, &p)
		seen += len(p.Samples)
		if p.Next == "" {
			break
		}
		from = "&from=" + p.Next
	}
	if seen != 20 {
		t.Errorf("in pages of 7: %d samples", seen)
	}
	var p page
	s.get(path+"?from=2026-03-01T08:00:00Z&to=2026-03-01T08:00:20Z&buckets=4", &p)
	if len(p.Buckets) != 4 || p.Buckets[1].Min != 5.5 || p.Buckets[1].Max != 9.5 || p.Buckets[1].Avg != 7.5 || p.Buckets[1].Count != 5 {
		t.Errorf("%+v", p.Buckets)
	}
	_, text := s.call("GET", path+"?last=1&format=csv", nil)
	if text != "time,value,quality\n2026-03-01T08:00:19Z,19.5,good\n" {
		t.Errorf("%q", text)
	}
	for _, bad := range []string{"?from=yesterday", "?from=-1", "?from=9223372036854775807", "?buckets=0", "?buckets=1000000", "?last=x", "?limit=0", "?format=xml",
		"?from=2026-03-01T08:00:05Z&to=2026-03-01T08:00:05Z", "?to=9999-01-01T00:00:00Z"} {
		if status, text := s.call("GET", path+bad, nil); status != 400 || !strings.Contains(text, `"bad_request"`) {
			t.Errorf("%s: %d %s", bad, status, text)
		}
	}
	for _, none := range []string{"/api/v1/things/nobody", "/api/v1/gateways/nobody/points", "/api/v1/ledger/nobody", "/api/v1/live?gateway=nobody", "/api/v1/nothing"} {
		if status, text := s.call("GET", none, nil); status != 404 || !strings.Contains(text, `"not_found"`) {
			t.Errorf("%s: %d %s", none, status, text)
		}
	}
}

// What is no block is refused with the reason, and the process goes on.
func TestBadPayloads(t *testing.T) {
	s := newSite(t)
	l := s.mustConnect(s.gateway("plant7"), "plant7")
	good := block(t, "press.force", time.Now(), 3)
	for _, c := range []struct {
		name, topic string
		payload     []byte
		user        []paho.UserProperty
		want        byte
	}{
		{"no block", "dt/plant7/block", []byte("hello"), sequence("E", 1), 0x99},
		{"a flipped bit", "dt/plant7/block", append(append([]byte{}, good[:len(good)-1]...), good[len(good)-1]^1), sequence("E", 1), 0x99},
		{"no sequence", "dt/plant7/block", good, nil, 0x99},
		{"sequence 0", "dt/plant7/block", good, sequence("E", 0), 0x99},
		{"no JSON", "dt/plant7/telemetry", []byte("{"), nil, 0x99},
		{"a birth of somebody else", "dt/plant7/birth", []byte("{}"), nil, 0x99},
		{"a block of its device", "dt/plant7:press/block", good, sequence("E", 1), 0x87},
		{"a device that is not there", "dt/plant7:ghost/telemetry", []byte(`{"a":1}`), nil, 0x87},
		{"a topic of 300 bytes", "dt/plant7/" + strings.Repeat("x", 300), good, nil, 0x90},
		{"a topic of 60 KB", "dt/plant7/" + strings.Repeat("x", 60_000), good, nil, 0x90},
		{"a good one", "dt/plant7/block", good, sequence("E", 1), 0},
	} {
		if code, why := l.publish(c.topic, c.payload, c.user...); code != c.want || code != 0 && why == "" {
			t.Errorf("%s: 0x%X %q, want 0x%X", c.name, code, why, c.want)
		}
	}
}

func TestPresence(t *testing.T) {
	s := newSite(t)
	pair := s.gateway("plant7")
	state := func() (g struct {
		Name        string
		Connected   bool
		LastContact *time.Time `json:"last_contact"`
		Rate        float64    `json:"samples_per_s"`
	}) {
		var list struct{ Gateways []any }
		s.get("/api/v1/gateways", &list)
		if len(list.Gateways) != 1 {
			t.Fatalf("%+v", list)
		}
		s.get("/api/v1/gateways/plant7", &g)
		return g
	}
	if g := state(); g.Connected || g.LastContact != nil || g.Rate != 0 {
		t.Fatalf("before: %+v", g)
	}
	l := s.mustConnect(pair, "plant7")
	l.publish("dt/plant7/block", block(t, "a.b", time.Now(), 100), sequence("E", 1)...)
	until(t, "connected", func() bool { return state().Connected })
	if g := state(); g.LastContact == nil || g.Rate <= 0 {
		t.Fatalf("connected: %+v", g)
	}
	if err := l.Disconnect(&paho.Disconnect{}); err != nil {
		t.Fatal(err)
	}
	until(t, "disconnected", func() bool { return !state().Connected })
}

func (s *site) watch(gateway string) *liveStream {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), "GET", s.at.HTTPS+"/api/v1/live?gateway="+gateway, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.made.AdminToken)
	res, err := s.browser().Do(req)
	if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		s.t.Fatalf("live: %v %v", res, err)
	}
	s.t.Cleanup(func() { res.Body.Close() })
	return &liveStream{body: res.Body, in: bufio.NewReader(res.Body)}
}

// liveStream is an open request for live events.
type liveStream struct {
	body io.Reader
	in   *bufio.Reader
}

// event is the next one: its name and its data.
func (l *liveStream) event(t *testing.T) (name, data string) {
	t.Helper()
	for {
		line, err := l.in.ReadString('\n')
		if err != nil {
			t.Fatalf("live events ended: %v", err)
		}
		if rest, ok := strings.CutPrefix(line, "event: "); ok {
			name = strings.TrimSpace(rest)
		}
		if rest, ok := strings.CutPrefix(line, "data: "); ok {
			return name, strings.TrimSpace(rest)
		}
	}
}

func TestLive(t *testing.T) {
	s := newSite(t)
	pair := s.gateway("plant7")
	s.issue("thermo1")
	events := s.watch("plant7")
	l := s.mustConnect(pair, "plant7")
	if name, data := events.event(t); name != "presence" || data != `{"thing":"plant7","presence":{"connected":true}}` {
		t.Fatalf("%s %s", name, data)
	}
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	l.publish("dt/plant7/block", block(t, "press.force", at, 5), sequence("E", 1)...)
	want := `{"thing":"plant7","count":5,"samples":[{"point":"press.force","time":"2026-03-01T08:00:04Z","value":4,"quality":"good"}]}`
	if name, data := events.event(t); name != "samples" || data != want {
		t.Fatalf("%s %s", name, data)
	}
}
