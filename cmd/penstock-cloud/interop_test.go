//go:build interop

package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mosquitto runs one of its clients as a thing, with the files that issue wrote.
func (s *shell) mosquitto(ctx context.Context, client, thing string, args ...string) *exec.Cmd {
	s.t.Helper()
	path, err := exec.LookPath(client)
	if err != nil {
		s.t.Fatalf("%v: run make test, which installs it", err)
	}
	file := func(name string) string { return filepath.Join(s.dir, name) }
	return exec.CommandContext(ctx, path, append([]string{"-h", "localhost", "-p", s.mqtt.Port(),
		"--cafile", file("ca.crt"), "--cert", file(thing + ".crt"), "--key", file(thing + ".key")}, args...)...)
}

// publish runs mosquitto_pub to its end and gives what it said.
func (s *shell) publish(thing, version, topic, payload string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Second)
	defer cancel()
	out, _ := s.mosquitto(ctx, "mosquitto_pub", thing, "-V", version, "-q", "1", "-t", topic, "-m", payload).CombinedOutput() // its words count
	return string(out)
}

// mosquitto's clients, of both versions of MQTT, publish their own telemetry and nobody else's.
func TestMosquitto(t *testing.T) {
	s := newShell(t)
	for _, thing := range []string{"thermo1", "thermo2"} {
		s.must("issue", thing, "--out", s.dir)
	}
	for version, payload := range map[string]string{
		"5":   `{"ts": 1772352000000, "temperature": 21.5, "door": "open"}`,
		"311": `{"ts": 1772352001000, "temperature": 22, "door": "shut"}`,
	} {
		if said := s.publish("thermo1", version, "dt/thermo1/telemetry", payload); said != "" {
			t.Errorf("MQTT %s: %s", version, said)
		}
	}
	want := `{"time":"2026-03-01T08:00:00Z","value":21.5,"quality":"good"}` + "\n" + `{"time":"2026-03-01T08:00:01Z","value":22,"quality":"good"}` + "\n"
	if got := s.must("query", "thermo1", "temperature", "-o", "json"); got != want {
		t.Errorf("stored:\n%swant\n%s", got, want)
	}
	if got := s.must("query", "thermo1", "door", "-o", "csv", "--last", "1"); got != "time,value,quality\n2026-03-01T08:00:01Z,shut,good\n" {
		t.Errorf("stored: %s", got)
	}

	// Refused, with the reason, on anybody else's topic.
	if said := s.publish("thermo1", "5", "dt/thermo2/telemetry", `{"temperature": 99}`); !strings.Contains(said, "Not authorized") {
		t.Errorf("MQTT 5 on another's topic: %q", said)
	}
	if said := s.publish("thermo1", "311", "dt/thermo2/telemetry", `{"temperature": 99}`); !strings.Contains(said, "The connection was lost") {
		t.Errorf("MQTT 3.1.1 on another's topic: %q", said)
	}
	if said := s.publish("thermo1", "5", "dt/thermo1/telemetry", `no JSON`); !strings.Contains(said, "Payload format invalid") {
		t.Errorf("no JSON: %q", said)
	}
	if got := s.must("query", "thermo2", "temperature", "-o", "json"); got != "" {
		t.Errorf("of thermo2 is stored: %s", got)
	}
}

// mosquitto_sub hears its own thing's messages, and is refused anybody else's.
func TestMosquittoSubscribes(t *testing.T) {
	s := newShell(t)
	for _, thing := range []string{"thermo1", "thermo2"} {
		s.must("issue", thing, "--out", s.dir)
	}
	for _, version := range []string{"5", "311"} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		out, _ := s.mosquitto(ctx, "mosquitto_sub", "thermo1", "-V", version, "-t", "dt/thermo2/#").CombinedOutput() // its words count
		if !strings.Contains(string(out), "denied") && !strings.Contains(string(out), "not authorised") && !strings.Contains(string(out), "Not authorized") {
			t.Errorf("MQTT %s on another's topics: %q", version, out)
		}
		// It does not say when it has subscribed: messages are published until it has heard one.
		sub := s.mosquitto(ctx, "mosquitto_sub", "thermo2", "-V", version, "-q", "1", "-C", "1", "-t", "dt/thermo2/#")
		var heard strings.Builder
		sub.Stdout, sub.Stderr = &heard, &heard
		if err := sub.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- sub.Wait() }()
		var err error
		for waiting := true; waiting; {
			s.publish("thermo1", version, "dt/thermo2/telemetry", `{"foreign": 1}`)
			s.publish("thermo2", version, "dt/thermo2/telemetry", `{"own": 1}`)
			select {
			case err = <-ended:
				waiting = false
			case <-time.After(10 * time.Millisecond):
			}
		}
		if err != nil || heard.String() != `{"own": 1}`+"\n" {
			t.Errorf("MQTT %s heard %q, %v", version, heard.String(), err)
		}
	}
}
