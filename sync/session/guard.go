package session

import (
	"errors"
	"fmt"
	"net"
)

// Inbound packets of a gateway are acknowledgements, shadows and commands: small.
const maxInbound = 1 << 20

var errPacketSize = errors.New("the server announced a packet that is no MQTT or too large")

// guard stands before the MQTT library, which allocates whatever length a packet's fixed header states before a byte of it has
// arrived. It follows the stream from header to header (MQTT 5, 2.1) and ends the connection at a length beyond the limit.
type guard struct {
	net.Conn
	limit int

	// Where in the stream the next byte stands. One goroutine reads a connection.
	body   int // bytes of the packet's body still to come
	length int // the remaining length read so far
	shift  int // 7 bits for each byte of it; -1: the next byte is a packet's first
}

func newGuard(c net.Conn, limit int) *guard { return &guard{Conn: c, limit: limit, shift: -1} }

func (g *guard) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if bad := g.follow(p[:n]); bad != nil {
		_ = g.Conn.Close() // the error that counts is the one returned
		return 0, bad
	}
	return n, err
}

func (g *guard) follow(p []byte) error {
	for len(p) > 0 {
		if g.body > 0 {
			n := min(g.body, len(p))
			g.body -= n
			p = p[n:]
			continue
		}
		b := p[0]
		p = p[1:]
		if g.shift < 0 {
			g.shift, g.length = 0, 0
			continue
		}
		g.length |= int(b&0x7F) << g.shift
		g.shift += 7
		if g.length > g.limit || g.shift > 28 {
			return fmt.Errorf("%w: more than %d bytes", errPacketSize, g.limit)
		}
		if b&0x80 == 0 {
			g.body, g.shift = g.length, -1
		}
	}
	return nil
}
