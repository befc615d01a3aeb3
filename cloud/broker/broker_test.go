package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/sync/identity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// plant is a broker with things round it: each may use topics below dt/{thing}/ only.
type plant struct {
	t       *testing.T
	ca      *identity.CA
	address string
	broker  *Broker
	stop    func()

	mu        sync.Mutex
	deliver   func(Message) error
	delivered []Message
	counts    map[string]int
	presence  []Presence
}

func newPlant(t *testing.T, deliver func(Message) error) *plant {
	t.Helper()
	ca, err := identity.NewCA("test")
	if err != nil {
		t.Fatal(err)
	}
	p := &plant{t: t, ca: ca, deliver: deliver, counts: map[string]int{}}
	own := func(thing, topic string) bool { return strings.HasPrefix(topic, "dt/"+thing+"/") }
	p.broker, err = New(Options{
		TLS: identity.MutualTLS(p.serverPair(), ca.Certificate()),
		Authenticate: func(_ context.Context, c Client) (string, error) {
			name, err := identity.ThingName(c.Certificate)
			switch name {
			case "stranger":
				return "", fmt.Errorf("%w: never seen", ErrForbidden)
			case "unlucky":
				return "", ErrUnavailable
			}
			return name, err
		},
		MayPublish: own, MaySubscribe: own,
		Deliver:  p.take,
		Presence: func(e Presence) { p.mu.Lock(); defer p.mu.Unlock(); p.presence = append(p.presence, e) },
		Count:    func(what, outcome string) { p.mu.Lock(); defer p.mu.Unlock(); p.counts[what+" "+outcome]++ },
		Log:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	p.run()
	return p
}

func (p *plant) run() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	p.address = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.broker.Run(ctx, ln) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			p.t.Errorf("Run: %v", err)
		}
	})
	p.t.Cleanup(p.stop)
}

func (p *plant) take(_ context.Context, m Message) error {
	if p.deliver != nil {
		if err := p.deliver(m); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delivered = append(p.delivered, m)
	return nil
}

func (p *plant) count(what string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[what]
}

func (p *plant) payloads() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, m := range p.delivered {
		all = append(all, string(m.Payload))
	}
	return strings.Join(all, " ")
}

// until waits for a condition that another goroutine brings about.
func (p *plant) until(what string, holds func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("%s did not come about", what)
		}
	}
}

func (p *plant) serverPair() tls.Certificate {
	key, err := identity.NewKey()
	if err != nil {
		p.t.Fatal(err)
	}
	cert, err := p.ca.IssueServer(key.Public(), []string{"localhost"}, time.Hour)
	if err != nil {
		p.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

func (p *plant) client(name string) *tls.Config {
	p.t.Helper()
	key, err := identity.NewKey()
	if err != nil {
		p.t.Fatal(err)
	}
	csr, err := identity.NewRequest(key, name)
	if err != nil {
		p.t.Fatal(err)
	}
	request, err := identity.ParseRequest(csr)
	if err != nil {
		p.t.Fatal(err)
	}
	cert, err := p.ca.Issue(request, name, time.Hour)
	if err != nil {
		p.t.Fatal(err)
	}
	pair := tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
	return identity.ClientTLS([]tls.Certificate{pair}, p.ca.Certificate(), "localhost")
}

func TestConnectRefusals(t *testing.T) {
	p := newPlant(t, nil)
	will := func(pk *packets.Packet) {
		pk.Connect.WillFlag, pk.Connect.WillTopic, pk.Connect.WillPayload = true, "dt/saw/state", []byte("gone")
	}
	for _, c := range []struct {
		name, thing, id string
		tweak           func(*packets.Packet)
		v5, v4          byte
	}{
		{"welcome", "press", "press", func(*packets.Packet) {}, 0, 0},
		{"a user name is not a credential", "press", "press", func(pk *packets.Packet) {
			pk.Connect.UsernameFlag, pk.Connect.Username = true, []byte("?SDK=IoTDeviceSDK/JS&Version=1.2")
		}, 0, 0},
		{"unknown certificate", "stranger", "press", func(*packets.Packet) {}, 0x87, 5},
		{"the store does not answer", "unlucky", "unlucky", func(*packets.Packet) {}, 0x88, 3},
		{"a will on somebody else's topic", "press", "press", will, 0x87, 5},
		{"a client id too long", "press", strings.Repeat("x", 129), func(*packets.Packet) {}, 0x87, 5},
	} {
		for version, want := range map[byte]byte{5: c.v5, 4: c.v4} {
			t.Run(fmt.Sprint(c.name, " MQTT ", version), func(t *testing.T) {
				d, ack := p.connect(c.thing, c.id, version, c.tweak)
				if ack.FixedHeader.Type != packets.Connack || ack.ReasonCode != want {
					t.Fatalf("CONNACK %d, want %d: %+v", ack.ReasonCode, want, ack.Properties)
				}
				if want != 0 {
					d.closed()
				}
			})
		}
	}
}

// An acknowledgement means that Deliver has returned nil, and nothing else does.
func TestPublishIsAcknowledgedWhenTaken(t *testing.T) {
	release := make(chan struct{})
	p := newPlant(t, func(Message) error { <-release; return nil })
	for _, version := range []byte{5, 4} {
		d, _ := p.connect("press", "press", version)
		d.publish("dt/press/telemetry", 1, 7, "a")
		if pk, err := d.next(50 * time.Millisecond); err == nil {
			t.Fatalf("acknowledged before it was taken: %+v", pk)
		}
		release <- struct{}{}
		if ack := d.receive(); ack.FixedHeader.Type != packets.Puback || ack.PacketID != 7 || ack.ReasonCode >= 0x80 {
			t.Fatalf("%+v", ack)
		}
	}
}

func TestPublishRefusals(t *testing.T) {
	var next error
	p := newPlant(t, func(Message) error { return next })
	long := "dt/press/" + strings.Repeat("x", 300)
	for _, c := range []struct {
		name  string
		err   error
		topic string
		want  byte
	}{
		{"no block", fmt.Errorf("%w: bad magic", ErrPayload), "dt/press/block", 0x99},
		{"store full", ErrBusy, "dt/press/block", 0x97},
		{"store slow", context.DeadlineExceeded, "dt/press/block", 0x97},
		{"a code of the library, wrapped", fmt.Errorf("store: %w", packets.ErrQuotaExceeded), "dt/press/block", 0x80},
		{"an error nobody thought of", errors.New("?"), "dt/press/block", 0x80},
		{"somebody else's topic", nil, "dt/saw/block", 0x87},
		{"a long topic", nil, long, 0x90},
	} {
		next = c.err
		t.Run(c.name+", MQTT 5 QoS 1", func(t *testing.T) {
			d, _ := p.connect("press", "press", 5)
			d.publish(c.topic, 1, 7, "refused")
			ack := d.receive()
			if ack.FixedHeader.Type != packets.Puback || ack.PacketID != 7 || ack.ReasonCode != c.want || ack.Properties.ReasonString == "" {
				t.Fatalf("%+v", ack)
			}
			d.silence()
		})
		t.Run(c.name+", MQTT 5 QoS 2", func(t *testing.T) {
			d, _ := p.connect("press", "press", 5)
			d.publish(c.topic, 2, 8, "refused")
			if ack := d.receive(); ack.FixedHeader.Type != packets.Pubrec || ack.PacketID != 8 || ack.ReasonCode != c.want {
				t.Fatalf("%+v", ack)
			}
			d.silence()
		})
		t.Run(c.name+", MQTT 3.1.1 QoS 1", func(t *testing.T) {
			d, _ := p.connect("press", "press", 4)
			d.publish(c.topic, 1, 7, "refused")
			d.closed()
		})
		t.Run(c.name+", QoS 0", func(t *testing.T) {
			for _, version := range []byte{5, 4} {
				d, _ := p.connect("press", "press", version)
				d.publish(c.topic, 0, 0, "refused")
				switch {
				case c.want != 0x87:
					d.silence() // lost by its own contract, counted
				case version == 4:
					d.closed()
				default:
					if pk := d.receive(); pk.FixedHeader.Type != packets.Disconnect || pk.ReasonCode != 0x87 {
						t.Fatalf("%+v", pk)
					}
				}
			}
		})
		if n := p.count("publish " + outcome(packets.Code{Code: c.want})); n < 5 {
			t.Errorf("%s: counted %d times", c.name, n)
		}
	}
	if got := p.payloads(); got != "" {
		t.Fatalf("taken: %s", got)
	}
}

// What a message brings reaches Deliver whole, and subscribers of its own thing, across versions.
func TestPublishReachesSubscribers(t *testing.T) {
	p := newPlant(t, nil)
	old, _ := p.connect("press", "watch", 4)
	if codes := old.subscribe("dt/press/#"); codes[0] != 1 {
		t.Fatalf("SUBACK %v", codes)
	}
	d, _ := p.connect("press", "press", 5)
	d.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: 1}, TopicName: "dt/press/block", PacketID: 3, Payload: []byte("b"),
		Properties: packets.Properties{User: []packets.UserProperty{{Key: "epoch", Val: "E"}, {Key: "seq", Val: "5"}}, ContentType: "x/y"}})
	if ack := d.receive(); ack.ReasonCode >= 0x80 || len(ack.Properties.User) > 0 {
		t.Fatalf("%+v", ack)
	}
	if pk := old.receive(); string(pk.Payload) != "b" || pk.TopicName != "dt/press/block" {
		t.Fatalf("%+v", pk)
	}
	m := p.delivered[0]
	if seq, _ := m.Property("seq"); seq != "5" || m.ContentType != "x/y" || m.Client.Thing != "press" || m.Client.ID != "press" || m.QoS != 1 {
		t.Fatalf("%+v", m)
	}
}

func TestSubscribeRefusals(t *testing.T) {
	p := newPlant(t, nil)
	spy, _ := p.connect("saw", "saw", 5)
	codes := spy.subscribe("dt/press/#", "#", "dt/+/telemetry", "$share/g/dt/press/#", "dt/saw/ok")
	if fmt.Sprint(codes) != fmt.Sprint([]byte{0x87, 0x87, 0x87, 0x87, 1}) {
		t.Fatalf("SUBACK %v", codes)
	}
	d, _ := p.connect("press", "press", 5)
	d.publish("dt/press/telemetry", 1, 1, "secret")
	d.receive()
	spy.silence()

	old, _ := p.connect("saw", "old", 4)
	if codes := old.subscribe("dt/press/#"); codes[0] != 0x80 {
		t.Fatalf("MQTT 3.1.1 SUBACK %v", codes)
	}
}

// A session belongs to its thing: another thing with the same client id gets a session of its own, the same thing takes it over.
func TestTakeover(t *testing.T) {
	p := newPlant(t, nil)
	first, _ := p.connect("press", "id", 5)
	p.connect("saw", "id", 5)
	first.silence()

	second, _ := p.connect("press", "id", 5)
	if pk := first.receive(); pk.FixedHeader.Type != packets.Disconnect || pk.ReasonCode != 0x8E {
		t.Fatalf("%+v", pk)
	}
	second.silence()
	p.until("the end of the first connection", func() bool { return p.broker.Connections() == 2 })
	p.mu.Lock()
	defer p.mu.Unlock()
	var reasons []string
	for _, e := range p.presence {
		if !e.Connected {
			reasons = append(reasons, e.Reason)
		}
	}
	if fmt.Sprint(reasons) != "[DUPLICATE_CLIENTID]" {
		t.Fatalf("ended for %v", reasons)
	}
}

func TestSessionSurvivesItsConnection(t *testing.T) {
	p := newPlant(t, nil)
	keep := func(pk *packets.Packet) {
		pk.Connect.Clean = false
		pk.Properties.SessionExpiryInterval, pk.Properties.SessionExpiryIntervalFlag = 60, true
	}
	away, _ := p.connect("press", "away", 5, keep)
	away.subscribe("dt/press/command")
	away.conn.Close()
	p.until("its end", func() bool { return p.broker.Connections() == 0 })

	d, _ := p.connect("press", "press", 5)
	d.publish("dt/press/command", 1, 1, "open")
	d.receive()

	back, ack := p.connect("press", "away", 5, keep)
	if !ack.SessionPresent {
		t.Fatal("the session is gone")
	}
	if pk := back.receive(); string(pk.Payload) != "open" {
		t.Fatalf("%+v", pk)
	}
}

func TestLimitsOfAThing(t *testing.T) {
	p := newPlant(t, nil)
	for i := range maxSessions {
		if _, ack := p.connect("press", fmt.Sprint("c", i), 5); ack.ReasonCode != 0 {
			t.Fatalf("session %d: %d", i, ack.ReasonCode)
		}
	}
	p.until("the count of the last", func() bool { return p.broker.Connections() == maxSessions }) // a session counts right after its CONNACK
	if _, ack := p.connect("press", "one more", 5); ack.ReasonCode != 0x97 {
		t.Fatalf("one session too many: %d", ack.ReasonCode)
	}
	d, _ := p.connect("saw", "saw", 5)
	retain := func(topic, payload string) byte {
		d.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: 1, Retain: true}, TopicName: topic, PacketID: 1, Payload: []byte(payload)})
		return d.receive().ReasonCode
	}
	for i := range maxRetained {
		if code := retain(fmt.Sprint("dt/saw/", i), "x"); code >= 0x80 {
			t.Fatalf("retained %d: 0x%X", i, code)
		}
	}
	if code := retain("dt/saw/more", "x"); code != 0x97 {
		t.Fatalf("one retained message too many: 0x%X", code)
	}
	if code := retain("dt/saw/0", ""); code >= 0x80 {
		t.Fatalf("removing one: 0x%X", code)
	}
	if code := retain("dt/saw/more", "x"); code >= 0x80 {
		t.Fatalf("into the freed place: 0x%X", code)
	}
	if code := retain("dt/saw/1", strings.Repeat("x", maxRetainedSize+1)); code != 0x95 {
		t.Fatalf("a large one: 0x%X", code)
	}
}

func TestWill(t *testing.T) {
	p := newPlant(t, nil)
	d, _ := p.connect("press", "press", 5, func(pk *packets.Packet) {
		pk.Connect.WillFlag, pk.Connect.WillTopic, pk.Connect.WillPayload = true, "dt/press/state", []byte("gone")
	})
	d.conn.Close()
	p.until("the will", func() bool { return p.payloads() == "gone" })
	if !p.delivered[0].Will {
		t.Fatalf("%+v", p.delivered[0])
	}
}

// A packet's stated length is checked before memory is taken for it; the others do not notice.
func TestS18_HugePacket(t *testing.T) {
	p := newPlant(t, nil)
	good, _ := p.connect("saw", "saw", 5)
	d, ack := p.connect("press", "press", 5)
	if ack.Properties.MaximumPacketSize != defaultPacket {
		t.Fatalf("CONNACK names %d bytes", ack.Properties.MaximumPacketSize)
	}
	if _, err := d.conn.Write([]byte{0x32, 0xFF, 0xFF, 0xFF, 0x7F}); err != nil { // PUBLISH of 256 MB
		t.Fatal(err)
	}
	d.closed()
	good.publish("dt/saw/telemetry", 1, 1, "still here")
	if ack := good.receive(); ack.ReasonCode >= 0x80 {
		t.Fatalf("%+v", ack)
	}
}

func TestTopicAliasIsRefused(t *testing.T) {
	p := newPlant(t, nil)
	d, ack := p.connect("press", "press", 5)
	if ack.Properties.TopicAliasMaximum != 0 {
		t.Fatalf("CONNACK allows %d aliases", ack.Properties.TopicAliasMaximum)
	}
	d.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: 1}, TopicName: "dt/press/a", PacketID: 1,
		Properties: packets.Properties{TopicAlias: 1, TopicAliasFlag: true}})
	if pk := d.receive(); pk.FixedHeader.Type != packets.Disconnect || pk.ReasonCode != 0x94 {
		t.Fatalf("%+v", pk)
	}
}

func TestStopTellsClients(t *testing.T) {
	p := newPlant(t, nil)
	d, _ := p.connect("press", "press", 5)
	old, _ := p.connect("saw", "saw", 4)
	p.stop()
	if pk := d.receive(); pk.FixedHeader.Type != packets.Disconnect || pk.ReasonCode != 0x8B {
		t.Fatalf("%+v", pk)
	}
	old.closed()
}

// Five hundred sockets that say nothing, or stop after the TLS handshake, are gone in less than five seconds while a good client works.
func TestS17_SilentSockets(t *testing.T) {
	p := newPlant(t, nil)
	mute := p.client("mute")
	var conns []net.Conn
	began := time.Now()
	for i := range 500 {
		conn, err := net.Dial("tcp", p.address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%50 == 0 {
			secure := tls.Client(conn, mute)
			if err := secure.Handshake(); err != nil {
				t.Fatal(err)
			}
		}
		conns = append(conns, conn)
	}
	opened := time.Now()
	good, _ := p.connect("press", "press", 5)
	for i := range 20 {
		good.publish("dt/press/telemetry", 1, uint16(i+1), "x")
		good.receive()
	}
	for _, conn := range conns {
		_ = conn.SetReadDeadline(opened.Add(5 * time.Second))
		buf := make([]byte, 4096)
		for {
			if _, err := conn.Read(buf); err != nil {
				if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
					t.Fatalf("a silent socket is open after %v", time.Since(began))
				}
				break
			}
		}
	}
	good.silence()
}
