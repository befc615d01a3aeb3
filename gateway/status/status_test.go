package status_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/gateway/status"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const hostile = `<script>alert("x")</script>`

// source is a gateway whose every name was chosen by somebody who means ill.
type source struct{}

var oldest = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (source) Status() status.Status {
	return status.Status{
		Gateway: "plant7", Site: hostile, Version: "1.0", UptimeS: 93784, Starts: 3, SamplesRead: 1234567, SamplesKept: 1000,
		Clock:  status.Clock{InDoubt: true, Why: hostile, Steps: 2, LastStep: &status.Step{At: oldest, ByS: -259200}},
		Buffer: status.Buffer{Records: 2, Samples: 20, Bytes: 2048, Oldest: &oldest, Dropped: map[string]uint64{"evicted": 5, "damaged": 0}},
		Targets: []status.Target{{Name: hostile, URL: "mqtts://cloud:8883", Why: hostile, SentSamples: 900, AckedSeq: 17,
			Lost: []status.LedgerCount{{Reason: "evicted", Class: "normal", Blocks: 12, Samples: 3456}, {Reason: "refused", Samples: 70}}, Undeclared: 4, UndeclaredSamples: 90}},
		Alarms: 2, Rules: []status.Rule{{Name: "oil_hot", On: true, Fired: 1234, Errors: 2, Why: hostile}},
		Connections: []status.Connection{{Name: "plc", Kind: "modbus", State: "degraded", Why: hostile, Requests: 10, Errors: 1, LatencyMS: status.Latency{P50: 1.5, P99: 9}}},
	}
}

func (source) Points() []status.Point {
	at := time.Now()
	return []status.Point{
		{Point: "press.name", Value: telemetry.String(hostile), Unit: hostile, Quality: "good", Time: &at, Access: "r", At: hostile},
		{Point: "press.mode", Value: telemetry.Int64(1), Label: hostile, Quality: "bad: out of range", Time: &at, Access: "rw", At: "hr:3"},
		{Point: "press.new", Quality: "bad: waiting for data", Access: "r", At: "hr:4"},
	}
}

func (s source) Write(_ context.Context, w status.Write) (status.Point, error) {
	point, value := w.Point, w.Value
	switch {
	case point == "press.none":
		return status.Point{}, fmt.Errorf("%w: %q", status.ErrNoPoint, point)
	case value == "too much":
		return status.Point{}, fmt.Errorf("%w: outside 0..100", status.ErrRefused)
	case value == "unplugged":
		return status.Point{}, errors.New("the device did not answer")
	}
	p := s.Points()[1]
	p.Value = telemetry.String(value)
	return p, nil
}

func (source) Explain(device string) (status.Explanation, error) {
	if device != "press" {
		return status.Explanation{}, fmt.Errorf("%w: %q", status.ErrNoPoint, device)
	}
	return status.Explanation{Device: device, Kind: "modbus", Learned: true, Facts: []string{"it does not have hr:2"}}, nil
}

func (source) Alarms() []status.Alarm {
	return []status.Alarm{
		{Name: "oil_hot", State: "unacknowledged", Severity: "high", Text: hostile, Since: &oldest},
		{Name: "guard", State: "acknowledged", Severity: "low", Text: "open", Since: &oldest, Acknowledged: hostile},
		{Name: "quiet", State: "normal"},
	}
}

func (source) Operate(_ context.Context, o status.Operation) error {
	switch {
	case o.Alarm != "oil_hot":
		return fmt.Errorf("%w: %q", status.ErrNoAlarm, o.Alarm)
	case o.Do == "shelve" && o.Until.IsZero():
		return errors.New("shelve until when?")
	}
	return nil
}

func (source) AuditTail(n int) ([][]byte, error) {
	return [][]byte{[]byte(`{"seq":1}`), []byte(`{"seq":2}`)}[:min(n, 2)], nil
}

func (source) Shadows() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "shadow of ", r.URL.Path) })
}

func (source) Ledgers() []status.Ledger {
	return []status.Ledger{{Target: "main", Undeclared: 4, Older: []status.LedgerCount{}, Epochs: []status.LedgerEpoch{{Epoch: "A",
		Gaps: []status.LedgerRun{{From: 3, To: 14, Samples: 3456, Reason: "evicted", Class: "normal"}}, Thinned: []status.LedgerRun{}, GivenUp: []status.LedgerGiven{{Reason: "refused", Samples: 70}}}}}}
}

func (source) AuditVerify() (uint64, error) { return 0, errors.New("line 7 was changed") }

// serve runs a server until the test ends and gives a client for each way in.
func serve(t *testing.T, dir string) (page string, socket *http.Client) {
	t.Helper()
	listeners, err := status.Listen("127.0.0.1:0", dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- status.New(source{}, slog.New(slog.DiscardHandler)).Run(ctx, listeners...) }()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, status.SocketName))
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		http.DefaultClient.CloseIdleConnections()
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return "http://" + listeners[1].Addr().String(), &http.Client{Transport: transport}
}

func call(t *testing.T, c *http.Client, method, url, host, body string) (code int, text string, h http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(got), res.Header
}

func TestTheStatusHasTheKeysThatScriptsRelyOn(t *testing.T) {
	page, _ := serve(t, t.TempDir())
	_, text, h := call(t, http.DefaultClient, "GET", page+"/api/v1/status", "", "")
	var got map[string]any
	if err := json.Unmarshal([]byte(text), &got); err != nil || h.Get("Content-Type") != "application/json" {
		t.Fatalf("%v: %s", err, text)
	}
	at := func(path string) (v any) {
		v = got
		for key := range strings.SplitSeq(path, ".") {
			if list, ok := v.([]any); ok {
				v = list[0]
			}
			v = v.(map[string]any)[key]
		}
		return v
	}
	for path, want := range map[string]any{
		"gateway": "plant7", "uptime_s": 93784.0, "samples_read": 1234567.0, "samples_kept": 1000.0, "alarms": 2.0,
		"buffer.records": 2.0, "buffer.samples": 20.0, "buffer.bytes": 2048.0, "buffer.oldest": "2026-03-01T12:00:00Z", "buffer.dropped.evicted": 5.0,
		"targets.name": hostile, "targets.connected": false, "targets.sent_samples": 900.0, "targets.acked_seq": 17.0,
		"targets.lost.reason": "evicted", "targets.lost.class": "normal", "targets.lost.blocks": 12.0, "targets.lost.samples": 3456.0, "targets.undeclared_blocks": 4.0,
		"connections.name": "plc", "connections.state": "degraded", "connections.requests": 10.0, "connections.errors": 1.0,
		"connections.latency_ms.p50": 1.5, "connections.latency_ms.p99": 9.0,
	} {
		if at(path) != want {
			t.Errorf("%s is %v, want %v", path, at(path), want)
		}
	}
}

// The ledger has the keys that the cloud's has.
func TestTheLedger(t *testing.T) {
	page, _ := serve(t, t.TempDir())
	code, text, _ := call(t, http.DefaultClient, "GET", page+"/api/v1/ledger", "", "")
	const want = `{"targets":[{"target":"main","epochs":[{"epoch":"A","gaps":[{"from":3,"to":14,"samples":3456,"reason":"evicted","class":"normal","declared":false}],` +
		`"thinned":[],"given_up":[{"reason":"refused","samples":70,"declared":false}]}],"older":[],"undeclared_blocks":4,"undeclared_samples":0}]}`
	if code != 200 || strings.TrimSpace(text) != want {
		t.Errorf("%d %s", code, text)
	}
}

func TestThePageShowsHostileNamesAsText(t *testing.T) {
	page, _ := serve(t, t.TempDir())
	code, text, h := call(t, http.DefaultClient, "GET", page, "", "")
	if code != 200 || strings.Contains(text, hostile) || strings.Count(text, "&lt;script&gt;") < 9 {
		t.Errorf("%d: a name is in the page as it came:\n%s", code, text)
	}
	for _, want := range []string{"1\u202f234\u202f567 samples", "up 1 d 2 h", "Given up: evicted", "in doubt", "set by -259200.000 s, to 2026-03-01T12:00:00Z", "◐ degraded", "not read yet", "bad: out of range", "2.0 KiB",
		`action="/alarms/oil_hot/acknowledge"`, "acted 1\u202f234 times",
		"Evicted: 3\u202f456 samples in 12 blocks of class normal", "Refused: 70 samples that never were in a block", "4 blocks and 90 samples of that are not declared yet"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(text, "quiet") || strings.Contains(text, "/alarms/guard/acknowledge") {
		t.Error("it shows an alarm that is normal, or asks for one that is acknowledged")
	}
	if strings.Contains(text, "Given up: damaged") || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'self'") {
		t.Errorf("it shows what did not happen, or has no policy: %v", h)
	}
	for _, file := range []string{"/page/status.css", "/page/status.js", "/healthz"} {
		if code, text, _ := call(t, http.DefaultClient, "GET", page+file, "", ""); code != 200 || text == "" {
			t.Errorf("%s: %d", file, code)
		}
	}
}

func TestOnlyWhoAsksByAddressOrLocalhostIsAnswered(t *testing.T) {
	page, _ := serve(t, t.TempDir())
	for host, want := range map[string]int{"": 200, "localhost:8470": 200, "localhost": 200, "[::1]:8470": 200, "192.168.1.5:8470": 200, "evil.example": 421, "evil.example:8470": 421, "localhost.evil.example": 421} {
		if code, _, _ := call(t, http.DefaultClient, "GET", page+"/api/v1/points", host, ""); code != want {
			t.Errorf("host %q: %d, want %d", host, code, want)
		}
	}
}

func TestADeviceIsExplained(t *testing.T) {
	page, _ := serve(t, t.TempDir())
	if code, text, _ := call(t, http.DefaultClient, "GET", page+"/api/v1/explain/press", "", ""); code != 200 || !strings.Contains(text, "it does not have hr:2") {
		t.Errorf("%d %s", code, text)
	}
	if code, text, _ := call(t, http.DefaultClient, "GET", page+"/api/v1/explain/oven", "", ""); code != 404 || !strings.Contains(text, "no such point") {
		t.Errorf("a device that is not there: %d %s", code, text)
	}
}

func TestOnlyTheSocketWrites(t *testing.T) {
	page, socket := serve(t, t.TempDir())
	if code, _, _ := call(t, http.DefaultClient, "POST", page+"/api/v1/points/press.mode", "", `{"value": "1"}`); code < 400 {
		t.Errorf("the page's port took a write: %d", code)
	}
	if code, _, _ := call(t, http.DefaultClient, "GET", page+"/debug/pprof/", "", ""); code != 404 {
		t.Errorf("the page's port gives profiles: %d", code)
	}
	for what, c := range map[string]struct {
		point, body string
		code        int
		says        string
	}{
		"fine":                {"press.mode", `{"value": "1"}`, 200, `"value":"1"`},
		"no such point":       {"press.none", `{"value": "1"}`, 404, `no such point: \"press.none\"`},
		"outside its limits":  {"press.mode", `{"value": "too much"}`, 403, "outside 0..100"},
		"a device that hangs": {"press.mode", `{"value": "unplugged"}`, 502, "the device did not answer"},
		"no JSON":             {"press.mode", `1`, 400, "want {"},
		"far too much":        {"press.mode", `{"value": "` + strings.Repeat("x", 1<<18) + `"}`, 400, "too large"},
	} {
		code, text, _ := call(t, socket, "POST", "http://penstock/api/v1/points/"+c.point, "", c.body)
		if code != c.code || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %s; want %d and %q", what, code, text, c.code, c.says)
		}
	}
}

func TestTheMetricsAreAsPrometheusWantsThem(t *testing.T) {
	page, _ := serve(t, t.TempDir())
	_, text, _ := call(t, http.DefaultClient, "GET", page+"/metrics", "", "")
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	want := "# HELP penstock_dropped_samples_total Samples given up, by reason.\n# TYPE penstock_dropped_samples_total counter\n" +
		"penstock_dropped_samples_total{reason=\"damaged\"} 0\npenstock_dropped_samples_total{reason=\"evicted\"} 5\n"
	if err := testutil.ScrapeAndCompare(page+"/metrics", strings.NewReader(want), "penstock_dropped_samples_total"); err != nil {
		t.Error(err)
	}
	want = "# HELP penstock_clock_last_step_seconds By how much it was set the last time, forward or back.\n# TYPE penstock_clock_last_step_seconds gauge\n" +
		"penstock_clock_last_step_seconds -259200\n"
	if err := testutil.ScrapeAndCompare(page+"/metrics", strings.NewReader(want), "penstock_clock_last_step_seconds"); err != nil {
		t.Error(err)
	}
	want = "# HELP penstock_ledger_samples Samples in these blocks.\n# TYPE penstock_ledger_samples gauge\n" +
		"penstock_ledger_samples{class=\"\",reason=\"refused\",target=\"" + strings.ReplaceAll(hostile, `"`, `\"`) + "\"} 70\n" +
		"penstock_ledger_samples{class=\"normal\",reason=\"evicted\",target=\"" + strings.ReplaceAll(hostile, `"`, `\"`) + "\"} 3456\n"
	if err := testutil.ScrapeAndCompare(page+"/metrics", strings.NewReader(want), "penstock_ledger_samples"); err != nil {
		t.Error(err)
	}
	if !strings.Contains(text, `penstock_connection_up{connection="plc"} 0.5`) {
		t.Errorf("no half of a connection in\n%s", text)
	}
}

func TestTheSocketOfACrashIsReplaced(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, status.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, socket := serve(t, dir)
	if code, _, _ := call(t, socket, "GET", "http://penstock/healthz", "", ""); code != 200 {
		t.Errorf("healthz: %d", code)
	}
	if info, err := os.Stat(filepath.Join(dir, status.SocketName)); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket's mode is %v, %v", info.Mode(), err)
	}
}

func TestWhereItCannotListenItSaysWhatToDo(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, err := status.Listen(taken.Addr().String(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "local: {web: 127.0.0.1:PORT}") {
		t.Errorf("a port that is taken: %v", err)
	}
	deep := filepath.Join(t.TempDir(), strings.Repeat("x", 100))
	if err := os.Mkdir(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := status.Listen("", deep); err == nil || !strings.Contains(err.Error(), "set state: to a shorter folder") {
		t.Errorf("a folder too deep: %v", err)
	}
}

func TestAlarmsAreOperatedFromHereAndNotFromAForeignPage(t *testing.T) {
	page, socket := serve(t, t.TempDir())
	for what, c := range map[string]struct {
		path, body, site string
		code             int
		says             string
	}{
		"acknowledged":        {"/api/v1/alarms/oil_hot/acknowledge", `{"who":"anna"}`, "", 200, "oil_hot"},
		"no such alarm":       {"/api/v1/alarms/none/acknowledge", `{"who":"anna"}`, "", 404, "no such alarm"},
		"not understood":      {"/api/v1/alarms/oil_hot/acknowledge", `anna`, "", 400, "want {"},
		"not done":            {"/api/v1/alarms/oil_hot/shelve", `{"who":"anna"}`, "", 409, "until when"},
		"the page's button":   {"/alarms/oil_hot/acknowledge", "", "same-origin", 200, "<main>"},
		"a foreign page's":    {"/alarms/oil_hot/acknowledge", "", "cross-site", 403, ""},
		"a foreign program's": {"/api/v1/alarms/oil_hot/acknowledge", `{"who":"anna"}`, "cross-site", 403, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", page+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Sec-Fetch-Site", c.site)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != c.code || !strings.Contains(string(text), c.says) {
			t.Errorf("%s: %d %s; want %d and %q", what, res.StatusCode, text, c.code, c.says)
		}
	}
	if code, text, _ := call(t, socket, "GET", "http://penstock/api/v1/audit?max=1", "", ""); code != 200 || text != "{\"seq\":1}\n" {
		t.Errorf("the audit log: %d %q", code, text)
	}
	if code, text, _ := call(t, socket, "GET", "http://penstock/api/v1/audit/verify", "", ""); code != 409 || !strings.Contains(text, "line 7") {
		t.Errorf("an audit log that was changed: %d %q", code, text)
	}
	if code, text, _ := call(t, socket, "GET", "http://penstock/things/plant7:press/shadow", "", ""); code != 200 || !strings.Contains(text, "plant7:press") {
		t.Errorf("a shadow: %d %q", code, text)
	}
	if code, _, _ := call(t, http.DefaultClient, "GET", page+"/things/plant7:press/shadow", "", ""); code != 404 {
		t.Errorf("the page's port gives shadows: %d", code)
	}
	if code, _, _ := call(t, http.DefaultClient, "GET", page+"/api/v1/audit", "", ""); code != 404 {
		t.Errorf("the page's port gives the audit log: %d", code)
	}
}
