package session

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// Publish waits for a connection, sends m at QoS 1 and waits for the acknowledgement. nil means that the target has
// taken the message over; ErrLost that nobody knows: send it again. Any number of goroutines may publish at once.
func (s *Session) Publish(ctx context.Context, m Message) error {
	l, err := s.connected(ctx)
	if err != nil {
		return err
	}
	return l.publish(ctx, m)
}

// Send is Publish on the connection that there is now: ErrLost without one.
func (s *Session) Send(ctx context.Context, m Message) error {
	s.mu.Lock()
	l := s.link
	s.mu.Unlock()
	if l == nil {
		return ErrLost
	}
	return l.publish(ctx, m)
}

// Ready waits for a connection and says what its server takes.
func (s *Session) Ready(ctx context.Context) (Limits, error) {
	l, err := s.connected(ctx)
	if err != nil {
		return Limits{}, err
	}
	return l.limits, nil
}

// Limit is how many bytes a payload may have on the connection that there is, with room left for a topic and properties; 0: any.
func (s *Session) Limit() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link == nil || s.link.limits.Packet == 0 {
		return 0
	}
	const around = 1 << 10
	return max(1, int(s.link.limits.Packet)-around)
}

func (s *Session) connected(ctx context.Context) (*link, error) {
	for {
		s.mu.Lock()
		l, ready := s.link, s.ready
		s.mu.Unlock()
		if l != nil {
			return l, nil
		}
		select {
		case <-ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *link) publish(ctx context.Context, m Message) error {
	packet := m.packet()
	if size := packetSize(packet); l.limits.Packet > 0 && size > int64(l.limits.Packet) {
		return fmt.Errorf("%w: it is a packet of %d bytes, and the target takes %d", ErrNotUnderstood, size, l.limits.Packet)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	link, cut := context.WithCancel(ctx)
	defer cut()
	defer context.AfterFunc(l.alive, cut)() // the library may wait for what a connection that has ended will never bring
	ack, err := l.client.Publish(link, packet)
	switch {
	case err == nil:
		return nil
	case l.alive.Err() != nil && ctx.Err() == nil:
		return errors.Join(ErrLost, err)
	case ack != nil && ack.ReasonCode == packets.PubackPayloadFormatInvalid:
		return fmt.Errorf("%w (%s)", ErrNotUnderstood, reason(ack))
	case ack != nil:
		return fmt.Errorf("%w: reason code 0x%02X (%s)", ErrRefused, ack.ReasonCode, reason(ack))
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		l.end(fmt.Errorf("the server has not acknowledged a message for %v", ackTimeout)) // else its place among the unacknowledged is lost
	}
	return errors.Join(ErrLost, err)
}

func (m Message) packet() *paho.Publish {
	props := &paho.PublishProperties{ContentType: m.ContentType}
	for _, p := range m.User {
		props.User.Add(p.Key, p.Value)
	}
	qos := byte(1)
	if m.Fleeting {
		qos = 0
	}
	return &paho.Publish{Topic: m.Topic, QoS: qos, Payload: m.Payload, Properties: props}
}

// packetSize is what a packet has on the wire, its payload not copied.
func packetSize(p *paho.Publish) int64 {
	bare := p.Packet()
	bare.Payload = nil
	n, _ := bare.WriteTo(io.Discard) // it never fails
	const lengthField = 4            // which may be shorter above
	return n + lengthField + int64(len(p.Payload))
}

func reason(ack *paho.PublishResponse) string {
	if ack.Properties != nil && ack.Properties.ReasonString != "" {
		return ack.Properties.ReasonString
	}
	return (&packets.Puback{ReasonCode: ack.ReasonCode}).Reason()
}

// disconnected puts the server's parting word into a sentence.
func disconnected(d *paho.Disconnect) error {
	switch d.ReasonCode {
	case packets.DisconnectSessionTakenOver:
		return errors.New("another client connected under this gateway's name: is a copy of it running?")
	case packets.DisconnectServerShuttingDown:
		return errors.New("the server is shutting down")
	}
	return fmt.Errorf("the server ended the connection: %s", (&packets.Disconnect{ReasonCode: d.ReasonCode}).Reason())
}

func refusedConnect(ack *paho.Connack, err error) error {
	if ack == nil {
		return fmt.Errorf("mqtt connect: %w", err)
	}
	return fmt.Errorf("the server refuses this gateway (reason code 0x%02X): is its certificate still active, or its password right? %w", ack.ReasonCode, err)
}
