package broker

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/penstock-edge/penstock/sync/identity"
)

func TestWebSocket(t *testing.T) {
	p := newPlant(t, nil)
	web := httptest.NewUnstartedServer(p.broker)
	web.TLS = identity.ServerTLS(p.serverPair(), p.ca.Certificate())
	web.StartTLS()
	defer web.Close()
	url := strings.Replace(web.URL, "https", "wss", 1) + "/mqtt"

	dialer := websocket.Dialer{TLSClientConfig: p.client("press"), Subprotocols: []string{"mqtt"}}
	ws, _, err := dialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := p.device(&socket{ws: ws}, 5)
	if ack := d.hello("press"); ack.ReasonCode != 0 || ws.Subprotocol() != "mqtt" {
		t.Fatalf("%+v over %q", ack, ws.Subprotocol())
	}
	d.publish("dt/press/telemetry", 1, 1, "over a web socket")
	if ack := d.receive(); ack.ReasonCode >= 0x80 || p.payloads() != "over a web socket" {
		t.Fatalf("%+v", ack)
	}
	d.publish("dt/saw/telemetry", 1, 2, "not mine")
	if ack := d.receive(); ack.ReasonCode != 0x87 {
		t.Fatalf("%+v", ack)
	}
	d.conn.Close()

	// Without a certificate there is no identity.
	dialer.TLSClientConfig = identity.ClientTLS([]tls.Certificate{}, p.ca.Certificate(), "localhost")
	if _, res, err := dialer.Dial(url, nil); err == nil || res == nil || res.StatusCode != http.StatusUnauthorized {
		t.Fatalf("without a certificate: %v", err)
	}
	p.until("the end", func() bool { return p.broker.Connections() == 0 })
}
