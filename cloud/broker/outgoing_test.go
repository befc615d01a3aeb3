package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// What the server publishes reaches whoever subscribed and may read it, whole, in either version, and is not handed over as a client's.
func TestServerPublishes(t *testing.T) {
	p := newPlant(t, nil)
	now, _ := p.connect("press", "five", 5)
	now.subscribe("dt/press/#")
	old, _ := p.connect("press", "four", 4)
	old.subscribe("dt/press/alarm/+")
	other, _ := p.connect("saw", "saw", 5)
	other.subscribe("dt/saw/#")

	m := Message{Topic: "dt/press/alarm/acknowledge", Payload: []byte("{}"), QoS: 1, ContentType: "application/json", Text: true,
		ResponseTopic: "dt/press/answer", Correlation: []byte{7}, Expires: 1500 * time.Millisecond, User: []Property{{"hop", "1"}}}
	if err := p.broker.Publish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	pk := now.receive()
	if pk.TopicName != m.Topic || string(pk.Payload) != "{}" || pk.FixedHeader.Qos != 1 || pk.FixedHeader.Retain {
		t.Errorf("%+v", pk)
	}
	if got := pk.Properties; got.ContentType != m.ContentType || got.PayloadFormat != 1 || got.ResponseTopic != m.ResponseTopic || string(got.CorrelationData) != "\x07" ||
		got.MessageExpiryInterval != 2 || fmt.Sprint(got.User) != "[{hop 1}]" {
		t.Errorf("%+v", got)
	}
	if pk := old.receive(); pk.TopicName != m.Topic || string(pk.Payload) != "{}" {
		t.Errorf("%+v", pk)
	}
	other.silence()
	if p.payloads() != "" {
		t.Errorf("delivered: %s", p.payloads())
	}
}

// TestDG18_ServerPublishesBelowAWS: a topic that begins with $ is no different for the server, and whoever may not read it does not.
func TestDG18_ServerPublishesBelowAWS(t *testing.T) {
	p := newPlant(t, nil)
	p.broker.o.MaySubscribe = func(thing, topic string) bool { return strings.HasPrefix(topic, "$aws/things/"+thing+"/") }
	press, _ := p.connect("press", "press", 5)
	press.subscribe("$aws/things/press/shadow/#")
	if codes := press.subscribe("$aws/things/saw/#"); codes[0] != 0x87 {
		t.Fatalf("SUBACK %v", codes)
	}
	for _, thing := range []string{"saw", "press"} {
		if err := p.broker.Publish(t.Context(), Message{Topic: "$aws/things/" + thing + "/shadow/update/delta", Payload: []byte(thing)}); err != nil {
			t.Fatal(err)
		}
	}
	if pk := press.receive(); string(pk.Payload) != "press" {
		t.Errorf("%s on %s", pk.Payload, pk.TopicName)
	}
	press.silence()
}

// Messages of many goroutines come whole, and those of one in order.
func TestServerPublishesInOrder(t *testing.T) {
	p := newPlant(t, nil)
	d, _ := p.connect("press", "press", 4)
	d.subscribe("dt/press/+")
	const each = 20
	var all sync.WaitGroup
	for writer := range 8 {
		all.Go(func() {
			for i := range each {
				if err := p.broker.Publish(t.Context(), Message{Topic: fmt.Sprint("dt/press/", writer), Payload: []byte{byte(i)}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	next := map[string]byte{}
	for range 8 * each {
		pk := d.receive()
		if got := pk.Payload[0]; got != next[pk.TopicName] {
			t.Fatalf("message %d on %s, want %d", got, pk.TopicName, next[pk.TopicName])
		}
		next[pk.TopicName]++
	}
}

func TestServerPublishRefusals(t *testing.T) {
	p := newPlant(t, nil)
	for _, c := range []struct {
		name string
		m    Message
		want error
	}{
		{"no topic", Message{}, ErrTopic},
		{"a wildcard", Message{Topic: "dt/+/x"}, ErrTopic},
		{"half a letter", Message{Topic: "dt/\xC3"}, ErrTopic},
		{"a long topic", Message{Topic: strings.Repeat("x", maxTopic+1)}, ErrTopic},
		{"a large payload", Message{Topic: "dt/x", Payload: make([]byte, defaultPacket+1)}, ErrTooLarge},
		{"a large retained one", Message{Topic: "dt/x", Payload: make([]byte, maxRetainedSize+1), Retain: true}, ErrTooLarge},
		{"retained below $", Message{Topic: "$aws/things/press/shadow/get", Retain: true}, ErrRetain},
	} {
		if err := p.broker.Publish(t.Context(), c.m); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.broker.Publish(ended, Message{Topic: "dt/x"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// What the server retains is there for whoever subscribes later, and counts on its own account.
func TestServerRetains(t *testing.T) {
	p := newPlant(t, nil)
	if err := p.broker.Publish(t.Context(), Message{Topic: "dt/press/state", Payload: []byte("on"), Retain: true}); err != nil {
		t.Fatal(err)
	}
	d, _ := p.connect("press", "press", 5)
	d.subscribe("dt/press/state")
	if pk := d.receive(); string(pk.Payload) != "on" || !pk.FixedHeader.Retain {
		t.Errorf("%+v", pk)
	}
	if n := p.broker.hook.retained.count[""]; n != 1 {
		t.Errorf("%d retained messages of the server", n)
	}
}

// TestDS14_NothingRetainedBelowAWS: a client that asks for it is told so, and its message is not taken.
func TestDS14_NothingRetainedBelowAWS(t *testing.T) {
	p := newPlant(t, nil)
	p.broker.o.MayPublish = func(string, string) bool { return true }
	publish := func(d *device) {
		d.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: 1, Retain: true}, TopicName: "$aws/things/press/shadow/update", PacketID: 1, Payload: []byte("{}")})
	}
	d, _ := p.connect("press", "press", 5)
	publish(d)
	if ack := d.receive(); ack.ReasonCode != 0x9A || ack.Properties.ReasonString == "" {
		t.Errorf("%+v", ack)
	}
	old, _ := p.connect("press", "old", 4)
	publish(old)
	old.closed()
	_, ack := p.connect("press", "will", 5, func(pk *packets.Packet) {
		pk.Connect.WillFlag, pk.Connect.WillRetain, pk.Connect.WillTopic, pk.Connect.WillPayload = true, true, "$aws/things/press/shadow/update", []byte("{}")
	})
	if ack.ReasonCode != 0x9A {
		t.Errorf("a retained will: CONNACK 0x%X", ack.ReasonCode)
	}
	if p.payloads() != "" {
		t.Errorf("taken: %s", p.payloads())
	}
}
