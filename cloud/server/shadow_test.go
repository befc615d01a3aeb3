package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/penstock-edge/penstock/sync/identity"
)

func (l *link) subscribe(filters ...string) []byte {
	l.t.Helper()
	pk := &paho.Subscribe{}
	for _, f := range filters {
		pk.Subscriptions = append(pk.Subscriptions, paho.SubscribeOptions{Topic: f, QoS: 1})
	}
	ack, err := l.Subscribe(l.t.Context(), pk)
	if ack == nil {
		l.t.Fatal(err)
	}
	return ack.Reasons
}

// next is the next message that comes.
func (l *link) next() *paho.Publish {
	l.t.Helper()
	select {
	case p := <-l.received:
		return p
	case <-time.After(10 * time.Second):
		l.t.Fatal("no message came")
		return nil
	}
}

const pressShadow = "$aws/things/press/shadow/"

var clock = regexp.MustCompile(`"timestamp":\d{10}`)

// step is one request and what follows from it: topics below the request's, and payloads with every time written as 0.
type step struct {
	topic, payload string
	follows        []string
}

// follow publishes requests one after the other and holds what comes against what should.
func (l *link) follow(steps ...step) {
	l.t.Helper()
	for _, s := range steps {
		if code, why := l.publish(s.topic, []byte(s.payload)); code >= 0x80 {
			l.t.Fatalf("%s %s: 0x%X %s", s.topic, s.payload, code, why)
		}
		for _, want := range s.follows {
			p := l.next()
			got := strings.TrimPrefix(p.Topic, s.topic+"/") + " " + clock.ReplaceAllString(string(p.Payload), `"timestamp":0`)
			if got != want {
				l.t.Errorf("after %s %s came\n%s, want\n%s", s.topic, s.payload, got, want)
			}
		}
	}
}

// story is a thing called press that hears all answers about its shadows.
func story(t *testing.T) (*site, *link) {
	t.Helper()
	s := newSite(t)
	l := s.mustConnect(s.issue("press"), "press")
	l.subscribe(pressShadow+"+/+", pressShadow+"name/+/+/+")
	return s, l
}

// TestDS1_UpdatesMerge to TestDS6: what a client with a certificate sees over MQTT.
func TestDS1_UpdatesMerge(t *testing.T) {
	_, l := story(t)
	update, get := pressShadow+"update", pressShadow+"get"
	l.follow(
		step{update, `{"state":{"reported":{"a":{"x":1,"y":2},"l":[1,2]}}}`, []string{
			`accepted {"state":{"reported":{"a":{"x":1,"y":2},"l":[1,2]}},"metadata":{"reported":{"a":{"x":{"timestamp":0},"y":{"timestamp":0}},"l":[{"timestamp":0},{"timestamp":0}]}},"version":1,"timestamp":0}`,
			`documents {"previous":{"metadata":{},"version":0},"current":{"state":{"reported":{"a":{"x":1,"y":2},"l":[1,2]}},"metadata":{"reported":{"a":{"x":{"timestamp":0},"y":{"timestamp":0}},"l":[{"timestamp":0},{"timestamp":0}]}},"version":1},"timestamp":0}`}},
		step{update, `{"state":{"reported":{"a":{"x":null,"z":3},"l":[3]}}}`, []string{
			`accepted {"state":{"reported":{"a":{"x":null,"z":3},"l":[3]}},"metadata":{"reported":{"a":{"x":{"timestamp":0},"z":{"timestamp":0}},"l":[{"timestamp":0}]}},"version":2,"timestamp":0}`,
			`documents`}},
		step{get, ``, []string{`accepted`}},
	)
}
