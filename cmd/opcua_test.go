package cmd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters/opcua/opcuasim"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// opcuaServer is a simulated server, encrypted, with these variables.
func opcuaServer(t *testing.T, variables map[string]any) *opcuasim.Server {
	t.Helper()
	sim, err := opcuasim.New(opcuasim.Options{Encrypt: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- sim.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-over })
	for name, value := range variables {
		if err := sim.Set(name, value, telemetry.Good, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	return sim
}

// TestFromNothingToValuesOfAnOPCUAServer: an engineer who knows the address alone pins the server, looks what it has, has it all read, and gets what is
// added later at the next start.
func TestFromNothingToValuesOfAnOPCUAServer(t *testing.T) {
	t.Parallel()
	sim := opcuaServer(t, map[string]any{"Level": 12.5, "Zones": []int16{1, 2, 3}, "Valve open": true})
	dir := t.TempDir()
	file := filepath.Join(dir, "gateway.yaml")
	write := func(devices string) {
		text := fmt.Sprintf("version: 1\ngateway: {id: opcua}\nlocal: {web: \"\"}\nstate: %s/state\nconnections:\n  plc: {opcua: %q, publish: 100ms, user: gw, password: %q}\ndevices:\n%s", dir, sim.Endpoint(), "${PW}", devices)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"PW=secret"}
	penstock := func(code int, args ...string) string {
		t.Helper()
		r := command(t, env, "penstock", append(args, "-c", file)...)
		if r.code != code {
			t.Fatalf("%v: exit code %d, want %d\n%s%s", args, r.code, code, r.stdout, r.stderr)
		}
		return r.stdout + r.stderr
	}

	write("  - {name: all, connection: plc, browse: [{from: \"i=85\", sample: 50ms}]}\n")
	if said := penstock(1, "browse", "plc"); !strings.Contains(said, "not trusted yet") || !strings.Contains(said, "penstock trust") {
		t.Errorf("browsing a server that is not pinned: %s", said)
	}
	if said := penstock(1, "trust", "plc"); !strings.Contains(said, "fingerprint  sha256:") || !strings.Contains(said, "not pinned") {
		t.Errorf("trust without an answer: %s", said)
	}
	var s struct {
		Fingerprint, Pinned, File string
		Written                   bool
	}
	if err := json.Unmarshal([]byte(penstock(0, "trust", "plc", "--yes", "-o", "json")), &s); err != nil || !s.Written || s.Pinned != "none" {
		t.Fatalf("%+v, %v", s, err)
	}
	if said := penstock(0, "trust", "plc"); !strings.Contains(said, "it is pinned already") {
		t.Errorf("trust again: %s", said)
	}
	if said := penstock(0, "browse", "plc", "--yaml"); !strings.Contains(said, `s=Level", sample: 1s}`) || !strings.Contains(said, "Zones_2: {at:") {
		t.Errorf("browse --yaml: %s", said)
	}

	run := func(points ...string) {
		t.Helper()
		cmd := exec.Command(ours("penstock"), "run", "-c", file)
		cmd.Env = append(os.Environ(), env...)
		gateway := start(t, cmd)
		defer gateway.stop()
		until(t, 30*time.Second, fmt.Sprintf("values of %v", points), func() bool {
			r := command(t, env, "penstock", "read", "all", "-c", file, "-o", "json")
			for _, p := range points {
				if !strings.Contains(r.stdout, p) {
					return false
				}
			}
			return strings.Count(r.stdout, `"quality":"good"`) == strings.Count(r.stdout, "\n")
		})
	}
	run(`"all.Simulator_Level"`, `"all.Simulator_Zones_0"`, `"all.Simulator_Zones_2"`, `"all.Simulator_Valve_open"`)
	if err := sim.Set("Late", 7.0, telemetry.Good, time.Now()); err != nil {
		t.Fatal(err)
	}
	run(`"all.Simulator_Level"`, `"all.Simulator_Late"`)
}
