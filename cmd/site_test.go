package cmd_test

import (
	"encoding/json"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/gateway/status"
)

// site is a gateway and its cloud as processes of their own, in a folder of their own.
type site struct {
	t       testing.TB
	dir     string
	made    installation
	mqtt    string // host:port
	cloud   *program
	gateway *program

	counters []*counter // the field, where it is counters
	before   int        // what they had served when the gateway was started last
}

// installation is what penstock-cloud init prints.
type installation struct {
	Config      string `json:"config"`
	CA          string `json:"ca"`
	Fingerprint string `json:"ca_fingerprint"`
	URL         string `json:"url"`
	Token       string `json:"admin_token"`
}

// newSite makes a cloud and runs it.
func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir()}
	r := command(t, nil, "penstock-cloud", "init", "--dir", filepath.Join(s.dir, "cloud"), "-o", "json")
	if r.code != 0 {
		t.Fatalf("init: %s", r.stderr)
	}
	if err := json.Unmarshal([]byte(r.stdout), &s.made); err != nil {
		t.Fatal(err)
	}
	s.mqtt, s.made.URL = unusedPort(t), "https://"+unusedPort(t)
	s.edit(s.made.Config, "127.0.0.1:8883", s.mqtt, "127.0.0.1:8443", strings.TrimPrefix(s.made.URL, "https://"))
	s.startCloud()
	return s
}

// unusedPort is an address nobody listens on. It is not one of the kernel's own choice: from those it also gives to clients, and while the
// cloud is away its port could be taken by one, even by a gateway that connects to it and meets itself.
func unusedPort(t testing.TB) string {
	t.Helper()
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(12000+rand.IntN(20000)))
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

// edit replaces texts in a file; each must be there.
func (s *site) edit(path string, oldNew ...string) {
	s.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(string(text), oldNew[i]) {
			s.t.Fatalf("%s has no %q", path, oldNew[i])
		}
	}
	s.write(path, strings.NewReplacer(oldNew...).Replace(string(text)))
}

func (s *site) write(path, text string) {
	s.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) startCloud() {
	s.t.Helper()
	s.cloud = start(s.t, exec.Command(ours("penstock-cloud"), "run", "-c", s.made.Config))
	s.cloud.says("pages and API")
}

// config is where the gateway's configuration is.
func (s *site) config() string { return filepath.Join(s.dir, "gateway.yaml") }

// configure writes the gateway's configuration: what every test has, and the field as the test says. The gateway is called plant7.
func (s *site) configure(field string) {
	s.t.Helper()
	s.write(s.config(), `version: 1
gateway: {id: plant7}
state: `+filepath.Join(s.dir, "state")+`
cloud: [{url: "mqtts://`+s.mqtt+`", send: {every: 2s}}]
local: {web: ""}
`+field)
}

// bufferOn is the configuration of a buffer in a folder of the site's.
func bufferOn(folder string, s *site) string {
	return "buffer: {path: " + filepath.Join(s.dir, folder) + "}\n"
}

// enroll invites the gateway and takes the invitation up.
func (s *site) enroll() {
	s.t.Helper()
	token := strings.TrimSpace(s.ask("invite", "plant7"))
	if r := command(s.t, nil, "penstock", "enroll", s.made.URL, "--token", token, "--ca-fingerprint", s.made.Fingerprint, "-c", s.config()); r.code != 0 {
		s.t.Fatalf("enroll: %s", r.stderr)
	}
}

// launchGateway starts it and does not wait.
func (s *site) launchGateway() {
	s.t.Helper()
	s.before = s.served()
	s.gateway = start(s.t, exec.Command(ours("penstock"), "run", "-c", s.config()))
}

func (s *site) startGateway() {
	s.t.Helper()
	s.launchGateway()
	s.gateway.says("msg=running")
}

// drain runs the gateway without equipment until its buffer is empty: what waited there is in the cloud then.
func (s *site) drain() {
	s.t.Helper()
	s.configure("")
	s.startGateway()
	until(s.t, time.Minute, "the buffer is empty", func() bool {
		st, ok := s.status()
		return ok && st.Buffer.Records == 0 && st.Buffer.Samples == 0
	})
	s.gateway.stop()
}

// tell runs a command of the cloud's.
func (s *site) tell(args ...string) result {
	s.t.Helper()
	return command(s.t, []string{"PENSTOCK_CLOUD_URL=" + s.made.URL, "PENSTOCK_CLOUD_CA=" + s.made.CA, "PENSTOCK_CLOUD_TOKEN=" + s.made.Token}, "penstock-cloud", args...)
}

// ask runs one that must succeed, and gives what it printed.
func (s *site) ask(args ...string) string {
	s.t.Helper()
	r := s.tell(args...)
	if r.code != 0 {
		s.t.Fatalf("penstock-cloud %s: exit %d: %s", strings.Join(args, " "), r.code, r.stderr)
	}
	return r.stdout
}

// status is what the gateway says of itself; false while it does not answer.
func (s *site) status() (st status.Status, ok bool) {
	s.t.Helper()
	r := command(s.t, nil, "penstock", "status", "-c", s.config(), "-o", "json")
	if r.stdout == "" {
		return st, false
	}
	if err := json.Unmarshal([]byte(r.stdout), &st); err != nil {
		s.t.Fatalf("status printed %q: %v", r.stdout, err)
	}
	return st, true
}

// now is the status of a gateway that must answer.
func (s *site) now() status.Status {
	s.t.Helper()
	st, ok := s.status()
	if !ok {
		s.t.Fatal("the gateway does not answer")
	}
	return st
}

// ledger is the cloud's account of the gateway.
func (s *site) ledger() (l cloud.Ledger) {
	s.t.Helper()
	text := s.ask("ledger", "plant7", "-o", "json")
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		s.t.Fatalf("ledger printed %q: %v", text, err)
	}
	return l
}

// sample is a line of penstock-cloud query.
type sample struct {
	Time    time.Time       `json:"time"`
	Value   json.RawMessage `json:"value"`
	Quality string          `json:"quality"`
}

// query is everything stored of a point, as printed.
func (s *site) query(point string, args ...string) (list []sample) {
	s.t.Helper()
	for line := range strings.Lines(s.ask(append([]string{"query", "plant7", point, "-o", "json"}, args...)...)) {
		var one sample
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			s.t.Fatalf("query printed %q: %v", line, err)
		}
		list = append(list, one)
	}
	return list
}
