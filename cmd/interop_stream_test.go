//go:build interop

package cmd_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/penstock-edge/penstock/cloud/rule"
)

// hook is somebody's service that a rule posts to. It refuses now and then, as services do.
type hook struct {
	t   *testing.T
	key []byte

	mu    sync.Mutex
	asked int
	got   map[float64]map[string]bool // by value: the idempotency keys it came with
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if err := rule.Verify(r.Header.Get(rule.HeaderSignature), h.key, time.Now(), time.Minute, body); err != nil {
		h.t.Errorf("a webhook that nobody signed: %v", err)
	}
	var row struct {
		Double float64 `json:"double"`
		Device string  `json:"device"`
	}
	if err := json.Unmarshal(body, &row); err != nil || row.Device != "counter1" {
		h.t.Errorf("the webhook got %s", body)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.asked++; h.asked%7 == 0 {
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	if h.got[row.Double] == nil {
		h.got[row.Double] = map[string]bool{}
	}
	h.got[row.Double][r.Header.Get("Idempotency-Key")] = true
}

// TestPR1_FromAMachineToAStreamAndAWebhook: what a device counts is filtered and transformed by a rule of the cloud and arrives at a NATS stream
// and at a webhook, all of it, each once by its key; though both programs are killed, and the cloud is away for as long as 3,600 samples take,
// an hour's worth of a point that is read every second; here it is read a hundred times as often.
func TestPR1_FromAMachineToAStreamAndAWebhook(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.counters = newCounters(t, 1)
	s.configure(strings.Replace(counterField(s.counters), "normal: 100ms", "normal: 10ms", 1))
	s.enroll()
	h := &hook{t: t, key: []byte("a key of sixteen bytes at least"), got: map[float64]map[string]bool{}}
	hooks := httptest.NewServer(h)
	t.Cleanup(hooks.Close)
	stream := startNATS(t)
	s.reach(hooks.URL, stream.url)
	code, said := s.call("POST", "/rules/even", fmt.Sprintf(`{
		"sql": "SELECT value * 2 AS double, topic(3) AS device FROM 'dt/plant7/counter1/number' WHERE value %% 5 = 0",
		"actions": [{"http": {"url": %q, "hmac": {"key_id": "plant"}}}, {"nats": {"subject": "plant.${topic(3)}", "stream": "PLANT"}}]}`, hooks.URL+"/in"))
	if code != http.StatusOK {
		t.Fatalf("make a rule: %d %s", code, said)
	}
	s.startGateway()
	until(t, 30*time.Second, "the first rows have arrived", func() bool { return h.count() > 2 && stream.count(t) > 2 })

	s.cloud.kill()
	until(t, time.Minute, "3,600 samples wait", func() bool { return s.now().Buffer.Samples >= 3600 })
	s.gateway.kill()
	s.startGateway()
	s.startCloud()
	until(t, time.Minute, "the backlog is stored", func() bool { return s.now().Buffer.Samples < 1200 })
	s.cloud.kill()
	s.startCloud()
	s.rest()
	until(t, 30*time.Second, "the buffer is empty", func() bool { st := s.now(); return st.Buffer.Samples == 0 && st.Buffer.Records == 0 })

	want := map[float64]bool{}
	for _, one := range s.query("counter1.number") {
		var n float64
		if one.Quality == "good" && json.Unmarshal(one.Value, &n) == nil && int(n)%5 == 0 {
			want[n*2] = true
		}
	}
	until(t, 90*time.Second, "every row is at both ends", func() bool { return h.count() >= len(want) && stream.count(t) >= len(want) })
	at := stream.values(t)
	for n := range want {
		if len(h.got[n]) != 1 || at[n] != 1 {
			t.Errorf("%v arrived with %d keys at the webhook and %d times in the stream, want one each", n, len(h.got[n]), at[n])
		}
	}
	if len(h.got) != len(want) || len(at) != len(want) {
		t.Errorf("%d values were to arrive; the webhook has %d, the stream %d", len(want), len(h.got), len(at))
	}
	if latest := s.ask("query", "plant7", "counter1.number", "--last", "1", "-o", "json"); !strings.Contains(latest, `"quality"`) {
		t.Errorf("the screen's value: %s", latest)
	}
	t.Logf("%d rows, %d posts, each value once in the stream", len(want), h.asked)
}

func (h *hook) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.got)
}

// reach lets the cloud's rules reach these two.
func (s *site) reach(hook, nats string) {
	s.t.Helper()
	key := filepath.Join(s.dir, "plant.key")
	s.write(key, "a key of sixteen bytes at least")
	text, err := os.ReadFile(s.made.Config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(s.made.Config, string(text)+fmt.Sprintf("\nrules: {webhooks: [%q], keys: {plant: %q}, nats: %q}\n", strings.TrimPrefix(hook, "http://"), key, nats))
	s.cloud.stop()
	s.startCloud()
}

// jetStream is a NATS server with a stream of what is below plant.
type jetStream struct {
	url string
	js  nats.JetStreamContext
}

func startNATS(t *testing.T) *jetStream {
	t.Helper()
	program, err := exec.LookPath("nats-server")
	if err != nil {
		program = "/usr/sbin/nats-server"
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v: run make test, which installs it", err)
	}
	address := unusedPort(t)
	host, port, _ := strings.Cut(address, ":")
	start(t, exec.Command(program, "-js", "-a", host, "-p", port, "-sd", t.TempDir()))
	j := &jetStream{url: "nats://" + address}
	var conn *nats.Conn
	until(t, 20*time.Second, "the NATS server answers", func() bool {
		conn, err = nats.Connect(j.url)
		return err == nil
	})
	t.Cleanup(conn.Close)
	if j.js, err = conn.JetStream(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.js.AddStream(&nats.StreamConfig{Name: "PLANT", Subjects: []string{"plant.>"}}); err != nil {
		t.Fatal(err)
	}
	return j
}

func (j *jetStream) count(t *testing.T) int {
	t.Helper()
	info, err := j.js.StreamInfo("PLANT")
	if err != nil {
		t.Fatal(err)
	}
	return int(info.State.Msgs)
}

// values is how often each value is in the stream.
func (j *jetStream) values(t *testing.T) map[float64]int {
	t.Helper()
	sub, err := j.js.SubscribeSync("plant.>", nats.OrderedConsumer())
	if err != nil {
		t.Fatal(err)
	}
	values := map[float64]int{}
	for range j.count(t) {
		m, err := sub.NextMsg(5 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		var row struct {
			Double float64 `json:"double"`
		}
		if err := json.Unmarshal(m.Data, &row); err != nil {
			t.Fatal(err)
		}
		values[row.Double]++
	}
	return values
}
