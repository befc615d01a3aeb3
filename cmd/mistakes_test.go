package cmd_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// refused checks what every mistake ends with: the exit code, a last line that says what to do, no panic, and nothing but the mistakes'
// own lines before it.
func (r result) refused(t *testing.T, what string, code, lines int, says ...string) {
	t.Helper()
	if r.code != code || strings.Contains(r.stderr, "panic") || strings.Contains(r.stderr, "goroutine ") {
		t.Errorf("%s: exit code %d, want %d; stderr:\n%s", what, r.code, code, r.stderr)
	}
	if n := strings.Count(r.stderr, "\n"); n != lines {
		t.Errorf("%s: %d lines on stderr, want %d:\n%s", what, n, lines, r.stderr)
	}
	for _, s := range says {
		if !strings.Contains(r.stderr, s) {
			t.Errorf("%s: stderr does not say %q:\n%s", what, s, r.stderr)
		}
	}
}

func TestMistakesInTheGatewaysFile(t *testing.T) {
	t.Parallel()
	const plc, press = "connections:\n  plc: {modbus: tcp, address: 127.0.0.1}\n", "devices:\n  - {name: press, connection: plc, points: {temp: {at: hr:1}}}\n"
	for what, c := range map[string]struct {
		text string
		says string
	}{
		"an unknown key":           {"connections:\n  plc: {modbus: tcp, adress: 127.0.0.1}\n" + press, `:3:22: error: unknown key "adress"`},
		"an unknown section":       {"conections: {}\n", `did you mean "connections"`},
		"a word for a duration":    {"scan: {normal: often}\n", ":2:16: error: "},
		"a list for a map":         {"connections: [plc]\n", ":2:14: error: "},
		"a device twice":           {plc + press + "  - {name: press, connection: plc, unit: 2, points: {temp: {at: hr:1}}}\n", `:6:12: error: device press is defined twice`},
		"a connection that is not": {press, `:3:31: error: there is no connection "plc"`},
		"no YAML":                  {"gateway: {id: \n", ":2:13: error: "},
	} {
		t.Run(what, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "gateway.yaml")
			if err := os.WriteFile(file, []byte("version: 1\n"+c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			// A mistake is three lines: what it is, the line of the file, and a mark below the place.
			command(t, nil, "penstock", "run", "-c", file).refused(t, "run", 1, 4, file, c.says, "1 mistake in "+file+"; nothing was started")
			r := command(t, nil, "penstock", "check", file)
			if r.code != 1 || r.stderr != "" || !strings.Contains(r.stdout, c.says) {
				t.Errorf("check: exit code %d; %s%s", r.code, r.stdout, r.stderr)
			}
		})
	}
	command(t, nil, "penstock", "run", "-c", "/nowhere/gateway.yaml").refused(t, "a file that is not there", 1, 2, "/nowhere/gateway.yaml")
	command(t, nil, "penstock", "run", "extra").refused(t, "too many words", 2, 1, "penstock run")
	command(t, nil, "penstock", "dance").refused(t, "an unknown command", 2, 1, `"dance"`, "--help")
	command(t, nil, "penstock", "run", "--loud").refused(t, "an unknown flag", 2, 1, "--loud", "--help")
}

func TestMistakesInTheCloudsFile(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ old, new, says string }{
		"an unknown key":    {"https: 127", "http: 127", "cloud.yaml:"},
		"a list for a text": {"data: data", "data: [data]", "cloud.yaml:"},
		"a key twice":       {"data: data", "data: data\ndata: data", "cloud.yaml:"},
		"no port":           {"127.0.0.1:8883", "127.0.0.1", "HOST:PORT"},
		"the future":        {"version: 1", "version: 9", "version: 9"},
		"no token":          {"token_hash: ", "token_hash: no", "token_hash"},
	} {
		t.Run(what, func(t *testing.T) {
			s := &site{t: t, dir: t.TempDir()}
			if r := command(t, nil, "penstock-cloud", "init", "--dir", s.dir); r.code != 0 {
				t.Fatal(r.stderr)
			}
			file := filepath.Join(s.dir, "cloud.yaml")
			s.edit(file, c.old, c.new)
			command(t, nil, "penstock-cloud", "run", "-c", file).refused(t, "run", 1, 1, "penstock-cloud: ", file, c.says)
		})
	}
}

func TestMistakesOfEnrolling(t *testing.T) {
	t.Parallel()
	s, foreign := newSite(t), newSite(t)
	s.configure("")
	invite := func(at *site, args ...string) string {
		return strings.TrimSpace(at.ask(append([]string{"invite", "plant7"}, args...)...))
	}
	enroll := func(args ...string) result {
		return command(t, nil, "penstock", append([]string{"enroll", s.made.URL, "-c", s.config()}, args...)...)
	}
	short := invite(s, "--ttl", "1s")
	shortEnds := time.Now().Add(2 * time.Second) // the cloud rounds a second up
	good := invite(s)

	enroll().refused(t, "no token", 2, 1, "--token is missing", "penstock-cloud invite")
	enroll("--token", "sesame").refused(t, "no token at all", 1, 1, "penstock-cloud invite")
	enroll("--token", strings.Repeat("A", 32)+good[32:]).refused(t, "a token never given", 1, 1, "penstock-cloud invite")
	enroll("--token", invite(foreign)).refused(t, "a token of another cloud", 1, 1, "the server's CA is not the one that is expected")
	enroll("--token", good, "--ca-fingerprint", foreign.made.Fingerprint).refused(t, "a fingerprint of another CA", 1, 1, "the server's CA is not the one that is expected")
	enroll("--token", good, "--ca-fingerprint", "sha256:12").refused(t, "half a fingerprint", 1, 1, "64 hex digits")
	command(t, nil, "penstock", "enroll", "https://127.0.0.1:1", "-c", s.config(), "--token", good).refused(t, "nobody there", 1, 1, "127.0.0.1:1")
	command(t, nil, "penstock", "enroll", "http://localhost", "-c", s.config(), "--token", good).refused(t, "no https", 1, 1, "https://HOST:PORT")

	other := strings.TrimSpace(s.ask("invite", "plant8"))
	enroll("--token", other).refused(t, "a token for another gateway", 1, 1, "plant8", "plant7")
	if left, _ := filepath.Glob(filepath.Join(s.dir, "state", "identity", "*")); len(left) > 0 {
		t.Errorf("what was refused left %v", left)
	}
	if r := enroll("--token", good); r.code != 0 { // none of the mistakes has used it up
		t.Errorf("the good token: %s", r.stderr)
	}
	enroll("--token", good).refused(t, "the token a second time", 1, 1, "penstock-cloud invite")
	<-time.After(time.Until(shortEnds))
	enroll("--token", short).refused(t, "a token that has expired", 1, 1, "penstock-cloud invite")
}

func TestPortsAndFoldersThatAreTaken(t *testing.T) {
	t.Parallel()
	s := newCounterSite(t, 1)
	s.startGateway()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	port := taken.Addr().String()

	// The cloud, of which a second one starts.
	cloud := func(oldNew ...string) result {
		file := filepath.Join(s.dir, "cloud", "second.yaml")
		text, err := os.ReadFile(s.made.Config)
		if err != nil {
			t.Fatal(err)
		}
		s.write(file, strings.NewReplacer(oldNew...).Replace(string(text)))
		return command(t, nil, "penstock-cloud", "run", "-c", file)
	}
	https := strings.TrimPrefix(s.made.URL, "https://")
	cloud(s.mqtt, port).refused(t, "listen.mqtt is taken", 1, 1, "another program listens on "+port, "listen: mqtt")
	cloud(s.mqtt, unusedPort(t), https, port).refused(t, "listen.https is taken", 1, 1, "another program listens on "+port, "listen: https")
	cloud(s.mqtt, unusedPort(t), https, unusedPort(t)).refused(t, "the data folder is in use", 1, 1, "in use by another penstock-cloud", "stop that one first")
	s.write(filepath.Join(s.dir, "cloud", "file"), "in the place of a folder")
	cloud(s.mqtt, unusedPort(t), https, unusedPort(t), "data: data", "data: file").refused(t, "a file for a data folder", 1, 1, "data: ", "file")
	command(t, nil, "penstock-cloud", "init", "--dir", filepath.Dir(s.made.Config)).refused(t, "init once more", 1, 1, "penstock-cloud run -c")

	// The gateway, likewise.
	gateway := func(state, buffer, web string) result {
		file := filepath.Join(s.dir, "second.yaml")
		s.write(file, fmt.Sprintf("version: 1\nstate: %s\nbuffer: {path: %s}\nlocal: {web: %q}\n", state, buffer, web))
		return command(t, nil, "penstock", "run", "-c", file)
	}
	used, fresh := filepath.Join(s.dir, "state"), filepath.Join(s.dir, "fresh")
	file := filepath.Join(s.dir, "file")
	s.write(file, "in the place of a folder")
	gateway(used, fresh, "").refused(t, "the state folder is in use", 1, 1, "another penstock is running on this state folder")
	gateway(fresh, filepath.Join(used, "buffer"), "").refused(t, "the buffer is in use", 1, 1, "another process is using this buffer")
	gateway(file, fresh, "").refused(t, "a file for a state folder", 1, 1, file, "set state: to a folder")
	gateway(filepath.Join(file, "state"), fresh, "").refused(t, "a file above the state folder", 1, 1, file, "set state: to a folder")
	gateway(fresh, file, "").refused(t, "a file for a buffer folder", 1, 1, file, "buffer: {path: ...}")
	gateway(fresh, filepath.Join(fresh, "buffer"), port).refused(t, "local.web is taken", 1, 1, "listen on local.web "+port, "local: {web: 127.0.0.1:PORT}")

	// Those that ran before have not noticed.
	if st := s.now(); st.Connections[0].State != "up" || !s.cloud.running() {
		t.Errorf("the first gateway: %+v", st)
	}
}

// A serial device that isn't there stops nobody else, and the status says which it is.
func TestASerialDeviceIsNotThere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.counters = newCounters(t, 1)
	field := strings.Replace(counterField(s.counters), "connections:\n", "connections:\n"+
		"  meterbus: {modbus: rtu, port: /dev/penstock-none}\n  scale_port: {serial: /dev/penstock-none2}\n", 1)
	s.configure(field + "  - {name: meter, connection: meterbus, unit: 3, points: {volt: {at: ir:0}}}\n" +
		"  - {name: scale, connection: scale_port, frame: {end: \"\\r\\n\"}, match: '(?P<w>\\d+)', points: {weight: {at: w}}}\n")
	s.enroll()
	s.startGateway()
	until(t, 20*time.Second, "the device that is there is read and stored", func() bool { return s.now().Targets[0].SentSamples > 20 })
	for _, c := range s.now().Connections {
		missing := c.Name != "counter1_plc"
		if want := map[bool]string{true: "down", false: "up"}[missing]; c.State != want {
			t.Errorf("%s is %s; want %s", c.Name, c.State, want)
		}
		if missing && !strings.Contains(c.Why, "/dev/penstock-none") {
			t.Errorf("%s is down because %q", c.Name, c.Why)
		}
	}
	r := command(t, nil, "penstock", "status", "-c", s.config())
	if r.code != 1 || !strings.Contains(r.stdout, "/dev/penstock-none2") {
		t.Errorf("status: exit code %d:\n%s", r.code, r.stdout)
	}
	if got := s.query("meter.volt"); len(got) != 1 || string(got[0].Value) != "null" || got[0].Quality == "good" {
		t.Errorf("of the meter that can't be read is stored: %+v", got)
	}
	s.gateway.stop()
}

// A gateway that nobody has enrolled reads and keeps, says what is missing, and takes the identity up when it comes: nothing is restarted.
func TestNotEnrolledYet(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.counters = newCounters(t, 1)
	s.configure(counterField(s.counters))
	s.startGateway()
	until(t, 20*time.Second, "it reads", func() bool { return s.now().SamplesKept > 20 })
	if target := s.now().Targets[0]; target.Connected || !strings.Contains(target.Why, "penstock enroll") {
		t.Errorf("without an identity the target is %+v", target)
	}
	s.enroll()
	until(t, time.Minute, "what was kept is stored", func() bool { st := s.now(); return st.Targets[0].SentSamples > 20 })
	s.rest()
	s.gateway.stop()
	s.drain()
	if a := s.audit(); len(a.missing) > 0 {
		t.Errorf("%d of %d served are missing", len(a.missing), a.served)
	}
}
