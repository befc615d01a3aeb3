package broker

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// device is an MQTT client of either version that says exactly what a test wants it to, and sees every packet that comes back.
type device struct {
	t       *testing.T
	conn    net.Conn
	in      *bufio.Reader
	version byte
}

// dial opens a TLS connection to the broker as a thing.
func (p *plant) dial(name string, version byte) *device {
	p.t.Helper()
	conn, err := tls.Dial("tcp", p.address, p.client(name))
	if err != nil {
		p.t.Fatal(err)
	}
	return p.device(conn, version)
}

func (p *plant) device(conn net.Conn, version byte) *device {
	p.t.Cleanup(func() { conn.Close() })
	return &device{t: p.t, conn: conn, in: bufio.NewReader(conn), version: version}
}

// connect dials and sends CONNECT; tweak changes the packet before.
func (p *plant) connect(name, clientID string, version byte, tweak ...func(*packets.Packet)) (*device, packets.Packet) {
	p.t.Helper()
	d := p.dial(name, version)
	return d, d.hello(clientID, tweak...)
}

func (d *device) hello(clientID string, tweak ...func(*packets.Packet)) packets.Packet {
	d.t.Helper()
	pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Connect}, ProtocolVersion: d.version,
		Connect: packets.ConnectParams{ProtocolName: []byte("MQTT"), Clean: true, Keepalive: 30, ClientIdentifier: clientID}}
	for _, f := range tweak {
		f(&pk)
	}
	d.send(pk)
	return d.receive()
}

func (d *device) send(pk packets.Packet) {
	d.t.Helper()
	pk.ProtocolVersion = d.version
	var buf bytes.Buffer
	var err error
	switch pk.FixedHeader.Type {
	case packets.Connect:
		err = pk.ConnectEncode(&buf)
	case packets.Publish:
		err = pk.PublishEncode(&buf)
	case packets.Subscribe:
		err = pk.SubscribeEncode(&buf)
	case packets.Pubrel:
		err = pk.PubrelEncode(&buf)
	case packets.Pingreq:
		err = pk.PingreqEncode(&buf)
	case packets.Disconnect:
		err = pk.DisconnectEncode(&buf)
	default:
		d.t.Fatalf("cannot send packets of type %d", pk.FixedHeader.Type)
	}
	if err == nil {
		_, err = d.conn.Write(buf.Bytes())
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// receive is the next packet.
func (d *device) receive() packets.Packet {
	d.t.Helper()
	pk, err := d.next(5 * time.Second)
	if err != nil {
		d.t.Fatalf("no packet came: %v", err)
	}
	return pk
}

func (d *device) next(within time.Duration) (pk packets.Packet, err error) {
	_ = d.conn.SetReadDeadline(time.Now().Add(within))
	first, err := d.in.ReadByte()
	if err != nil {
		return pk, err
	}
	if err := pk.FixedHeader.Decode(first); err != nil {
		return pk, err
	}
	length, _, err := packets.DecodeLength(d.in)
	if err != nil {
		return pk, err
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(d.in, body); err != nil {
		return pk, err
	}
	pk.ProtocolVersion, pk.FixedHeader.Remaining = d.version, length
	switch pk.FixedHeader.Type {
	case packets.Connack:
		err = pk.ConnackDecode(body)
	case packets.Publish:
		err = pk.PublishDecode(body)
	case packets.Puback:
		err = pk.PubackDecode(body)
	case packets.Pubrec:
		err = pk.PubrecDecode(body)
	case packets.Pubcomp:
		err = pk.PubcompDecode(body)
	case packets.Suback:
		err = pk.SubackDecode(body)
	case packets.Disconnect:
		err = pk.DisconnectDecode(body)
	}
	return pk, err
}

// silence fails when anything comes but the answer to a ping, which is the proof that all before it was processed.
func (d *device) silence() {
	d.t.Helper()
	d.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Pingreq}})
	if pk := d.receive(); pk.FixedHeader.Type != packets.Pingresp {
		d.t.Fatalf("%s came: %+v", packets.PacketNames[pk.FixedHeader.Type], pk)
	}
}

// closed fails unless the server ends the connection without another packet.
func (d *device) closed() {
	d.t.Helper()
	if pk, err := d.next(5 * time.Second); err == nil {
		d.t.Fatalf("%s came: %+v", packets.PacketNames[pk.FixedHeader.Type], pk)
	} else if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		d.t.Fatal("the connection is still open")
	}
}

func (d *device) publish(topic string, qos byte, id uint16, payload string) {
	d.t.Helper()
	d.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: qos}, TopicName: topic, PacketID: id, Payload: []byte(payload)})
}

func (d *device) subscribe(filters ...string) []byte {
	d.t.Helper()
	pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Subscribe, Qos: 1}, PacketID: 9}
	for _, f := range filters {
		pk.Filters = append(pk.Filters, packets.Subscription{Filter: f, Qos: 1})
	}
	d.send(pk)
	return d.receive().ReasonCodes
}
