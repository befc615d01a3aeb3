package session_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/eclipse/paho.golang/packets"

	"github.com/penstock-edge/penstock/sync/session"
)

// scripted is a server without TLS that says to each connection, after its first packet, what it was told to.
func scripted(t *testing.T, answer []byte, first func(*packets.Connect)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer conn.Close()
				if p, err := packets.ReadPacket(conn); err == nil {
					first(p.Content.(*packets.Connect))
				}
				_, _ = conn.Write(answer)        // the client may have gone
				_, _ = io.Copy(io.Discard, conn) // until it goes
			})
		}
	})
	t.Cleanup(func() { l.Close(); conns.Wait() })
	return "mqtt://" + l.Addr().String()
}

func runSession(t *testing.T, o session.Options) *session.Session {
	t.Helper()
	o.ClientID, o.Log = "plant7", slog.New(slog.DiscardHandler)
	link, err := session.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- link.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return link
}

// TestS2_AHostileServerCostsNoMemory: a server answers CONNECT with the header of a packet of 256 MiB, and with one of 2 MiB that comes. Either ends
// the connection, and neither is ever held.
func TestS2_AHostileServerCostsNoMemory(t *testing.T) {
	for what, answer := range map[string][]byte{
		"five bytes": {0x20, 0xFF, 0xFF, 0xFF, 0x7F},
		"two MiB":    append([]byte{0x20, 0x80, 0x80, 0x80, 0x01}, make([]byte, 2<<20)...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		link := runSession(t, session.Options{URL: scripted(t, answer, func(*packets.Connect) {})})
		until(t, what+" is seen for what it is", func() bool { return strings.Contains(link.State().Why, "too large") })
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 2<<20 {
			t.Errorf("%s: %d bytes were allocated", what, grown)
		}
	}
}

func TestUserAndPasswordAreAskedForEachTime(t *testing.T) {
	came := make(chan string, 10)
	refused := []byte{0x20, 3, 0, 0x86, 0}
	url := scripted(t, refused, func(c *packets.Connect) { came <- c.Username + ":" + string(c.Password) })
	passwords := make(chan string, 2)
	passwords <- "old"
	passwords <- "new"
	runSession(t, session.Options{URL: url, Login: func() (string, []byte, error) {
		select {
		case p := <-passwords:
			return "plant7", []byte(p), nil
		default:
			return "", nil, errors.New("there is no more")
		}
	}})
	for _, want := range []string{"plant7:old", "plant7:new"} {
		if got := <-came; got != want {
			t.Errorf("came as %q, want %q", got, want)
		}
	}
}

func TestAServerThatAcknowledgesNothingIsNoTarget(t *testing.T) {
	connack := []byte{0x20, 5, 0, 0, 2, 0x24, 0} // maximum QoS 0
	link := runSession(t, session.Options{URL: scripted(t, connack, func(*packets.Connect) {})})
	until(t, "the reason", func() bool { return strings.Contains(link.State().Why, "nothing would be acknowledged") })
}

func TestWhatAServerTakesIsKnown(t *testing.T) {
	connack := []byte{0x20, 11, 0, 0, 8, 0x21, 0, 20, 0x27, 0, 0, 0x80, 0} // receive maximum 20, packets of 32 KiB
	link := runSession(t, session.Options{URL: scripted(t, connack, func(*packets.Connect) {})})
	if err := link.Send(t.Context(), message("too soon")); link.Limit() == 0 && !errors.Is(err, session.ErrLost) {
		t.Errorf("sent without a connection: %v", err)
	}
	limits, err := link.Ready(t.Context())
	if err != nil || limits.Receive != 20 || limits.Packet != 32768 || link.Limit() != 31744 {
		t.Errorf("%+v, a payload of %d, %v", limits, link.Limit(), err)
	}
	if err := link.Send(t.Context(), session.Message{Topic: "t", Payload: make([]byte, 40_000), Fleeting: true}); !errors.Is(err, session.ErrNotUnderstood) {
		t.Errorf("a packet above the limit: %v", err)
	}
	if err := link.Send(t.Context(), session.Message{Topic: "t", Payload: []byte("x"), Fleeting: true}); err != nil {
		t.Errorf("a fleeting message, which nobody acknowledges: %v", err)
	}
}
