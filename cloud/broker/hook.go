package broker

import (
	"context"
	"fmt"
	"strings"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// hook is how the MQTT library calls us. It calls from the goroutine that reads a connection, save for OnPacketEncode (writers too) and
// OnClientExpired (its housekeeper).
type hook struct {
	mqtt.HookBase
	b        *Broker
	sessions *sessions
	retained *retained
}

func newHook(b *Broker) *hook {
	return &hook{b: b, sessions: newSessions(), retained: newRetained()}
}

func (h *hook) ID() string { return "penstock" }

func (h *hook) Provides(b byte) bool {
	switch b {
	case mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnSessionEstablish, mqtt.OnSessionEstablished,
		mqtt.OnDisconnect, mqtt.OnPacketEncode, mqtt.OnPublish, mqtt.OnRetainMessage, mqtt.OnRetainedExpired, mqtt.OnWillSent, mqtt.OnPublishDropped,
		mqtt.OnQosDropped, mqtt.OnClientExpired:
		return true
	}
	return false
}

func peerOf(cl *mqtt.Client) *peer { return cl.Net.Conn.(*peer) }

// OnConnect decides whether a client comes in. The library sends no CONNACK for an error from here, so it is sent before.
func (h *hook) OnConnect(cl *mqtt.Client, pk packets.Packet) error {
	p := peerOf(cl)
	p.client = Client{
		ID: cl.ID, Address: cl.Net.Remote, Certificate: p.cert,
		Version: cl.Properties.ProtocolVersion, SDK: sdk(pk.Connect.Username),
	}
	err := h.welcome(cl, pk)
	if err == nil {
		limitKeepAlive(cl)
		return nil
	}
	refusal := connackCode(err, p.client.Version)
	h.b.o.Count("connect", outcome(code(err)))
	h.b.o.Log.Warn("connection refused", "address", cl.Net.Remote, "common_name", p.cert.Subject.CommonName, "client", clean(cl.ID), "err", err)
	_ = h.b.server.SendConnack(cl, refusal, false, nil)
	return refusal
}

// welcome sets who the client speaks for. Each thing's sessions have a key space of their own: whatever client id a client chooses,
// the session it takes over is its own thing's.
func (h *hook) welcome(cl *mqtt.Client, pk packets.Packet) error {
	p := peerOf(cl)
	ctx, cancel := context.WithTimeout(h.b.run, connectTimeout)
	defer cancel()
	thing, err := h.b.o.Authenticate(ctx, p.client)
	if err != nil {
		return err
	}
	if len(p.client.ID) > maxClientID {
		return fmt.Errorf("%w: the client id has %d bytes, at most %d are allowed", ErrForbidden, len(p.client.ID), maxClientID)
	}
	if will := pk.Connect.WillTopic; pk.Connect.WillFlag {
		if err := h.checkTopic(thing, will); err != nil {
			return fmt.Errorf("the will: %w", err)
		}
		if err := retainable(will, pk.Connect.WillRetain); err != nil {
			return fmt.Errorf("the will: %w", err)
		}
	}
	key := thing + "/" + p.client.ID // no thing's name has a slash in it
	if !h.sessions.room(thing, key) {
		return fmt.Errorf("%w: %s has %d sessions already; connect with one of their client ids", ErrBusy, thing, maxSessions)
	}
	p.client.Thing, cl.ID = thing, key
	return nil
}

// limitKeepAlive asks MQTT 5 clients for a sign of life every 20 minutes at least. MQTT 3.1.1 has no way to ask; TCP's own keep-alive finds
// those that are gone. The library reckons one and a half times the keep-alive in 16 bits.
func limitKeepAlive(cl *mqtt.Client) {
	const most = uint16(maxKeepAlive / time.Second)
	asked := cl.State.Keepalive
	switch {
	case cl.Properties.ProtocolVersion >= 5 && (asked == 0 || asked > most):
		cl.State.Keepalive, cl.State.ServerKeepalive = most, true
	case asked > 43_000:
		cl.State.Keepalive = 43_000
	}
}

// OnConnectAuthenticate has nothing left to ask: OnConnect has refused whoever is not welcome.
func (h *hook) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

// OnSessionEstablish comes before the library takes an older connection of the session down, telling it so: a client that no longer reads
// must not hold up its successor.
func (h *hook) OnSessionEstablish(cl *mqtt.Client, _ packets.Packet) {
	if old, ok := h.b.server.Clients.Get(cl.ID); ok && old.Net.Conn != nil {
		_ = old.Net.Conn.SetWriteDeadline(time.Now().Add(stopTimeout))
	}
}

func (h *hook) OnSessionEstablished(cl *mqtt.Client, _ packets.Packet) {
	c := peerOf(cl).client
	h.sessions.begin(c.Thing, cl.ID)
	h.b.o.Count("connect", "accepted")
	h.b.o.Log.Info("connected", "thing", c.Thing, "client", clean(c.ID), "address", c.Address, "mqtt", version(c.Version), "sdk", clean(c.SDK))
	h.b.o.Presence(Presence{Client: c, Connected: true})
}

func (h *hook) OnDisconnect(cl *mqtt.Client, err error, expire bool) {
	c := peerOf(cl).client
	h.sessions.end(c.Thing, cl.ID, expire && !cl.IsTakenOver())
	why := reason(cl.StopCause(), err)
	h.b.o.Count("disconnect", why)
	h.b.o.Log.Info("disconnected", "thing", c.Thing, "client", clean(c.ID), "reason", why, "err", err)
	h.b.o.Presence(Presence{Client: c, Reason: why})
}

func (h *hook) OnClientExpired(cl *mqtt.Client) { h.sessions.expire(peerOf(cl).client.Thing, cl.ID) }

// OnACLCheck is asked for each filter of a subscription, and for each message before it is delivered. Publishing is judged in OnPublish,
// which can say why.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	if write {
		return true
	}
	thing := peerOf(cl).client.Thing
	if len(topic) <= maxTopic && h.b.o.MaySubscribe(thing, topic) && cl.State.Subscriptions.Len() <= maxFilters {
		return true
	}
	h.b.o.Count("subscribe", "not authorised")
	h.b.o.Log.Warn("subscription refused", "thing", thing, "filter", clean(topic), "subscriptions", cl.State.Subscriptions.Len())
	return false
}

// OnPacketEncode mends two packets: CONNACK, where the library keeps the packet limit to itself, and the refusal of a QoS 2 publish, for which
// it sends PUBACK in place of PUBREC (MQTT 5, 4.3.3).
func (h *hook) OnPacketEncode(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	switch pk.FixedHeader.Type {
	case packets.Connack:
		if pk.ReasonCode == packets.CodeSuccess.Code {
			pk.Properties.MaximumPacketSize = uint32(h.b.o.MaxPacket)
		}
	case packets.Puback:
		if p := peerOf(cl); p.refused != 0 && p.refused == pk.PacketID {
			pk.FixedHeader.Type = packets.Pubrec
		}
	}
	return pk
}

func (h *hook) OnPublishDropped(*mqtt.Client, packets.Packet) { h.b.o.Count("deliver", "slow client") }
func (h *hook) OnQosDropped(*mqtt.Client, packets.Packet)     { h.b.o.Count("deliver", "expired") }

func version(v byte) string {
	switch v {
	case 3:
		return "3.1"
	case 4:
		return "3.1.1"
	}
	return "5"
}

// outcome is a code's name for counting: a bounded set, whatever its reason says.
func outcome(c packets.Code) string {
	if name, ok := outcomes[c.Code]; ok {
		return name
	}
	return fmt.Sprintf("0x%02X", c.Code)
}

var outcomes = map[byte]string{
	packets.ErrNotAuthorized.Code: "not authorised", packets.ErrTopicNameInvalid.Code: "topic", packets.ErrPacketTooLarge.Code: "too large",
	packets.ErrQuotaExceeded.Code: "busy", packets.ErrPayloadFormatInvalid.Code: "payload", packets.ErrServerUnavailable.Code: "unavailable",
	packets.ErrRetainNotSupported.Code: "retain", packets.ErrUnspecifiedError.Code: "error",
}

func properties(user []packets.UserProperty) []Property {
	if len(user) == 0 {
		return nil
	}
	list := make([]Property, len(user))
	for i, u := range user {
		list[i] = Property{Key: strings.Clone(u.Key), Value: strings.Clone(u.Val)}
	}
	return list
}
