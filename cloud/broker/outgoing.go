package broker

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// serverID is the client id of the server's own messages. Clients have a slash in theirs (thing/id), so none is taken for it.
const serverID = "penstock-cloud"

// Publish sends a message of the server's own to everybody who has subscribed to its topic and may read it, on any topic, $aws/... included.
// It returns when the message waits in the subscribers' queues, and does not wait for them: messages of one goroutine reach each
// subscriber in order, and nobody having subscribed is no error. It does not call Deliver. Topic, Payload, QoS, Retain and the MQTT 5
// properties of m count. The error is ErrTopic, ErrTooLarge, ErrRetain or ErrBusy (too many retained messages).
func (b *Broker) Publish(ctx context.Context, m Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := b.fits(m); err != nil {
		return err
	}
	if m.Retain {
		if err := b.hook.retained.room("", m.Topic, len(m.Payload)); err != nil {
			return err
		}
	}
	if err := b.server.InjectPacket(b.self, m.packet()); err != nil {
		return fmt.Errorf("publish on %s: %w", m.Topic, err)
	}
	b.o.Count("publish", "of the server")
	return nil
}

// fits checks what the library doesn't where the server itself publishes.
func (b *Broker) fits(m Message) error {
	switch {
	case m.Topic == "" || strings.ContainsAny(m.Topic, "+#\x00") || !utf8.ValidString(m.Topic):
		return fmt.Errorf("%w: %.64q; it must not be empty or hold + or #", ErrTopic, m.Topic)
	case len(m.Topic) > maxTopic:
		return fmt.Errorf("%w: it has %d bytes, at most %d are allowed", ErrTopic, len(m.Topic), maxTopic)
	case len(m.Payload) > b.o.MaxPacket:
		return fmt.Errorf("%w: a payload of %d bytes, at most %d are allowed", ErrTooLarge, len(m.Payload), b.o.MaxPacket)
	case m.QoS > 2:
		return fmt.Errorf("publish on %s: there is no quality of service %d", m.Topic, m.QoS)
	}
	return retainable(m.Topic, m.Retain)
}

// retainable refuses to retain what is below $: requests and answers are of a moment, and to whoever subscribes later they would be lies.
func retainable(topic string, retain bool) error {
	if retain && strings.HasPrefix(topic, "$") {
		return fmt.Errorf("%w on %s: messages on topics that begin with $ cannot be retained", ErrRetain, topic)
	}
	return nil
}

func (m Message) packet() packets.Packet {
	pk := packets.Packet{
		FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: m.QoS, Retain: m.Retain},
		TopicName:   m.Topic, Payload: m.Payload, PacketID: uint16(min(m.QoS, 1)), // any but 0: subscribers get their own
		Properties: packets.Properties{ContentType: m.ContentType, ResponseTopic: m.ResponseTopic, CorrelationData: m.Correlation,
			MessageExpiryInterval: seconds(m.Expires), PayloadFormatFlag: m.Text},
	}
	if m.Text {
		pk.Properties.PayloadFormat = 1
	}
	for _, p := range m.User {
		pk.Properties.User = append(pk.Properties.User, packets.UserProperty{Key: p.Key, Val: p.Value})
	}
	return pk
}

// seconds rounds up: what expires within a second must not become what never does.
func seconds(d time.Duration) uint32 {
	return uint32(min((d+time.Second-1)/time.Second, messageLife/time.Second))
}

// own makes the client in whose name the server publishes.
func own(server *mqtt.Server) *mqtt.Client { return server.NewClient(nil, "server", serverID, true) }
