package modbus

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
)

func (c *Connection) open(ctx context.Context) (link, error) {
	if c.Modbus == RTU {
		return c.openSerial(ctx)
	}
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to the Modbus device: %w; check the address, the cabling and that the device serves %s", err, c.Modbus)
	}
	w := &wire{stream: conn, timeout: c.timeout(), datagrams: c.Modbus == RTUOverUDP}
	if c.Modbus == TCP || c.Modbus == TLS {
		return &tcpLink{wire: w, pause: c.Pause}, nil
	}
	return c.settle(ctx, newRTULink(w, timing{silence: max(networkSilence, c.Pause)}))
}

// dial connects. Over UDP nobody is asked: whether a device is there is known when it answers.
func (c *Connection) dial(ctx context.Context) (net.Conn, error) {
	network := "tcp"
	if c.Modbus == RTUOverUDP {
		network = "udp"
	}
	var d net.Dialer
	if c.Modbus != TLS {
		return d.DialContext(ctx, network, c.withPort())
	}
	security, err := c.security()
	if err != nil {
		return nil, err
	}
	conn, err := (&tls.Dialer{NetDialer: &d, Config: security}).DialContext(ctx, network, c.withPort())
	if err != nil {
		return nil, err
	}
	return secured{conn}, nil
}

// secured is a TLS connection whose end is no error when the other side hears no farewell: the socket is closed anyway.
type secured struct{ net.Conn }

func (s secured) Close() error {
	_ = s.Conn.Close()
	return nil
}

// security is both ends knowing each other by certificates, TLS 1.2 at least (Modbus/TCP Security 2.1, chapter 5). The role by which a device
// decides what we may do stands in our certificate.
func (c *Connection) security() (*tls.Config, error) {
	own, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("our own certificate: %w", err)
	}
	text, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, fmt.Errorf("who signs devices' certificates: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("there is no PEM certificate in %s", c.CA)
	}
	return &tls.Config{Certificates: []tls.Certificate{own}, RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

func (c *Connection) validateTLS(wrong wrongFunc) {
	for key, value := range map[string]string{"cert": c.Cert, "key": c.Key, "ca": c.CA} {
		switch {
		case c.Modbus == TLS && value == "":
			wrong(key, "write "+key+": pki/"+key+".pem", "tls needs cert, key and ca: both ends prove who they are")
		case c.Modbus != TLS && value != "":
			wrong(key, "write modbus: tls, or leave it out", "%s is not encrypted", c.Modbus)
		}
	}
}
