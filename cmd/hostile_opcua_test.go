package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters/modbus/modbussim"
	"github.com/penstock-edge/penstock/adapters/opcua/opcuasim"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// hostile stands before a sound OPC UA server and turns one value on its way into the bytes on which the client library panics, on a
// goroutine of its own: an array of strings with a length below zero.
type hostile struct {
	net.Listener
	target string

	attacks atomic.Int64
	mu      sync.Mutex
	last    time.Time       // when the bytes went out; zero: a client came back since
	back    []time.Duration // how long after an attack the next client came
}

func newHostile(t *testing.T, endpoint string) *hostile {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hostile{Listener: l, target: strings.TrimPrefix(endpoint, "opc.tcp://")}
	t.Cleanup(func() { l.Close() })
	go h.serve()
	return h
}

func (h *hostile) serve() {
	for {
		client, err := h.Accept()
		if err != nil {
			return
		}
		h.mu.Lock()
		if !h.last.IsZero() {
			h.back, h.last = append(h.back, time.Since(h.last)), time.Time{}
		}
		h.mu.Unlock()
		server, err := net.Dial("tcp", h.target)
		if err != nil {
			client.Close()
			continue
		}
		go func() { defer server.Close(); _, _ = io.Copy(server, client) }()
		go func() { defer client.Close(); h.copy(client, server) }()
	}
}

func (h *hostile) copy(to io.Writer, from io.Reader) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		sound := []byte("\x0c\x05\x00\x00\x00EVIL!")
		message := bytes.Replace(buffer[:n], sound, []byte("\x8c\x30\x30\x30\xffEVIL!"), 1)
		if _, err := to.Write(message); err != nil {
			return
		}
		if bytes.Contains(buffer[:n], sound) {
			h.attacks.Add(1)
			h.mu.Lock()
			h.last = time.Now()
			h.mu.Unlock()
		}
	}
}

// TestS3_AHostileServerStopsOnlyItsOwnConnection: each attack ends the process of that connection, which is started again; the gateway
// itself and the other connections never notice.
func TestS3_AHostileServerStopsOnlyItsOwnConnection(t *testing.T) {
	t.Parallel()
	sim, err := opcuasim.New(opcuasim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- sim.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-over })
	for name, value := range map[string]any{"Level": 12.5, "Evil": "EVIL!"} {
		if err := sim.Set(name, value, telemetry.Good, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plc := modbussim.New(slog.New(slog.DiscardHandler))
	plc.Add(1, 10)
	go func() { _ = plc.ServeTCP(ctx, l) }()
	h := newHostile(t, sim.Endpoint())

	dir := t.TempDir()
	file := filepath.Join(dir, "gateway.yaml")
	text := fmt.Sprintf(`version: 1
gateway: {id: s3}
local: {web: ""}
state: %s/state
connections:
  evil: {opcua: "opc.tcp://%s", security: None, insecure: true, timeout: 2s}
  good: {opcua: %q, security: None, insecure: true, publish: 100ms}
  plc: {modbus: tcp, address: %q}
devices:
  - {name: evil, connection: evil, points: {v: {at: "ns=1;s=Evil", scan: 200ms}}}
  - {name: good, connection: good, points: {v: {at: "ns=1;s=Level", scan: 100ms}}}
  - {name: plc, connection: plc, unit: 1, points: {v: {at: "hr:1", scan: 100ms}}}
scan: {normal: 1s}
`, dir, h.Addr(), sim.Endpoint(), l.Addr())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	gateway := start(t, exec.Command(ours("penstock"), "run", "-c", file))
	const attacks = 4
	until(t, time.Minute, fmt.Sprintf("%d attacks", attacks), func() bool { return h.attacks.Load() >= attacks })

	var s struct {
		Connections []struct {
			Name     string `json:"name"`
			State    string `json:"state"`
			Requests int    `json:"requests"`
			Errors   int    `json:"errors"`
		} `json:"connections"`
	}
	out := command(t, nil, "penstock", "status", "-c", file, "-o", "json")
	if err := json.Unmarshal([]byte(out.stdout), &s); err != nil {
		t.Fatalf("%v in %s%s", err, out.stdout, out.stderr)
	}
	for _, c := range s.Connections {
		if c.Name != "evil" && (c.State != "up" || c.Errors > 0 || c.Requests < 10) {
			t.Errorf("another connection is not as it was: %+v", c)
		}
	}
	if !strings.Contains(gateway.said.String(), "panic:") {
		t.Error("the log does not say what the process of the connection died of")
	}
	gateway.stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	slices.Sort(h.back)
	t.Logf("%d attacks; the connection was made again after %v", h.attacks.Load(), h.back)
}
