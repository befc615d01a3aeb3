//go:build interop

package cmd_test

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/identity"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// brokerFiles has mosquitto's configuration with TLS, its CA, its certificate and one for plant7, in a folder; it gives host:port. extra is how it knows its clients.
func brokerFiles(t *testing.T, dir, extra string) string {
	t.Helper()
	ca, err := identity.NewCA("broker")
	if err != nil {
		t.Fatal(err)
	}
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.IssueServer(key.Public(), []string{"localhost", "127.0.0.1"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := (identity.Files{Key: filepath.Join(dir, "broker.key"), Cert: filepath.Join(dir, "broker.crt"), CA: filepath.Join(dir, "ca.crt")}).Save(key, cert, ca.Certificate()); err != nil {
		t.Fatal(err)
	}
	own, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	csr, err := identity.NewRequest(own, "plant7")
	if err != nil {
		t.Fatal(err)
	}
	request, err := identity.ParseRequest(csr)
	if err != nil {
		t.Fatal(err)
	}
	clientCert, err := ca.Issue(request, "plant7", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := (identity.Files{Key: filepath.Join(dir, "plant7.key"), Cert: filepath.Join(dir, "plant7.crt"), CA: filepath.Join(dir, "ca.crt")}).Save(own, clientCert, ca.Certificate()); err != nil {
		t.Fatal(err)
	}
	address := unusedPort(t)
	_, port, _ := net.SplitHostPort(address)
	for name, text := range map[string]string{
		"secret": "river\n", "passwords": "",
		"mosquitto.conf": fmt.Sprintf("user root\nlistener %s 127.0.0.1\ncertfile broker.crt\nkeyfile broker.key\n%spersistence true\npersistence_location %s/\nmax_queued_messages 0\nlog_type error\n", port, extra, dir),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := foreign(t, dir, "mosquitto_passwd", "-b", "passwords", "plant7", "river").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return address
}

// said is one sample as a stranger reads it.
type said struct {
	Gateway, Epoch string
	Seq            uint64
	Samples        []struct {
		Device, Point, Quality, Unit string
		Time                         time.Time `json:"ts"`
		Value                        json.Number
	}
}

// TestMosquittoGetsEverySample: a plain broker with TLS and a password, a subscriber of somebody else's. The broker is away for a while; in the end the subscriber
// has every value that was served, under the topic that was asked for.
func TestMosquittoGetsEverySample(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	dir := t.TempDir()
	address := brokerFiles(t, dir, "password_file passwords\n")
	broker := start(t, foreign(t, dir, "mosquitto", "-c", "mosquitto.conf"))
	listening := func() bool {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}) // whether it listens is all that is asked
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
	until(t, 10*time.Second, "mosquitto listens", listening)
	_, port, _ := net.SplitHostPort(address)
	heard := start(t, foreign(t, dir, "mosquitto_sub", "-h", "localhost", "-p", port, "--cafile", "ca.crt", "-u", "plant7", "-P", "river", "-V", "5", "-i", "stranger", "-c", "-x", "3600",
		"-q", "1", "-t", "site/#", "-F", "%t %p"))

	counters := newCounters(t, 2)
	s.counters = counters
	s.write(s.config(), `version: 1
gateway: {id: plant7}
state: `+filepath.Join(s.dir, "state")+`
cloud:
  - name: scada
    type: mqtt
    url: mqtts://localhost:`+port+`
    identity: {ca: `+filepath.Join(dir, "ca.crt")+`}
    user: plant7
    password_file: `+filepath.Join(dir, "secret")+`
    topic: site/{gateway}/{device}/{point}
    send: {every: 1s}
local: {web: ""}
`+strings.ReplaceAll(counterField(counters), "type: uint32}", "type: uint32, unit: pcs}"))
	until(t, 10*time.Second, "the subscriber is there", func() bool { // what is published before would be nobody's
		probe := foreign(t, dir, "mosquitto_pub", "-h", "localhost", "-p", port, "--cafile", "ca.crt", "-u", "plant7", "-P", "river", "-t", "site/probe", "-m", "{}")
		_, _ = probe.CombinedOutput()
		return strings.Contains(heard.said.String(), "site/probe")
	})
	s.startGateway()
	until(t, 30*time.Second, "something is stored", func() bool { return s.now().Targets[0].SentSamples > 0 })
	if err := broker.cmd.Process.Signal(syscall.SIGTERM); err != nil { // it keeps the subscriber's session on disk
		t.Fatal(err)
	}
	<-broker.ended
	before := s.now()
	until(t, 30*time.Second, "samples wait", func() bool { return s.now().Targets[0].WaitingSamples >= 80 })
	if s.now().Targets[0].SentSamples != before.Targets[0].SentSamples {
		t.Error("samples are stored by a broker that is away")
	}
	start(t, foreign(t, dir, "mosquitto", "-c", "mosquitto.conf"))
	until(t, 10*time.Second, "mosquitto listens again", listening)
	s.rest()
	until(t, time.Minute, "everything is taken over", func() bool { st := s.now(); return st.Buffer.Records == 0 && st.Buffer.Samples == 0 })
	kept := s.now().SamplesKept
	s.gateway.stop()

	var seen map[string]time.Time
	until(t, 30*time.Second, "the subscriber has heard as much", func() bool {
		seen = s.heard(t, heard.said.String())
		return uint64(len(seen)) >= kept
	})
	for _, c := range counters {
		for i := range c.history() {
			for _, one := range []string{fmt.Sprintf("%s.number %d good pcs", c.name, i), fmt.Sprintf("%s.half %s good ", c.name, json.Number(fmt.Sprint(float64(i)/2)))} {
				if _, there := seen[one]; !there {
					t.Errorf("%q was served, and never heard of", one)
				}
			}
		}
	}
	if uint64(len(seen)) != kept || int(kept) != s.served() {
		t.Errorf("%d samples heard, %d kept, %d served", len(seen), kept, s.served())
	}
	t.Logf("%d samples, through an outage with %d of them waiting", len(seen), before.SamplesKept)
}

// heard reads what the subscriber printed: of each sample what it is, once, and its time. What came twice came with the same time.
func (s *site) heard(t *testing.T, text string) map[string]time.Time {
	t.Helper()
	seen := map[string]time.Time{}
	for line := range strings.Lines(text) {
		topic, payload, ok := strings.Cut(line, " ")
		if !ok || !strings.HasPrefix(topic, "site/plant7/") || !strings.HasSuffix(line, "\n") {
			continue
		}
		var m said
		decoder := json.NewDecoder(bytes.NewReader([]byte(payload)))
		decoder.UseNumber()
		if err := decoder.Decode(&m); err != nil || m.Gateway != "plant7" || m.Epoch == "" || m.Seq == 0 {
			t.Fatalf("%q: %v", line, err)
		}
		for _, one := range m.Samples {
			if want := "site/plant7/" + one.Device + "/" + one.Point; topic != want {
				t.Errorf("on %s is a sample of %s", topic, want)
			}
			key := fmt.Sprintf("%s.%s %s %s %s", one.Device, one.Point, one.Value, one.Quality, one.Unit)
			if at, twice := seen[key]; twice && !at.Equal(one.Time) {
				t.Errorf("%s was at %v and at %v", key, at, one.Time)
			}
			seen[key] = one.Time
		}
	}
	return seen
}

// TestMosquittoGetsBlocksByCertificate: the broker knows the gateway by its certificate, and the payload is the block itself, within what this
// broker takes.
func TestMosquittoGetsBlocksByCertificate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	dir := t.TempDir()
	address := brokerFiles(t, dir, "cafile ca.crt\nrequire_certificate true\nuse_identity_as_username true\nmax_packet_size 1400\n")
	start(t, foreign(t, dir, "mosquitto", "-c", "mosquitto.conf"))
	_, port, _ := net.SplitHostPort(address)
	mine := []string{"-h", "localhost", "-p", port, "--cafile", "ca.crt", "--cert", "plant7.crt", "--key", "plant7.key", "-V", "5", "-q", "1"}
	var heard *program
	until(t, 10*time.Second, "the subscriber is there", func() bool { // what is published before would be nobody's
		if heard == nil || !heard.running() {
			heard = start(t, foreign(t, dir, "mosquitto_sub", append(mine, "-t", "blocks/#", "-t", "probe", "-F", "%t %x")...))
		}
		_ = foreign(t, dir, "mosquitto_pub", append(mine, "-t", "probe", "-m", "x")...).Run() // until it listens
		return strings.Contains(heard.said.String(), "probe")
	})
	counters := newCounters(t, 2)
	s.counters = counters
	s.write(s.config(), `version: 1
gateway: {id: plant7, site: hall-B}
state: `+filepath.Join(s.dir, "state")+`
cloud:
  - name: lake
    type: mqtt
    url: mqtts://localhost:`+port+`
    identity: {ca: `+filepath.Join(dir, "ca.crt")+", cert: "+filepath.Join(dir, "plant7.crt")+", key_file: "+filepath.Join(dir, "plant7.key")+`}
    payload: block
    topic: blocks/{site}/{gateway}
    send: {every: 4s}
local: {web: ""}
`+counterField(counters))
	s.startGateway()
	until(t, 30*time.Second, "some blocks are stored", func() bool { return s.now().Targets[0].SentSamples > 150 })
	s.rest()
	until(t, time.Minute, "everything is taken over", func() bool { st := s.now(); return st.Buffer.Records == 0 && st.Buffer.Samples == 0 })
	kept := s.now().SamplesKept
	s.gateway.stop()
	var samples map[string]bool
	until(t, 30*time.Second, "the subscriber has heard as much", func() bool {
		samples = map[string]bool{}
		for line := range strings.Lines(heard.said.String()) {
			text, found := strings.CutPrefix(strings.TrimSpace(line), "blocks/hall-B/plant7 ")
			if !found || !strings.HasSuffix(line, "\n") {
				continue
			}
			block, err := hex.DecodeString(text)
			if err == nil {
				err = wire.NewDecoder().Decode(block, func(name string, one telemetry.Sample) bool {
					samples[fmt.Sprint(name, " ", one.Value)] = true
					return true
				})
			}
			if err != nil || len(block) > 1400 {
				t.Fatalf("a block of %d bytes: %v", len(block), err)
			}
		}
		return uint64(len(samples)) >= kept
	})
	for _, c := range counters {
		for i := range c.history() {
			if !samples[fmt.Sprintf("%s.number %d", c.name, i)] || !samples[fmt.Sprintf("%s.half %v", c.name, float64(i)/2)] {
				t.Errorf("%s served %d, and it was never heard of", c.name, i)
			}
		}
	}
	if uint64(len(samples)) != kept {
		t.Errorf("%d samples heard, %d kept", len(samples), kept)
	}
}
