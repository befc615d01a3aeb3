package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// Options are what the broker needs of others. The functions are called from many goroutines at once, one call at a time for each
// connection, and hold up nobody but their own client; those without an error must return at once.
type Options struct {
	TLS *tls.Config // demands and verifies a client certificate (identity.MutualTLS)

	// Authenticate says which thing a client speaks for, by its verified certificate. Its error is one of this package's.
	Authenticate func(ctx context.Context, c Client) (thing string, err error)
	MayPublish   func(thing, topic string) bool
	MaySubscribe func(thing, filter string) bool // asked again with the topic of each message before it is delivered
	// Deliver takes a message. nil means that it is safe: the client will forget it. Its error is one of this package's.
	Deliver func(ctx context.Context, m Message) error
	// Presence is told of connections and their ends, in order for each client. Optional.
	Presence func(p Presence)
	// Count counts what happened by name and outcome: ("publish", "taken"), ("connect", "not authorised"). Optional.
	Count func(what, outcome string)

	MaxPacket int // bytes of the largest packet a client may send; 1 MiB when 0
	Log       *slog.Logger
}

// Limits that keep a client's share of memory small. They are per connection or per thing.
const (
	defaultPacket  = 1 << 20
	connectTimeout = 4500 * time.Millisecond // from the accepted socket to the CONNECT packet
	stopTimeout    = time.Second             // for the last DISCONNECT to a client that does not read
	maxClients     = 20_000
	maxClientID    = 128 // bytes, as in AWS IoT
	maxTopic       = 256 // bytes, as in AWS IoT
	maxFilters     = 256 // subscriptions of a session
	maxPending     = 256 // packets that wait to be written to a slow client
	maxInflight    = 256 // unacknowledged messages to a client, those for a session that is away included
	maxSessions    = 32  // sessions of a thing, those that are away included
	maxKeepAlive   = 20 * time.Minute
	sessionLife    = 24 * time.Hour // how long a session that is away is kept, at most
	messageLife    = 7 * 24 * time.Hour
)

// Broker is an MQTT 3.1.1 and 5 server.
type Broker struct {
	o      Options
	server *mqtt.Server
	hook   *hook
	budget budget
	self   *mqtt.Client // in whose name the server publishes

	mu      sync.Mutex
	closing bool
	conns   sync.WaitGroup // one for each connection; grows under mu while not closing
	run     context.Context
}

// New makes a broker; Run starts it.
func New(o Options) (*Broker, error) {
	o = o.withDefaults()
	server := mqtt.New(&mqtt.Options{
		Capabilities: capabilities(o.MaxPacket),
		Logger:       slog.New(slog.DiscardHandler), // it logs whole packets, payloads and all; what matters is logged here
		// It would stop the world each second to fill $SYS topics that nobody may read.
		SysTopicResendInterval: int64((math.MaxInt64 / time.Second) / 2),
	})
	b := &Broker{o: o, server: server, self: own(server), budget: newBudget()}
	b.hook = newHook(b)
	if err := server.AddHook(b.hook, nil); err != nil {
		return nil, fmt.Errorf("start the broker: %w", err)
	}
	return b, nil
}

func (o Options) withDefaults() Options {
	if o.MaxPacket == 0 {
		o.MaxPacket = defaultPacket
	}
	if o.Presence == nil {
		o.Presence = func(Presence) {}
	}
	if o.Count == nil {
		o.Count = func(string, string) {}
	}
	return o
}

func capabilities(maxPacket int) *mqtt.Capabilities {
	c := mqtt.NewDefaultServerCapabilities()
	c.MaximumClients = maxClients
	c.MaximumPacketSize = uint32(maxPacket)
	c.MaximumClientWritesPending = maxPending
	c.MaximumInflight = maxInflight
	c.ReceiveMaximum = maxInflight
	c.MaximumSessionExpiryInterval = uint32(sessionLife / time.Second)
	c.MaximumMessageExpiryInterval = int64(messageLife / time.Second)
	// The library asks for permission by the topic as it stands in the packet, before it looks up the alias.
	c.TopicAliasMaximum = 0
	c.Compatibilities.NoInheritedPropertiesOnAck = true
	return c
}

// Run serves the listener's connections until ctx ends, then tells every client that the server is shutting down.
func (b *Broker) Run(ctx context.Context, ln net.Listener) error {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	b.mu.Lock()
	b.run = running
	b.mu.Unlock()
	if err := b.server.Serve(); err != nil {
		return fmt.Errorf("start the broker: %w", err)
	}
	stopped := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stopped()
	err := b.accept(ctx, ln)
	b.stop()
	return err
}

func (b *Broker) accept(ctx context.Context, ln net.Listener) error {
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			b.connection(conn)
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept MQTT connections: %w", err)
		default: // out of file descriptors, or a client that was gone again
			b.o.Count("connect", "accept error")
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}

func (b *Broker) connection(conn net.Conn) {
	if !b.enter() {
		_ = conn.Close()
		return
	}
	go func() {
		defer b.conns.Done()
		defer conn.Close()
		deadline := time.Now().Add(connectTimeout)
		_ = conn.SetDeadline(deadline) // the library sets its own from CONNECT on
		secure := tls.Server(conn, b.o.TLS)
		if err := secure.HandshakeContext(b.run); err != nil {
			b.o.Count("connect", "TLS handshake")
			b.o.Log.Info("connection refused in the TLS handshake", "address", conn.RemoteAddr().String(), "err", err)
			return
		}
		b.serve(b.peer(secure, secure.ConnectionState().PeerCertificates[0]))
	}()
}

// enter counts a connection in, unless the broker is stopping.
func (b *Broker) enter() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing || b.run == nil {
		return false
	}
	b.conns.Add(1)
	return true
}

// serve lives through one MQTT connection. The library decodes foreign bytes on this goroutine: should it panic on them, this connection
// ends and the others do not.
func (b *Broker) serve(p *peer) {
	defer p.done()
	defer func() {
		if fault := recover(); fault != nil {
			b.o.Count("connect", "panic")
			b.o.Log.Error("a connection ended in a fault of the MQTT library; please report it", "address", p.RemoteAddr().String(), "fault", fmt.Sprint(fault))
			_ = p.Close()
		}
	}()
	err := b.server.EstablishConnection("mqtt", p)
	if err != nil && p.client.Thing == "" {
		b.o.Count("connect", "no CONNECT")
	}
}

func (b *Broker) stop() {
	b.mu.Lock()
	b.closing = true
	b.mu.Unlock()
	for _, cl := range b.server.Clients.GetAll() {
		if cl.Net.Conn == nil || cl.Closed() {
			continue
		}
		_ = cl.Net.Conn.SetWriteDeadline(time.Now().Add(stopTimeout))
		b.disconnect(cl, packets.ErrServerShuttingDown)
	}
	b.conns.Wait()
	_ = b.server.Close()
}

// disconnect ends a connection, telling the client why where its version of MQTT has words for it.
func (b *Broker) disconnect(cl *mqtt.Client, c packets.Code) {
	if cl.Properties.ProtocolVersion >= 5 {
		_ = b.server.DisconnectClient(cl, c)
	}
	cl.Stop(c)
}

// Connections is how many clients are connected now.
func (b *Broker) Connections() int { return b.hook.sessions.connected() }
