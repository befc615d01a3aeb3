package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// Options say where the target is and who we are.
type Options struct {
	URL      string // mqtts://host:port; the port defaults to 8883. mqtt://host:port is without TLS, and defaults to 1883
	ClientID string // the gateway's name
	// TLS gives our end of the TLS. It is asked before every connection, so that an identity that comes late
	// or is renewed is taken up. ServerName is filled in from the URL when empty.
	TLS func() (*tls.Config, error)
	// Login gives user name and password, for servers that do not go by certificates. It is asked before every connection. Optional.
	Login func() (user string, password []byte, err error)
	// Birth gives the messages that open every connection, before any other is let through. Optional.
	Birth func() []Message

	// Subscribe are the topic filters asked for on every connection, before Birth. Receive is called for each message that arrives, one after
	// the other; it may publish. The server is told that a message has arrived when Receive has returned. ctx ends with the connection.
	// Nothing is kept for us while we are away: what must not be missed is asked for again in Connected.
	Subscribe []string
	Receive   func(ctx context.Context, m Message)
	// Connected is called in a goroutine of its own on every connection once messages may be published and are received. ctx ends
	// with the connection, which waits for it. Optional.
	Connected func(ctx context.Context)

	// Dial reaches for the target; TLS is spoken over what it gives. nil: TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	Log *slog.Logger
}

// Message is one application message, published at QoS 1.
type Message struct {
	Topic       string
	ContentType string
	User        []Property
	Payload     []byte
	Fleeting    bool // at QoS 0: nobody acknowledges it, and nobody minds when it does not arrive
}

// Limits are what a server takes, by its CONNACK.
type Limits struct {
	Receive int    // messages at QoS 1 before the first is acknowledged (MQTT 5, 3.2.2.3.3)
	Packet  uint32 // bytes of the largest packet (3.2.2.3.6); 0: any
}

// Property is an MQTT 5 user property.
type Property struct{ Key, Value string }

// Errors of the moment of publishing.
var (
	// ErrLost: the connection ended before the acknowledgement. Nobody knows whether the message arrived.
	ErrLost = errors.New("the connection was lost before the acknowledgement")
	// ErrNotUnderstood: the target will never take this message: it says that the payload is not what its topic promises (reason
	// code 0x99), or takes no packets of that size.
	ErrNotUnderstood = errors.New("the target does not understand the payload")
	// ErrRefused: any other refusal; it may be different later.
	ErrRefused = errors.New("the target refuses the message")
)

// Bounds of what a server may take. One that has not acknowledged for so long has lost the message, and the connection with it.
const (
	connectTimeout = 15 * time.Second // for TLS, and for MQTT's handshake
	ackTimeout     = time.Minute
)

// State is what a session looks like from outside.
type State struct {
	Connected bool
	Since     time.Time // of the connection, or of its loss; zero before the first attempt has ended
	Why       string    // why there is no connection
	Refused   string    // subscriptions that the server refused
	Connects  uint64
}

// Session keeps one MQTT connection up.
type Session struct {
	o             Options
	host, address string

	mu    sync.Mutex
	link  *link         // nil while there is no connection
	retry chan struct{} // one token: the pause is over
	ready chan struct{} // closed when link is set; replaced when it is lost
	state State
}

// link is one connection.
type link struct {
	client *paho.Client
	end    func(error)     // ends it, with the reason
	alive  context.Context // ends with it
	limits Limits
	in     *reception // nil when nothing is subscribed to
}

// New makes a session; Run connects it.
func New(o Options) (*Session, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("target url: %w", err)
	}
	port, ok := map[string]string{"mqtts": "8883", "mqtt": "1883"}[u.Scheme]
	if !ok || u.Hostname() == "" {
		return nil, fmt.Errorf("target url %q: want mqtts://HOST or mqtts://HOST:PORT", o.URL)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	if (u.Scheme == "mqtts") != (o.TLS != nil) {
		return nil, fmt.Errorf("target url %q: mqtts:// is with TLS, mqtt:// without", o.URL)
	}
	if o.Birth == nil {
		o.Birth = func() []Message { return nil }
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext
	}
	return &Session{o: o, host: u.Hostname(), address: net.JoinHostPort(u.Hostname(), port), retry: make(chan struct{}, 1), ready: make(chan struct{})}, nil
}

// State says how the session is now.
func (s *Session) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Run connects, and connects again, until ctx ends.
func (s *Session) Run(ctx context.Context) error {
	told := "" // the reason logged last: the same again is counted in the state, not logged
	for tries := 0; ; tries++ {
		began := time.Now()
		connects := s.State().Connects
		err := s.connection(ctx)
		s.lost(err)
		if ctx.Err() != nil {
			return nil
		}
		if s.State().Connects > connects && time.Since(began) > held {
			tries = 0 // it held for a while: this is a new outage
		}
		pause := wait(tries)
		if err.Error() != told || s.State().Connects > connects {
			s.o.Log.Warn("target is out of reach; samples stay in the buffer", "url", s.o.URL, "err", err, "retry_in", pause.Round(10*time.Millisecond))
			told = err.Error()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.retry:
			tries = 0
		case <-time.After(pause):
		}
	}
}

// Retry has a session that is waiting try again at once: something that kept it from connecting has changed.
func (s *Session) Retry() {
	select {
	case s.retry <- struct{}{}:
	default:
	}
}

// connection lives through one connection and returns why it ended.
func (s *Session) connection(ctx context.Context) error {
	conn, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	ended := make(chan error, 1)
	alive, die := context.WithCancel(ctx)
	l := &link{alive: alive, end: func(err error) {
		select {
		case ended <- err: // the first reason is the one
		default:
		}
	}}
	var at sync.WaitGroup // whoever works for this connection
	defer func() { die(); at.Wait(); l.in.end() }()
	if len(s.o.Subscribe) > 0 {
		l.in = &reception{ctx: alive, receive: s.o.Receive}
	}
	if err := s.connect(ctx, l, conn); err != nil {
		return err
	}
	if err := s.subscribe(ctx, l); err != nil {
		return err
	}
	for _, m := range s.o.Birth() {
		if err := l.publish(ctx, m); err != nil {
			return fmt.Errorf("birth: %w", err)
		}
	}
	s.up(l)
	if s.o.Connected != nil {
		at.Go(func() { s.o.Connected(alive) })
	}
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case err = <-ended:
	case <-l.client.Done(): // the library says why only afterwards, in a goroutine of its own
		select {
		case err = <-ended:
		case <-time.After(time.Second):
			err = ErrLost
		}
	}
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	_ = l.client.Disconnect(&paho.Disconnect{ReasonCode: packets.DisconnectNormalDisconnection}) // the line may be dead; then there is nobody to tell
	return err
}

// connect is the handshake of MQTT.
func (s *Session) connect(ctx context.Context, l *link, conn net.Conn) error {
	config := paho.ClientConfig{
		ClientID: s.o.ClientID, Conn: conn, PacketTimeout: ackTimeout,
		OnClientError:      l.end,
		OnServerDisconnect: func(d *paho.Disconnect) { l.end(disconnected(d)) },
	}
	if l.in != nil {
		config.OnPublishReceived = []func(paho.PublishReceived) (bool, error){l.in.handle}
	}
	l.client = paho.NewClient(config)
	ask := &paho.Connect{
		ClientID: s.o.ClientID, KeepAlive: 30, CleanStart: true, Properties: &paho.ConnectProperties{ReceiveMaximum: paho.Uint16(maxUnhandled)},
	}
	if s.o.Login != nil {
		var err error
		if ask.Username, ask.Password, err = s.o.Login(); err != nil {
			return err
		}
		ask.UsernameFlag, ask.PasswordFlag = true, len(ask.Password) > 0
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	ack, err := l.client.Connect(ctx, ask)
	if err != nil {
		return refusedConnect(ack, err)
	}
	return l.take(ack.Properties)
}

// take reads what the server says of itself.
func (l *link) take(p *paho.ConnackProperties) error {
	l.limits.Receive = math.MaxUint16
	if p == nil {
		return nil
	}
	if p.MaximumQoS != nil && *p.MaximumQoS < 1 {
		return errors.New("the server takes messages at QoS 0 only: nothing would be acknowledged; choose another, or allow QoS 1 there")
	}
	if p.ReceiveMaximum != nil {
		l.limits.Receive = int(*p.ReceiveMaximum)
	}
	if p.MaximumPacketSize != nil {
		l.limits.Packet = *p.MaximumPacketSize
	}
	return nil
}

func (s *Session) dial(ctx context.Context) (net.Conn, error) {
	var config *tls.Config // nil: without TLS
	if s.o.TLS != nil {
		var err error
		if config, err = s.o.TLS(); err != nil {
			return nil, err
		}
		if config.ServerName == "" {
			config.ServerName = s.host
		}
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := s.o.Dial(ctx, "tcp", s.address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", s.address, err)
	}
	if config != nil {
		secured := tls.Client(conn, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = conn.Close() // the error that counts is the handshake's
			return nil, fmt.Errorf("connect to %s: %w%s", s.address, err, dated(err))
		}
		conn = secured
	}
	return packets.NewThreadSafeConn(newGuard(conn, maxInbound)), nil
}

// dated is what to add to the error of a handshake that found a certificate out of its time.
func dated(err error) string {
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired {
		return " (is the clock of this machine right?)"
	}
	return ""
}

func (s *Session) up(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link = l
	s.state = State{Connected: true, Since: time.Now(), Connects: s.state.Connects + 1, Refused: s.state.Refused}
	close(s.ready)
	s.o.Log.Info("connected", "url", s.o.URL)
}

func (s *Session) lost(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link != nil || s.state.Since.IsZero() {
		s.state.Since = time.Now()
	}
	if s.link != nil {
		s.link, s.ready = nil, make(chan struct{})
	}
	s.state.Connected = false
	if err != nil {
		s.state.Why = err.Error()
	}
}
