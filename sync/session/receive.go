package session

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// Bounds of receiving.
const (
	// maxUnhandled is how many messages at QoS 1 the server may send before the first is acknowledged (Receive Maximum); the library has room
	// for as many. It is more than penstock-cloud keeps for a client, so that its broker never has to hold any back.
	maxUnhandled = 1024
	maxFilters   = 8 // a SUBSCRIBE, as AWS IoT allows
)

// reception hands the messages of one connection to Options.Receive, one after the other. The library calls it from a goroutine
// of its own and acknowledges a message once it has returned.
type reception struct {
	ctx     context.Context // ends with the connection
	receive func(context.Context, Message)
	turn    sync.Mutex // held while a message is received
}

// end returns when no message is being received, and none will be. ctx has ended.
func (r *reception) end() {
	if r != nil {
		r.turn.Lock()
		defer r.turn.Unlock()
	}
}

func (r *reception) handle(got paho.PublishReceived) (bool, error) {
	r.turn.Lock()
	defer r.turn.Unlock()
	if r.ctx.Err() != nil {
		return false, r.ctx.Err() // what the library still holds of a connection that has ended
	}
	r.receive(r.ctx, received(got.Packet))
	return true, nil
}

func received(p *paho.Publish) Message {
	m := Message{Topic: p.Topic, Payload: p.Payload}
	if p.Properties != nil {
		m.ContentType = p.Properties.ContentType
		for _, u := range p.Properties.User {
			m.User = append(m.User, Property{u.Key, u.Value})
		}
	}
	return m
}

// subscribe asks for what Options.Subscribe says. A filter that the server refuses is told, and costs the others nothing.
func (s *Session) subscribe(ctx context.Context, l *link) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	var refused []string
	for filters := s.o.Subscribe; len(filters) > 0; {
		some := filters[:min(maxFilters, len(filters))]
		filters = filters[len(some):]
		ask := &paho.Subscribe{}
		for _, f := range some {
			ask.Subscriptions = append(ask.Subscriptions, paho.SubscribeOptions{Topic: f, QoS: 1})
		}
		ack, err := l.client.Subscribe(ctx, ask)
		if ack == nil || len(ack.Reasons) != len(some) {
			return fmt.Errorf("subscribe: %w", err)
		}
		for i, reason := range ack.Reasons {
			if reason >= packets.SubackUnspecifiederror {
				refused = append(refused, fmt.Sprintf("%s (reason code 0x%02X)", some[i], reason))
			}
		}
	}
	s.tellRefused(refused)
	return nil
}

// tellRefused logs refused subscriptions when they are others than the last time.
func (s *Session) tellRefused(refused []string) {
	said := strings.Join(refused, ", ")
	s.mu.Lock()
	before := s.state.Refused
	s.state.Refused = said
	s.mu.Unlock()
	if said != "" && said != before {
		s.o.Log.Warn("the server refuses subscriptions; what it would send there is not received", "refused", said)
	}
}
