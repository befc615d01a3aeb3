package session_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/sync/identity"
	"github.com/penstock-edge/penstock/sync/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// maxPacket is what the server takes.
const maxPacket = 1000

// server is a real broker behind mutual TLS. What its answers are is written in the payloads.
type server struct {
	mqtt.HookBase
	t       *testing.T
	ca      *identity.CA
	pair    tls.Certificate
	address string
	stop    func()
	broker  *mqtt.Server

	mu    sync.Mutex
	taken []string // payloads, in order
	deny  bool
}

func (s *server) ID() string { return "test" }

func (s *server) Provides(b byte) bool {
	return b == mqtt.OnPublish || b == mqtt.OnACLCheck || b == mqtt.OnConnectAuthenticate || b == mqtt.OnPacketEncode
}

// OnACLCheck refuses what begins with "secret".
func (s *server) OnACLCheck(_ *mqtt.Client, topic string, _ bool) bool {
	return !strings.HasPrefix(topic, "secret")
}

func (s *server) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.deny
}

// OnPacketEncode names the limit, which the library keeps to itself.
func (s *server) OnPacketEncode(_ *mqtt.Client, p packets.Packet) packets.Packet {
	if p.FixedHeader.Type == packets.Connack {
		p.Properties.MaximumPacketSize = maxPacket
	}
	return p
}

func (s *server) OnPublish(_ *mqtt.Client, p packets.Packet) (packets.Packet, error) {
	switch string(p.Payload) {
	case "nonsense":
		return p, packets.ErrPayloadFormatInvalid
	case "too soon":
		return p, packets.ErrQuotaExceeded
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = append(s.taken, string(p.Payload))
	return p, nil
}

func (s *server) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.taken...)
}

func newServer(t *testing.T) *server {
	t.Helper()
	ca, err := identity.NewCA("test")
	if err != nil {
		t.Fatal(err)
	}
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.IssueServer(key.Public(), []string{"127.0.0.1"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, ca: ca, pair: tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}
	s.run("127.0.0.1:0")
	t.Cleanup(func() { s.stop() })
	return s
}

// run serves until stop is called, which cuts every connection.
func (s *server) run(address string) {
	s.t.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.address = ln.Addr().String()
	limits := mqtt.NewDefaultServerCapabilities()
	limits.MaximumPacketSize = maxPacket
	broker := mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler), Capabilities: limits, InlineClient: true})
	s.broker = broker
	if err := broker.AddHook(s, nil); err != nil {
		s.t.Fatal(err)
	}
	if err := broker.Serve(); err != nil {
		s.t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				_ = broker.EstablishConnection("test", tls.Server(conn, identity.MutualTLS(s.pair, s.ca.Certificate())))
				_ = conn.Close()
			})
		}
	})
	s.stop = sync.OnceFunc(func() {
		_ = ln.Close()
		for _, c := range broker.Clients.GetAll() {
			if c.Net.Conn != nil {
				_ = c.Net.Conn.Close() // a cut, not a farewell
			}
		}
		_ = broker.Close()
		conns.Wait()
	})
}

// identity is a thing's certificate of the server's CA.
func (s *server) identity(thing string) *tls.Config {
	s.t.Helper()
	key, err := identity.NewKey()
	if err != nil {
		s.t.Fatal(err)
	}
	csr, err := identity.NewRequest(key, thing)
	if err != nil {
		s.t.Fatal(err)
	}
	request, err := identity.ParseRequest(csr)
	if err != nil {
		s.t.Fatal(err)
	}
	cert, err := s.ca.Issue(request, thing, time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	pair := tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
	return identity.ClientTLS([]tls.Certificate{pair}, s.ca.Certificate(), "")
}

// connect runs a session of plant7 until the test ends.
func (s *server) connect() *session.Session {
	s.t.Helper()
	return s.connectAs(session.Options{})
}

func (s *server) connectAs(o session.Options) *session.Session {
	s.t.Helper()
	config := s.identity("plant7")
	o.URL, o.ClientID, o.Log = "mqtts://"+s.address, "plant7", slog.New(slog.DiscardHandler)
	if o.TLS == nil {
		o.TLS = func() (*tls.Config, error) { return config.Clone(), nil }
	}
	if o.Birth == nil {
		o.Birth = func() []session.Message { return []session.Message{{Topic: "birth", Payload: []byte("birth")}} }
	}
	link, err := session.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- link.Run(ctx) }()
	s.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			s.t.Errorf("Run: %v", err)
		}
	})
	return link
}

func message(text string) session.Message {
	return session.Message{Topic: "dt/plant7/block", Payload: []byte(text)}
}

// until polls a condition that other goroutines bring about.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come about", what)
		}
	}
}
