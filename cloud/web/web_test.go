package web

import (
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
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// noon is when every page of these tests is looked at.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// site is the pages over a real store.
type site struct {
	t     *testing.T
	store *local.Store
	web   *web
	out   bool // nobody is logged in
	log   strings.Builder
}

func newSite(t *testing.T) *site {
	t.Helper()
	store, err := local.Open(t.Context(), t.TempDir(), local.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	s := &site{t: t, store: store}
	s.web = newWeb(Options{Store: store, LoggedIn: func(*http.Request) bool { return !s.out }, Rate: func(string) float64 { return 12.5 },
		Log: slog.New(slog.NewTextHandler(&s.log, nil))})
	s.web.now = func() time.Time { return noon }
	return s
}

func (s *site) get(path string, header ...string) (status int, body string, h http.Header) {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), "GET", path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.web.routes().ServeHTTP(w, r)
	text, err := io.ReadAll(w.Result().Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return w.Code, string(text), w.Header()
}

// shows demands a page with all of the texts.
func (s *site) shows(path string, texts ...string) string {
	s.t.Helper()
	status, body, _ := s.get(path)
	if status != http.StatusOK {
		s.t.Fatalf("GET %s: %d\n%s", path, status, body)
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			s.t.Errorf("GET %s does not show %q:\n%s", path, text, body)
		}
	}
	return body
}

func (s *site) thing(name string, kind cloud.ThingKind) {
	s.t.Helper()
	if err := s.store.CreateThing(s.t.Context(), cloud.Thing{Name: name, Kind: kind, Created: noon}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) presence(name string, connected bool, ago time.Duration) {
	s.t.Helper()
	if err := s.store.SetPresence(s.t.Context(), name, connected, noon.Add(-ago), "10.7.2.11:4711"); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) birth(name, text string) {
	s.t.Helper()
	if err := s.store.SetBirth(s.t.Context(), name, []byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

// block stores samples of one point, a second apart, the last of them a second before noon.
func (s *site) block(thing string, seq uint64, point string, q telemetry.Quality, values ...telemetry.Value) {
	s.t.Helper()
	var samples []telemetry.Sample
	for i, v := range values {
		at := noon.Add(time.Duration(i-len(values)) * time.Second)
		samples = append(samples, telemetry.Sample{Time: at.UnixNano(), Value: v, Quality: q})
	}
	block, err := wire.NewEncoder(wire.Fastest).AppendBlock(nil, []string{point}, samples)
	if err != nil {
		s.t.Fatal(err)
	}
	batch := cloud.Batch{Thing: thing, Seq: seq, Received: noon, Block: block, Samples: len(samples), Points: 1, From: samples[0].Time, To: samples[len(samples)-1].Time}
	if seq > 0 {
		batch.Epoch = "E1"
	}
	if _, err := s.store.Append(s.t.Context(), batch); err != nil {
		s.t.Fatal(err)
	}
}

const pressBirth = `{"gateway":"plant7","version":"1.4.0","site":"Plant 7","started":"2026-02-27T12:00:00Z","devices":[
{"name":"press","connection":"plc","kind":"modbus","tags":{"area":"hall-B"},"points":[
 {"name":"oil_temp","unit":"°C","type":"float64","scan_ms":1000,"where":"hr:100","range":{"min":0,"max":120}},
 {"name":"state","type":"uint16","enum":{"0":"stopped","2":"running"}},
 {"name":"recipe","type":"string"},{"name":"guard","type":"bool"}]},
{"name":"idle","connection":"plc","kind":"modbus","points":[]}]}`

// plant is a gateway that is up, with a point of each sort.
func (s *site) plant() {
	s.t.Helper()
	s.thing("plant7", cloud.KindGateway)
	s.birth("plant7", pressBirth)
	s.presence("plant7", true, 2*time.Second)
	s.block("plant7", 1, "press.oil_temp", telemetry.Good, telemetry.Float64(85.125), telemetry.Float64(1286.4))
	s.block("plant7", 2, "press.state", telemetry.Good, telemetry.Uint64(0), telemetry.Uint64(2))
	s.block("plant7", 4, "press.recipe", telemetry.UncertainClock, telemetry.String("A-116"), telemetry.String("A-116"), telemetry.String("A-117"))
	s.block("plant7", 5, "press.guard", telemetry.BadTimeout, telemetry.Value{})
}

func TestEmptyFleetSaysWhatToDo(t *testing.T) {
	newSite(t).shows("/", "No gateway yet", "penstock-cloud invite NAME", "penstock enroll", "--token TOKEN", `hx-trigger="every 5s"`)
}

func TestFleetCountsAndFilters(t *testing.T) {
	s := newSite(t)
	s.plant()
	s.thing("never", cloud.KindGateway)
	s.thing("silent", cloud.KindGateway)
	s.presence("silent", true, 18*time.Minute)
	s.thing("gone", cloud.KindGateway)
	s.presence("gone", false, 3*time.Hour)
	s.thing("alone", cloud.KindThing) // is no gateway
	body := s.shows("/", "4 gateways, 4 points", "1 block missing without a word", "1 block not explained yet", "Plant 7", "1.4.0",
		`<i aria-hidden="true">●</i>up`, `<i aria-hidden="true">◐</i>late`, `<i aria-hidden="true">✕</i>down`, `<i aria-hidden="true">○</i>unknown`,
		">2 s<", ">18 min<", ">3 h<")
	if strings.Contains(body, "alone") {
		t.Error("a thing is among the gateways")
	}
	if down := s.shows("/?state=down", ">gone<"); strings.Contains(down, ">plant7<") || strings.Contains(down, ">never<") {
		t.Error("the tile down shows others")
	}
	if found := s.shows("/?q=plant+7", ">plant7<"); strings.Contains(found, ">gone<") {
		t.Error("the search by site shows others")
	}
	s.shows("/?q=nowhere", "No gateway has that name or site", "Show all 4")
}

func TestManyGatewaysComeInPages(t *testing.T) {
	s := newSite(t)
	for i := range 205 {
		s.thing("g"+string(rune('a'+i/26))+string(rune('a'+i%26)), cloud.KindGateway)
	}
	for path, rows := range map[string]int{"/": 100, "/?page=1": 100, "/?page=2": 5, "/?page=99": 5, "/?page=x": 100} {
		if got := strings.Count(s.shows(path, "205 found"), `id="row-`); got != rows {
			t.Errorf("%s has %d rows, want %d", path, got, rows)
		}
	}
}

func TestGatewayShowsItsPoints(t *testing.T) {
	s := newSite(t)
	s.plant()
	s.shows("/gateways/plant7", "Site Plant 7. Penstock 1.4.0, running for 2 d", "<b>8</b><span>samples here", "<b class=\"late\">1</b><span>blocks missing without a word", "1 block not explained yet", `href="/gateways/plant7/delivery"`,
		`<span class="val" title="1286.4">1,286.4</span> <span class="u">°C</span>`, `running</span> <span class="u raw">2</span>`, "A-117", `<span class="q unc">uncertain: clock</span>`,
		`<span class="q bad">bad: timeout</span>`, "area: hall-B", "This device has no points", `href="/gateways/plant7/points/press.oil_temp"`, ">1 s<")
	if found := s.shows("/gateways/plant7?q=oil", "oil_temp"); strings.Contains(found, "recipe") {
		t.Error("the search shows other points")
	}
	s.shows("/gateways/plant7?q=nothing", "Nothing found", "Show all")
	s.presence("plant7", false, time.Minute)
	s.shows("/gateways/plant7", "✕ Not connected", "waits in its buffer")
	s.thing("new", cloud.KindGateway)
	s.shows("/gateways/new", "○ Never connected", "No points yet", "penstock-cloud invite new")
}

func TestPointIsDrawnAsWhatItIs(t *testing.T) {
	s := newSite(t)
	s.plant()
	s.shows("/gateways/plant7/points/press.oil_temp", `data-draw="line"`, `data-min="0" data-max="120"`, `data-samples="/api/v1/gateways/plant7/points/press.oil_temp/samples"`,
		`id="chart"`, "uplot.js", "1,286.4", "every 1s", "format=csv")
	s.shows("/gateways/plant7/points/press.state", `data-draw="steps"`, `data-enum="{&#34;0&#34;:&#34;stopped&#34;,&#34;2&#34;:&#34;running&#34;}"`)
	s.shows("/gateways/plant7/points/press.guard", `data-draw="steps"`, "bad: timeout")
	text := s.shows("/gateways/plant7/points/press.recipe", `data-draw="text"`, "A-116", "A-117")
	if strings.Contains(text, "uplot.js") || strings.Count(text, "<td class=\"text\">A-116") != 1 {
		t.Errorf("a text's changes: %s", text)
	}
	s.shows("/gateways/plant7/points/press.recipe?range=live&from=2026-01-01T00:00&to=2026-01-02T00:00", "No sample in from 2026-01-01")
}

func TestTableReadsWithoutScript(t *testing.T) {
	s := newSite(t)
	s.plant()
	s.shows("/gateways/plant7/points/press.oil_temp?range=15m&view=table", `<td class="n">85.125</td><td class="n">685.76</td><td class="n">1,286.4</td><td class="n">2</td>`, ">Chart</a>")
	s.shows("/gateways/plant7/points/press.state?range=15m&view=table", "stopped <span", "running <span")
	s.shows("/gateways/plant7/points/press.oil_temp?range=15m", `view=table">table</a> does not`)
}

func TestThings(t *testing.T) {
	s := newSite(t)
	s.shows("/things", "No thing yet", "penstock-cloud issue NAME --out DIR")
	s.thing("thermo1", cloud.KindThing)
	s.shows("/things", ">thermo1<", "unknown")
	s.shows("/things/thermo1", "No points yet", "dt/thermo1/telemetry")
	s.block("thermo1", 0, "door/left", telemetry.Good, telemetry.Bool(true))
	s.shows("/things/thermo1", `href="/things/thermo1/points/door%2Fleft"`, ">true<")
	s.shows("/things/thermo1/points/door%2Fleft", `data-draw="steps"`, "/api/v1/things/thermo1/points/door%2Fleft/samples")
}

func TestWhatIsElsewhere(t *testing.T) {
	s := newSite(t)
	s.plant()
	s.thing("thermo1", cloud.KindThing)
	s.thing("plant7:press", cloud.KindDevice)
	for path, to := range map[string]string{
		"/gateways/thermo1": "/things/thermo1", "/things/plant7": "/gateways/plant7", "/things/plant7:press": "/gateways/plant7?device=press",
		"/gateways/plant7:press": "/gateways/plant7?device=press", "/gateways/": "/", "/login": "/",
	} {
		if status, _, h := s.get(path); status != http.StatusSeeOther || h.Get("Location") != to {
			t.Errorf("%s: %d %s, want %s", path, status, h.Get("Location"), to)
		}
	}
	s.shows("/gateways/plant7?device=press", "oil_temp")
}

func TestWhatIsNotThere(t *testing.T) {
	s := newSite(t)
	s.plant()
	for path, text := range map[string]string{
		"/gateways/nobody": "penstock-cloud invite nobody", "/things/nobody": "penstock-cloud issue nobody", "/gateways/plant7/points/press.none": "has no point press.none",
		"/things/nobody/points/x": "There is no gateway or thing nobody", "/some/where": "There is no page at this address", "/gateways/%3Cscript%3E": "&lt;script&gt;",
	} {
		if status, body, _ := s.get(path); status != http.StatusNotFound || !strings.Contains(body, text) || !strings.Contains(body, "Fleet") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestErrorIsInTheLogAndNotOnThePage(t *testing.T) {
	s := newSite(t)
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	status, body, _ := s.get("/")
	if status != http.StatusInternalServerError || !strings.Contains(body, "its log says which") || strings.Contains(body, "closed") {
		t.Fatalf("%d %s", status, body)
	}
	if !strings.Contains(s.log.String(), "level=ERROR") || !strings.Contains(s.log.String(), "closed") {
		t.Fatalf("the log: %s", s.log.String())
	}
}

// A page has room for a thousand points; the devices beyond are a click away.
func TestManyPoints(t *testing.T) {
	s := newSite(t)
	s.thing("big", cloud.KindGateway)
	var birth wire.Birth
	for d := range 12 {
		device := wire.BirthDevice{Name: fmt.Sprintf("meter_%02d", d), Connection: "meterbus", Kind: "modbus"}
		for p := range 100 {
			device.Points = append(device.Points, wire.BirthPoint{Name: fmt.Sprintf("voltage_%02d", p), Unit: "V", Type: "float32", Where: fmt.Sprintf("ir:%d", 2*p)})
		}
		birth.Devices = append(birth.Devices, device)
	}
	text, err := json.Marshal(birth)
	if err != nil {
		t.Fatal(err)
	}
	s.birth("big", string(text))
	body := s.shows("/gateways/big", "Show its 100 points", `href="/gateways/big?device=meter_11"`)
	if n := strings.Count(body, "<tr data-point"); n != gatewayRows {
		t.Errorf("%d points are shown, want %d", n, gatewayRows)
	}
	_, packed, _ := s.get("/gateways/big", "Accept-Encoding", "gzip")
	t.Logf("%d points: %d bytes of HTML, %d with gzip", gatewayRows, len(body), len(packed))
	if n := strings.Count(s.shows("/gateways/big?device=meter_11"), "<tr data-point"); n != 100 {
		t.Errorf("the folded device shows %d points", n)
	}
}
