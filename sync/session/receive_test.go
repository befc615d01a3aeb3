package session_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/penstock-edge/penstock/sync/session"
)

// inbox is what a session has received.
type inbox struct {
	mu   sync.Mutex
	list []string
}

func (b *inbox) add(_ context.Context, m session.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.list = append(b.list, m.Topic+" "+string(m.Payload))
}

func (b *inbox) got() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.list)
}

// send publishes to whoever has subscribed.
func (s *server) send(topic, payload string) {
	s.t.Helper()
	if err := s.broker.Publish(topic, []byte(payload), false, 1); err != nil {
		s.t.Fatal(err)
	}
}

func TestWhatIsSubscribedToArrivesInOrder(t *testing.T) {
	s := newServer(t)
	var in inbox
	var filters []string
	for i := range 20 { // several packets
		filters = append(filters, fmt.Sprintf("to/plant7/%d/+", i))
	}
	connected := make(chan bool, 10)
	link := s.connectAs(session.Options{Subscribe: filters, Receive: in.add, Connected: func(context.Context) { connected <- true }})
	<-connected
	var want []string
	for i := range 200 {
		topic := fmt.Sprintf("to/plant7/%d/x", i%20)
		s.send(topic, fmt.Sprint(i))
		want = append(want, fmt.Sprint(topic, " ", i))
	}
	until(t, "all has arrived", func() bool { return len(in.got()) == len(want) })
	if !slices.Equal(in.got(), want) {
		t.Errorf("received %v", in.got())
	}
	address := s.address
	s.stop()
	s.run(address)
	<-connected // again, on the next connection
	s.send("to/plant7/3/x", "after")
	until(t, "the new connection has its subscriptions", func() bool { return slices.Contains(in.got(), "to/plant7/3/x after") })
	if st := link.State(); !st.Connected || st.Refused != "" {
		t.Errorf("%+v", st)
	}
}

func TestWhoeverReceivesMayPublish(t *testing.T) {
	s := newServer(t)
	var link *session.Session
	ready := make(chan struct{})
	connected := make(chan bool, 10)
	link = s.connectAs(session.Options{
		Subscribe: []string{"ask"},
		Receive: func(ctx context.Context, m session.Message) {
			<-ready
			if err := link.Publish(ctx, message("answer to "+string(m.Payload))); err != nil {
				t.Errorf("publish: %v", err)
			}
		},
		Connected: func(context.Context) { connected <- true },
	})
	close(ready)
	<-connected
	for i := range 100 {
		s.send("ask", fmt.Sprint(i))
	}
	until(t, "all is answered", func() bool { return slices.Contains(s.got(), "answer to 99") })
}

func TestARefusedSubscriptionCostsTheOthersNothing(t *testing.T) {
	s := newServer(t)
	var in inbox
	link := s.connectAs(session.Options{Subscribe: []string{"to/a", "secret/b", "to/c"}, Receive: in.add})
	until(t, "it is connected", func() bool { return link.State().Connected })
	if said := link.State().Refused; !strings.Contains(said, "secret/b (reason code 0x87)") || strings.Contains(said, "to/") {
		t.Errorf("refused: %q", said)
	}
	s.send("to/c", "x")
	until(t, "the others receive", func() bool { return slices.Contains(in.got(), "to/c x") })
}

// TestWhoHangsWhileReceivingDoesNotHoldUpTheEnd: the context ends with the connection, and acknowledgements go on meanwhile.
func TestWhoHangsWhileReceivingDoesNotHoldUpTheEnd(t *testing.T) {
	s := newServer(t)
	hanging := make(chan struct{}, 1)
	link := s.connectAs(session.Options{Subscribe: []string{"ask"}, Receive: func(ctx context.Context, _ session.Message) {
		select {
		case hanging <- struct{}{}:
		default:
		}
		<-ctx.Done()
	}})
	until(t, "it is connected", func() bool { return link.State().Connected })
	for range 10 {
		s.send("ask", "x")
	}
	<-hanging
	if err := link.Publish(t.Context(), message("meanwhile")); err != nil {
		t.Error(err)
	}
}
