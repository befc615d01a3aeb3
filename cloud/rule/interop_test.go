//go:build interop

package rule_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock-edge/penstock/cloud/rule"
)

// natsServer is Debian's nats-server with JetStream, which can be killed and started again.
type natsServer struct {
	t    *testing.T
	dir  string
	port string
	cmd  *exec.Cmd
}

func newNATS(t *testing.T) *natsServer {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &natsServer{t: t, dir: t.TempDir(), port: strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)}
	ln.Close()
	t.Cleanup(s.kill)
	return s
}

func (s *natsServer) url() string { return "nats://127.0.0.1:" + s.port }

func (s *natsServer) start() {
	s.t.Helper()
	program, err := exec.LookPath("nats-server")
	if err != nil {
		s.t.Fatalf("%v: run make test, which installs it", err)
	}
	s.cmd = exec.Command(program, "-js", "-a", "127.0.0.1", "-p", s.port, "-sd", s.dir)
	s.cmd.Stdout, s.cmd.Stderr = io.Discard, io.Discard
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *natsServer) kill() {
	if s.cmd != nil {
		s.cmd.Process.Kill()
		s.cmd.Wait() // it was killed
		s.cmd = nil
	}
}

// client waits until the server answers.
func (s *natsServer) client() (*nats.Conn, jetstream.JetStream) {
	s.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		nc, err := nats.Connect(s.url())
		if err == nil {
			js, err := jetstream.New(nc)
			if err == nil {
				if _, err = js.AccountInfo(s.t.Context()); err == nil {
					return nc, js
				}
			}
			nc.Close()
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("nats-server does not answer: %v", err)
		}
	}
}

// TestRE20_JetStreamHasEachMessageOnce: also when the server is killed while messages are on their way, and while a message was kept whose answer got lost.
func TestRE20_JetStreamHasEachMessageOnce(t *testing.T) {
	s := newNATS(t)
	s.start()
	nc, js := s.client()
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "PLANT", Subjects: []string{"plant.>"}})
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	p := newPlant(t, func(o *rule.Options) { o.NATS, o.Backoff = s.url(), 20*time.Millisecond })
	p.rule("stream", "SELECT n FROM 'in/+'", `{"nats":{"subject":"plant.${topic(2)}","stream":"PLANT","headers":[{"key":"From","value":"${clientid()}"}]}}`)
	const messages = 300
	var sender sync.WaitGroup
	sender.Go(func() {
		for n := range messages {
			p.send(fmt.Sprint("in/press", n%4), fmt.Sprintf(`{"n":%d}`, n))
		}
	})
	p.until("some were streamed", func() bool { return p.Stats()["stream"].Success["nats"] > 20 })
	s.kill()
	sender.Wait()
	p.must(err)
	s.start()
	p.settled()
	got := s.contents(messages)
	for n := range messages {
		if got[n] != 1 {
			t.Errorf("message %d is in the stream %d times", n, got[n])
		}
	}
	if dead := p.deaths("stream"); len(dead) > 0 {
		t.Errorf("failed %q", dead)
	}
	t.Logf("%d messages, once each; %d tries failed while the server was away", messages, p.Stats()["stream"].Retries)
}

// contents counts the stream's messages by number.
func (s *natsServer) contents(most int) map[int]int {
	nc, js := s.client()
	defer nc.Close()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	stream, err := js.Stream(ctx, "PLANT")
	if err != nil {
		s.t.Fatal(err)
	}
	got := map[int]int{}
	for seq := range stream.CachedInfo().State.LastSeq {
		m, err := stream.GetMsg(ctx, seq+1)
		if err != nil {
			s.t.Fatal(err)
		}
		var body struct{ N int }
		if err := json.Unmarshal(m.Data, &body); err != nil || m.Header.Get("From") != "press-1" || m.Header.Get("Nats-Msg-Id") == "" {
			s.t.Errorf("in the stream is %s %v (%v)", m.Data, m.Header, err)
		}
		got[body.N]++
	}
	return got
}
