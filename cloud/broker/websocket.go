package broker

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// ServeHTTP takes MQTT over WebSocket (MQTT 5, 6) from a client that has shown its certificate in the HTTPS handshake. A certificate that
// was shown has been verified.
func (b *Broker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		http.Error(w, "MQTT over WebSocket needs a client certificate: penstock-cloud issue THING --out DIR makes one", http.StatusUnauthorized)
		return
	}
	if !b.enter() {
		http.Error(w, "the server is shutting down", http.StatusServiceUnavailable)
		return
	}
	defer b.conns.Done()
	upgrader := websocket.Upgrader{Subprotocols: []string{"mqtt", "mqttv3.1"}, HandshakeTimeout: connectTimeout}
	ws, err := upgrader.Upgrade(hijacker{w}, r, nil)
	if err != nil {
		b.o.Count("connect", "WebSocket handshake")
		return // Upgrade has answered
	}
	defer ws.Close()
	ws.SetReadLimit(int64(b.o.MaxPacket) * 2) // a frame may hold several packets
	conn := &socket{ws: ws}
	_ = conn.SetDeadline(time.Now().Add(connectTimeout))
	b.serve(b.peer(conn, r.TLS.PeerCertificates[0]))
}

// hijacker finds the connection below whatever middleware has wrapped round it, which the WebSocket library does not.
type hijacker struct{ http.ResponseWriter }

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(h.ResponseWriter).Hijack()
}

// socket is a WebSocket as a net.Conn: a stream of the bytes of its binary messages. One goroutine reads and one at a time writes, as the
// MQTT library does.
type socket struct {
	ws    *websocket.Conn
	rest  io.Reader                 // of the message that is being read
	until atomic.Pointer[time.Time] // the write deadline: the library sets its own again before each write
}

var errText = errors.New("MQTT over WebSocket uses binary messages, this one is text")

func (s *socket) Read(p []byte) (int, error) {
	for {
		if s.rest == nil {
			kind, r, err := s.ws.NextReader()
			if err != nil {
				return 0, err
			}
			if kind != websocket.BinaryMessage {
				return 0, errText
			}
			s.rest = r
		}
		n, err := s.rest.Read(p)
		if errors.Is(err, io.EOF) {
			s.rest, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (s *socket) Write(p []byte) (int, error) {
	if until := s.until.Load(); until != nil {
		_ = s.ws.SetWriteDeadline(*until)
	}
	if err := s.ws.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (s *socket) Close() error         { return s.ws.Close() }
func (s *socket) LocalAddr() net.Addr  { return s.ws.LocalAddr() }
func (s *socket) RemoteAddr() net.Addr { return s.ws.RemoteAddr() }

func (s *socket) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}
func (s *socket) SetReadDeadline(t time.Time) error { return s.ws.SetReadDeadline(t) }

// SetWriteDeadline also wakes a write that is under way.
func (s *socket) SetWriteDeadline(t time.Time) error {
	s.until.Store(&t)
	return s.ws.NetConn().SetWriteDeadline(t)
}
