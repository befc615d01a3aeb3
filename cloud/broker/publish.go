package broker

import (
	"context"
	"fmt"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// deliverTimeout is how long a client waits for its acknowledgement before it is told to come again.
const deliverTimeout = 20 * time.Second

// OnPublish hands a message over. The library acknowledges it once this returns nil, so nothing is acknowledged that was not taken.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if cl.Net.Inline { // Broker.Publish
		return pk, nil
	}
	if err := h.publish(cl, pk); err != nil {
		return pk, h.refuse(cl, pk, err)
	}
	peerOf(cl).busy = false
	h.b.o.Count("publish", "taken")
	return pk, nil
}

func (h *hook) publish(cl *mqtt.Client, pk packets.Packet) error {
	client := peerOf(cl).client
	if err := h.checkTopic(client.Thing, pk.TopicName); err != nil {
		return err
	}
	if err := retainable(pk.TopicName, pk.FixedHeader.Retain); err != nil {
		return err
	}
	if pk.FixedHeader.Retain {
		if err := h.retained.room(client.Thing, pk.TopicName, len(pk.Payload)); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(h.b.run, deliverTimeout)
	defer cancel()
	return h.b.o.Deliver(ctx, message(client, pk))
}

func message(client Client, pk packets.Packet) Message {
	return Message{
		Client: client, Topic: pk.TopicName, Payload: pk.Payload, User: properties(pk.Properties.User),
		ContentType: pk.Properties.ContentType, QoS: pk.FixedHeader.Qos, Retain: pk.FixedHeader.Retain,
		ResponseTopic: pk.Properties.ResponseTopic, Correlation: pk.Properties.CorrelationData,
		Expires: time.Duration(pk.Properties.MessageExpiryInterval) * time.Second, Text: pk.Properties.PayloadFormat == 1,
	}
}

func (h *hook) checkTopic(thing, topic string) error {
	if len(topic) > maxTopic {
		return fmt.Errorf("%w: it has %d bytes, at most %d are allowed", ErrTopic, len(topic), maxTopic)
	}
	if !h.b.o.MayPublish(thing, topic) {
		return fmt.Errorf("%w: %s may not publish on %q: it publishes its own data below dt/%s/ and requests, not answers, below $aws/things/%s/", ErrForbidden, thing, topic, thing, thing)
	}
	return nil
}

// refuse tells a client that its message was not taken, in the way its version and quality of service have, and never by silence that
// looks like success: MQTT 5 has reason codes from QoS 1 on; without them what is forbidden ends the connection (as AWS IoT does), and so does
// any QoS 1 message of MQTT 3.1.1 that was not taken: the client sends it again. A QoS 0 message is lost by its own contract, and counted.
func (h *hook) refuse(cl *mqtt.Client, pk packets.Packet, err error) error {
	p, c := peerOf(cl), code(err)
	h.b.o.Count("publish", outcome(c))
	busy := c.Code == packets.ErrQuotaExceeded.Code
	if !busy || !p.busy { // who is told to come again comes again, perhaps for hours: that is logged once
		h.b.o.Log.Warn("message refused", "thing", p.client.Thing, "topic", clean(pk.TopicName), "qos", pk.FixedHeader.Qos, "bytes", len(pk.Payload), "err", err)
	}
	p.busy = busy
	switch {
	case p.client.Version >= 5 && pk.FixedHeader.Qos > 0:
		p.refused = 0
		if pk.FixedHeader.Qos == 2 {
			p.refused = pk.PacketID
		}
		return c
	case pk.FixedHeader.Qos > 0 || c.Code == packets.ErrNotAuthorized.Code:
		h.b.disconnect(cl, c)
	}
	return packets.ErrRejectPacket // the library drops the packet without an acknowledgement
}

// OnWillSent hands over a will that was just sent to subscribers. Whether it was allowed was decided on CONNECT.
func (h *hook) OnWillSent(cl *mqtt.Client, pk packets.Packet) {
	ctx, cancel := context.WithTimeout(h.b.run, deliverTimeout)
	defer cancel()
	m := message(peerOf(cl).client, pk)
	m.Will = true
	if err := h.b.o.Deliver(ctx, m); err != nil {
		h.b.o.Count("will", outcome(code(err)))
		h.b.o.Log.Warn("will refused", "thing", m.Client.Thing, "topic", clean(m.Topic), "err", err)
	}
}
