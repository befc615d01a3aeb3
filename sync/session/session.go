package session

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// Options say where the target is and who we are.
type Options struct {
	URL      string // mqtts://host:port; the port defaults to 8883
	ClientID string // the gateway's name
	// TLS gives our end of the mutual TLS. It is asked before every connection, so that an identity that comes late
	// or is renewed is taken up. ServerName is filled in from the URL when empty.
	TLS func() (*tls.Config, error)
	// Birth gives the messages that open every connection, before any other is let through.
	Birth func() []Message
	Log   *slog.Logger
}

// Message is one application message, published at QoS 1.
type Message struct {
	Topic       string
	ContentType string
	User        []Property
	Payload     []byte
}

// Property is an MQTT 5 user property.
type Property struct{ Key, Value string }

// Errors of the moment of publishing.
var (
	// ErrLost: the connection ended before the acknowledgement. Nobody knows whether the message arrived.
	ErrLost = errors.New("the connection was lost before the acknowledgement")
	// ErrNotUnderstood: the target says that the payload is not what its topic promises (reason code 0x99).
	ErrNotUnderstood = errors.New("the target does not understand the payload")
	// ErrRefused: any other refusal; it may be different later.
	ErrRefused = errors.New("the target refuses the message")
)

// State is what a session looks like from outside.
type State struct {
	Connected bool
	Since     time.Time // of the connection, or of its loss; zero before the first attempt has ended
	Why       string    // why there is no connection
	Connects  uint64
}

// Session keeps one MQTT connection up.
type Session struct {
	o             Options
	host, address string

	mu     sync.Mutex
	client *paho.Client  // nil while there is no connection
	ready  chan struct{} // closed when client is set; replaced when it is lost
	state  State
}

// New makes a session; Run connects it.
func New(o Options) (*Session, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("target url: %w", err)
	}
	if u.Scheme != "mqtts" || u.Hostname() == "" {
		return nil, fmt.Errorf("target url %q: want mqtts://HOST or mqtts://HOST:PORT", o.URL)
	}
	port := u.Port()
	if port == "" {
		port = "8883"
	}
	return &Session{o: o, host: u.Hostname(), address: net.JoinHostPort(u.Hostname(), port), ready: make(chan struct{})}, nil
}

// State says how the session is now.
func (s *Session) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Run connects, and connects again, until ctx ends.
func (s *Session) Run(ctx context.Context) error {
	for tries := 0; ; tries++ {
		began := time.Now()
		err := s.connection(ctx)
		s.lost(err)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > time.Minute {
			tries = 0 // it held for a while: this is a new outage
		}
		pause := wait(tries)
		if tries == 0 {
			s.o.Log.Warn("target is out of reach; samples stay in the buffer", "url", s.o.URL, "err", err, "retry_in", pause.Round(10*time.Millisecond))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// connection lives through one connection and returns why it ended.
func (s *Session) connection(ctx context.Context) error {
	conn, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	ended := make(chan error, 2)
	end := func(err error) {
		select {
		case ended <- err:
		default:
		}
	}
	client := paho.NewClient(paho.ClientConfig{
		ClientID: s.o.ClientID, Conn: conn, PacketTimeout: time.Minute,
		OnClientError:      end,
		OnServerDisconnect: func(d *paho.Disconnect) { end(disconnected(d)) },
	})
	connecting, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	ack, err := client.Connect(connecting, &paho.Connect{ClientID: s.o.ClientID, KeepAlive: 30, CleanStart: true})
	if err != nil {
		return refusedConnect(ack, err)
	}
	for _, m := range s.o.Birth() {
		if err := publish(ctx, client, m); err != nil {
			return fmt.Errorf("birth: %w", err)
		}
	}
	s.up(client)
	select {
	case <-ctx.Done():
		_ = client.Disconnect(&paho.Disconnect{ReasonCode: packets.DisconnectNormalDisconnection})
		return ctx.Err()
	case err := <-ended:
		return err
	case <-client.Done():
		return ErrLost
	}
}

func (s *Session) dial(ctx context.Context) (net.Conn, error) {
	config, err := s.o.TLS()
	if err != nil {
		return nil, err
	}
	if config.ServerName == "" {
		config.ServerName = s.host
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	dialer := tls.Dialer{Config: config, NetDialer: &net.Dialer{KeepAlive: 15 * time.Second}}
	conn, err := dialer.DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", s.address, err)
	}
	return packets.NewThreadSafeConn(newGuard(conn, maxInbound)), nil
}

func (s *Session) up(c *paho.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = c
	s.state = State{Connected: true, Since: time.Now(), Connects: s.state.Connects + 1}
	close(s.ready)
	s.o.Log.Info("connected", "url", s.o.URL)
}

func (s *Session) lost(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil || s.state.Since.IsZero() {
		s.state.Since = time.Now()
	}
	if s.client != nil {
		s.client, s.ready = nil, make(chan struct{})
	}
	s.state.Connected = false
	if err != nil {
		s.state.Why = err.Error()
	}
}
