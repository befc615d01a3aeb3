package broker

import (
	"crypto/x509"
	"net"
)

// peer is a connection that TLS has let in, with what is known of it. The MQTT library carries it as the client's net.Conn, so that
// every hook finds it there. client is set on CONNECT, by the goroutine that reads the connection, and not changed afterwards.
type peer struct {
	net.Conn
	cert   *x509.Certificate
	client Client

	refused uint16 // packet id of the QoS 2 publish that is being refused; used by the reading goroutine only
}
