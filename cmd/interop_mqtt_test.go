//go:build interop

package cmd_test

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// A device that connects by itself, with any client, is stored under its own name and under no other.
func TestMosquittoPubToQuery(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	keys := filepath.Join(s.dir, "keys")
	s.ask("issue", "thermo1", "--out", keys)
	s.ask("issue", "thermo2", "--out", keys)
	_, port, _ := net.SplitHostPort(s.mqtt)
	publish := func(version, topic, payload string) string {
		out, _ := foreign(t, keys, "timeout", "5", "mosquitto_pub", "-h", "localhost", "-p", port, "--cafile", "ca.crt", "--cert", "thermo1.crt", "--key", "thermo1.key",
			"-V", version, "-q", "1", "-t", topic, "-m", payload).CombinedOutput() // its words count
		return string(out)
	}
	for _, c := range []struct{ version, payload, refusal string }{
		{"5", `{"ts": 1772352000000, "temperature": 21.5}`, "Not authorized"},
		{"311", `{"ts": 1772352001000, "temperature": 22}`, "The connection was lost"}, // 3.1.1 knows no other way to refuse
	} {
		if said := publish(c.version, "dt/thermo1/telemetry", c.payload); said != "" {
			t.Errorf("MQTT %s: %s", c.version, said)
		}
		if said := publish(c.version, "dt/thermo2/telemetry", c.payload); !strings.Contains(said, c.refusal) {
			t.Errorf("MQTT %s: publishing as another thing: %q; want %s", c.version, said, c.refusal)
		}
	}
	want := `{"time":"2026-03-01T08:00:00Z","value":21.5,"quality":"good"}` + "\n" + `{"time":"2026-03-01T08:00:01Z","value":22,"quality":"good"}` + "\n"
	if got := s.ask("query", "thermo1", "temperature", "-o", "json"); got != want {
		t.Errorf("stored is\n%s", got)
	}
	if got := strings.TrimSpace(s.ask("query", "thermo2", "temperature", "-o", "json")); got != "" {
		t.Errorf("under another's name is stored\n%s", got)
	}
}
