package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shell runs commands as a person would, against a cloud of its own.
type shell struct {
	t     *testing.T
	dir   string
	mqtt  *url.URL
	errs  *buffer
	stop  func()
	token string
}

// buffer is what a running command writes.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// do runs a command and gives what it printed.
func (s *shell) do(args ...string) (string, error) {
	var out bytes.Buffer
	err := run(s.t.Context(), args, &out, s.errs)
	return out.String(), err
}

func (s *shell) must(args ...string) string {
	s.t.Helper()
	out, err := s.do(args...)
	if err != nil {
		s.t.Fatalf("penstock-cloud %s: %v", strings.Join(args, " "), err)
	}
	return out
}

var addresses = regexp.MustCompile(`MQTT (\S+), pages and API (\S+)`)

func newShell(t *testing.T) *shell {
	t.Helper()
	s := &shell{t: t, dir: t.TempDir(), errs: &buffer{}}
	var made map[string]string
	if err := json.Unmarshal([]byte(s.must("init", "--dir", s.dir, "-o", "json")), &made); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(made["config"])
	if err != nil {
		t.Fatal(err)
	}
	free := strings.NewReplacer("127.0.0.1:8883", "127.0.0.1:0", "127.0.0.1:8443", "127.0.0.1:0").Replace(string(text))
	if err := os.WriteFile(made["config"], []byte(free), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx, []string{"run", "-c", made["config"]}, s.errs, s.errs) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(s.stop)
	for deadline := time.Now().Add(10 * time.Second); !addresses.MatchString(s.errs.String()); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the server does not come up:\n%s", s.errs)
		}
	}
	at := addresses.FindStringSubmatch(s.errs.String())
	if s.mqtt, err = url.Parse(at[1]); err != nil {
		t.Fatal(err)
	}
	s.token = made["admin_token"]
	t.Setenv("PENSTOCK_CLOUD_URL", at[2])
	t.Setenv("PENSTOCK_CLOUD_CA", made["ca"])
	t.Setenv("PENSTOCK_CLOUD_TOKEN", s.token)
	return s
}

func TestCommands(t *testing.T) {
	s := newShell(t)
	if token := s.must("invite", "plant7", "--ttl", "2h"); !regexp.MustCompile(`^[A-Z2-7]{32}\.[0-9a-f]{32}\n$`).MatchString(token) {
		t.Errorf("invite printed %q", token)
	}
	keys := filepath.Join(s.dir, "keys")
	s.must("issue", "thermo1", "--out", keys)
	for name, mode := range map[string]os.FileMode{"thermo1.key": 0o600, "thermo1.crt": 0o644, "ca.crt": 0o644} {
		if info, err := os.Stat(filepath.Join(keys, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if out := s.must("query", "thermo1", "temperature", "-o", "json"); out != "" {
		t.Errorf("query before anything came: %q", out)
	}
	if out := s.must("ledger", "thermo1", "-o", "json"); out != `{"epochs":[]}`+"\n" {
		t.Errorf("ledger: %q", out)
	}
	if out := s.must("version"); !strings.HasPrefix(out, "penstock-cloud ") {
		t.Errorf("version: %q", out)
	}
	if strings.Contains(s.errs.String(), s.token) {
		t.Error("the log has the admin token in it")
	}
	if out := s.must("query", "--help"); strings.Contains(out, s.token) {
		t.Error("help prints the admin token")
	}
}

// Every mistake is one line that says what to do, with the exit code that scripts look at.
func TestMistakes(t *testing.T) {
	s := newShell(t)
	s.must("issue", "thermo1", "--out", s.dir)
	notMade := filepath.Join(s.dir, "none.yaml")
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"init", 2, "--dir DIR"},
		{"init --dir " + s.dir, 1, "penstock-cloud run -c"},
		{"init --dir " + s.dir + "/x --host a/b", 1, "neither a DNS name nor an IP address"},
		{"init -o yaml --dir " + s.dir + "/x", 2, "-o is one of text, json"},
		{"run -c " + notMade, 1, "penstock-cloud init"},
		{"run --config", 2, "run --help"},
		{"dance", 2, "unknown command"},
		{"query plant7", 2, "usage: penstock-cloud query GATEWAY DEVICE.POINT"},
		{"query nobody x.y", 1, "not found"},
		{"query thermo1 t --from yesterday", 1, "2026-03-01T08:00:00Z"},
		{"query thermo1 t --last 1000000", 1, "from 1 to 100000"},
		{"query thermo1 t --last many", 2, "--last"},
		{"query thermo1 t --url http://x", 2, "https://HOST:8443"},
		{"query thermo1 t --url https://127.0.0.1:1", 1, "does the server run"},
		{"query thermo1 t --token wrong", 1, "admin token"},
		{"query thermo1 t --ca " + notMade, 1, "--ca"},
		{"issue a/b --out " + s.dir, 1, "a-z A-Z 0-9"},
		{"issue thermo1", 2, "--out DIR"},
		{"issue thermo1 --out " + s.dir, 1, "is there already"},
		{"invite plant7 --ttl 1ms", 1, "at most 720h"},
		{"invite plant7 --ttl soon", 2, "--ttl"},
		{"invite a.b", 1, "a-z A-Z 0-9"},
	} {
		_, err := s.do(strings.Fields(c.args)...)
		if err == nil || exitCode(err) != c.code || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("penstock-cloud %s: exit %d, %v; want %d, %s", c.args, exitCode(err), err, c.code, c.want)
		}
	}
	t.Setenv("PENSTOCK_CLOUD_CA", "")
	if _, err := s.do("ledger", "thermo1"); err == nil || !strings.Contains(err.Error(), "PENSTOCK_CLOUD_CA") {
		t.Errorf("without the CA: %v", err)
	}
	t.Setenv("PENSTOCK_CLOUD_TOKEN", "")
	if _, err := s.do("ledger", "thermo1"); err == nil || !strings.Contains(err.Error(), "PENSTOCK_CLOUD_TOKEN") {
		t.Errorf("without a token: %v", err)
	}
}

// Every command has help with an example.
func TestHelp(t *testing.T) {
	seen := 0
	for _, cmd := range rootCommand().Commands() {
		if cmd.Hidden { // for packages, not for people
			continue
		}
		seen++
		if cmd.Example == "" || cmd.Short == "" {
			t.Errorf("%s has no example", cmd.Name())
		}
	}
	if seen < 7 {
		t.Errorf("%d commands seen", seen)
	}
}
