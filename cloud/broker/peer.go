package broker

import (
	"context"
	"crypto/x509"
	"net"
)

// peer is a connection that TLS has let in, with what is known of it. The MQTT library carries it as the client's net.Conn, so that
// every hook finds it there. client is set on CONNECT, by the goroutine that reads the connection, and not changed afterwards.
type peer struct {
	net.Conn
	cert   *x509.Certificate
	client Client

	budget  budget
	running context.Context // of the broker
	largest int             // packet, in bytes

	// What follows is of the goroutine that reads.
	head    [5]byte // of the packet that is being read, at its end
	header  int     // bytes of it that the library has not had
	rest    int     // bytes of the packet behind it
	taken   int     // bytes taken from the budget for it
	busy    bool    // the last message was refused because it could not be taken now
	refused uint16  // packet id of the QoS 2 publish that is being refused
}

// peer makes one of a connection.
func (b *Broker) peer(conn net.Conn, cert *x509.Certificate) *peer {
	return &peer{Conn: conn, cert: cert, budget: b.budget, running: b.run, largest: b.o.MaxPacket}
}
