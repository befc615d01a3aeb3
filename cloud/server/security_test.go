package server_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/gorilla/websocket"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/store/local"
	"github.com/penstock-edge/penstock/sync/identity"
)

// authority is the site's own CA, as whoever stole it would use it.
func (s *site) authority() *identity.CA {
	s.t.Helper()
	ca, err := identity.LoadCA(s.made.CA, filepath.Join(filepath.Dir(s.made.CA), "ca.key"))
	if err != nil {
		s.t.Fatal(err)
	}
	return ca
}

// forge signs a certificate behind the cloud's back.
func forge(t *testing.T, ca *identity.CA, thing string, life time.Duration) tls.Certificate {
	t.Helper()
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	csr, err := identity.NewRequest(key, thing)
	if err != nil {
		t.Fatal(err)
	}
	request, err := identity.ParseRequest(csr)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Issue(request, thing, life)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// tamper changes the store while the cloud is down.
func (s *site) tamper(change func(*local.Store) error) {
	s.t.Helper()
	s.stop()
	store, err := local.Open(s.t.Context(), s.config.Data, local.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := change(store); err != nil {
		s.t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.start()
}

func TestWhoGetsIn(t *testing.T) {
	s := newSite(t)
	foreign, err := identity.NewCA("foreign")
	if err != nil {
		t.Fatal(err)
	}
	good, inactive, revoked, mislabelled := s.issue("thermo1"), s.issue("thermo1"), s.issue("thermo1"), forge(t, s.authority(), "thermo2", time.Hour)
	s.tamper(func(store *local.Store) error {
		for pair, status := range map[*tls.Certificate]cloud.CertificateStatus{&inactive: cloud.CertificateInactive, &revoked: cloud.CertificateRevoked} {
			if err := store.SetCertificateStatus(t.Context(), identity.CertificateID(pair.Leaf), status); err != nil {
				return err
			}
		}
		return store.AddCertificate(t.Context(), cloud.Certificate{ID: identity.CertificateID(mislabelled.Leaf), Thing: "thermo1", Status: cloud.CertificateActive,
			Issued: time.Now(), NotAfter: mislabelled.Leaf.NotAfter, PEM: identity.EncodeCertificates(mislabelled.Leaf)})
	})
	if _, err := s.connect(good, "thermo1"); err != nil {
		t.Fatalf("its own certificate: %v", err)
	}
	for _, c := range []struct {
		name   string
		pair   tls.Certificate
		logged string
	}{
		{"no certificate", tls.Certificate{}, "TLS handshake"},
		{"a foreign CA", forge(t, foreign, "thermo1", time.Hour), "TLS handshake"},
		{"expired", forge(t, s.authority(), "thermo1", -time.Minute), "TLS handshake"},
		{"signed and not registered", forge(t, s.authority(), "thermo1", time.Hour), "is not registered here"},
		{"inactive", inactive, "is INACTIVE"},
		{"revoked", revoked, "is REVOKED"},
		{"registered for another thing", mislabelled, "registered for thermo1 and names"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := strings.Count(s.log.String(), c.logged)
			if _, err := s.connect(c.pair, "thermo1"); err == nil {
				t.Fatal("it got in")
			}
			until(t, "one line in the log", func() bool { return strings.Count(s.log.String(), c.logged) == before+1 })
		})
	}
}

// What is one thing's is closed to another, over every door.
func TestThingsAreApart(t *testing.T) {
	s := newSite(t)
	press, saw := s.mustConnect(s.gateway("press"), "press"), s.mustConnect(s.gateway("saw"), "saw")

	subscribe := func(l *link, filters ...string) []byte {
		t.Helper()
		pk := &paho.Subscribe{}
		for _, f := range filters {
			pk.Subscriptions = append(pk.Subscriptions, paho.SubscribeOptions{Topic: f, QoS: 1})
		}
		ack, err := l.Subscribe(t.Context(), pk)
		if ack == nil {
			t.Fatal(err)
		}
		return ack.Reasons
	}
	alien := []string{"dt/press/#", "dt/+/block", "#", "+/press/block", "dt/#", "$aws/things/press/shadow/update", "$aws/things/+/#", "$share/g/dt/press/#", "$SYS/#", "dt/saw:+/alarm"}
	for i, code := range subscribe(saw, alien...) {
		if code != 0x87 {
			t.Errorf("saw subscribed to %s: 0x%X", alien[i], code)
		}
	}
	own := []string{"dt/press/#", "$aws/things/press/#", "dt/press:oil/#"}
	for i, code := range subscribe(press, own...) {
		if code != 1 {
			t.Errorf("press could not subscribe to %s: 0x%X", own[i], code)
		}
	}
	for _, topic := range []string{"dt/press/telemetry", "dt/press/block", "dt/press/birth", "dt/press:oil/telemetry", "$aws/things/press/shadow/update",
		"$aws/events/presence/connected/saw", "anything", "dt/press"} {
		if code, why := saw.publish(topic, []byte(`{"a":1}`)); code != 0x87 || why == "" {
			t.Errorf("saw published on %s: 0x%X %q", topic, code, why)
		}
	}
	if code, why := press.publish("dt/press/telemetry", []byte(`{"mine":1}`)); code >= 0x80 {
		t.Fatalf("press on its own topic: 0x%X %s", code, why)
	}
	if p := <-press.received; string(p.Payload) != `{"mine":1}` {
		t.Fatalf("press received %q of somebody else first", p.Payload)
	}
	if len(saw.received) > 0 {
		t.Fatalf("saw received %v", <-saw.received)
	}
	var points struct{ Points []any }
	if s.get("/api/v1/things/press/points", &points); len(points.Points) != 1 {
		t.Fatalf("stored of press: %+v", points)
	}
}

// A token is good once, for one, and only until it expires.
func TestTokens(t *testing.T) {
	s := newSite(t)
	token := s.invite("plant7")
	if _, status, answer := s.enrol(token); status != 200 || !strings.Contains(answer, `"thing":"plant7"`) || !strings.Contains(answer, s.at.MQTT) {
		t.Fatalf("%d %s", status, answer)
	}
	foreign, err := identity.NewCA("foreign")
	if err != nil {
		t.Fatal(err)
	}
	unknown, _, err := identity.NewToken(foreign.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	expired, parts, err := identity.NewToken(s.ca)
	if err != nil {
		t.Fatal(err)
	}
	s.tamper(func(store *local.Store) error {
		return store.Invite(t.Context(), cloud.Invitation{Hash: parts.Hash, Thing: "late", Expires: time.Now().Add(-time.Second)})
	})
	var same string
	for name, bad := range map[string]string{"used": token, "unknown": unknown, "expired": expired} {
		_, status, answer := s.enrol(bad)
		if status != 403 || !strings.Contains(answer, "penstock-cloud invite GATEWAY") || same != "" && answer != same {
			t.Errorf("%s: %d %s", name, status, answer)
		}
		same = answer // nobody learns which of them it was
	}
	if _, status, answer := s.enrol("nonsense"); status != 400 || !strings.Contains(answer, "penstock-cloud invite GATEWAY") {
		t.Errorf("nonsense: %d %s", status, answer)
	}
	res, err := s.browser().Post(s.at.HTTPS+"/api/v1/enroll", "application/json", strings.NewReader(`{"token":"`+strings.Repeat("x", 1<<20)))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 400 {
		t.Errorf("a body of 1 MiB: %d", res.StatusCode)
	}
}

// A hundred parallel uses of one token make one identity. (Those beyond the rate limit are told to wait.)
func TestTokenRace(t *testing.T) {
	s := newSite(t)
	token := s.invite("plant7")
	var mu sync.Mutex
	got := map[int]int{}
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			_, status, _ := s.enrol(token)
			mu.Lock()
			defer mu.Unlock()
			got[status]++
		})
	}
	all.Wait()
	var certs struct{ Certificates []any }
	s.get("/api/v1/things/plant7/certificates", &certs)
	if got[200] != 1 || got[403] == 0 || got[429] == 0 || got[200]+got[403]+got[429] != 100 || len(certs.Certificates) != 1 {
		t.Fatalf("%v, %d certificates", got, len(certs.Certificates))
	}
}

func TestSession(t *testing.T) {
	s := newSite(t)
	web := s.browser()
	post := func(path, body, kind string, header ...string) *http.Response {
		t.Helper()
		req, err := http.NewRequest("POST", s.at.HTTPS+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", kind)
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := web.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	const form = "application/x-www-form-urlencoded"
	if res := post("/login", "token=wrong", form); res.StatusCode != 303 || res.Header.Get("Location") != "/login?error=token" || len(res.Cookies()) > 0 {
		t.Fatalf("wrong: %d %v", res.StatusCode, res.Header)
	}
	if res := post("/login", `{"token":""}`, "application/json"); res.StatusCode != 401 {
		t.Fatalf("empty: %d", res.StatusCode)
	}
	res := post("/login", url.Values{"token": {s.made.AdminToken}}.Encode(), form)
	if res.StatusCode != 303 || res.Header.Get("Location") != "/" || len(res.Cookies()) != 1 {
		t.Fatalf("right: %d %v", res.StatusCode, res.Header)
	}
	cookie := res.Cookies()[0]
	if !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || strings.Contains(cookie.Value, s.made.AdminToken) {
		t.Fatalf("%+v", cookie)
	}
	status := func(value string) int {
		t.Helper()
		req, err := http.NewRequest("GET", s.at.HTTPS+"/api/v1/gateways", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.AddCookie(&http.Cookie{Name: cookie.Name, Value: value})
		res, err := web.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	forged := "A" + cookie.Value[1:]
	if cookie.Value[0] == 'A' {
		forged = "B" + cookie.Value[1:]
	}
	if status(cookie.Value) != 200 || status("") != 401 || status(forged) != 401 || status(cookie.Value[:20]) != 401 {
		t.Fatal("the cookie is not what lets in")
	}
	// A page elsewhere cannot use the browser's cookie to change something.
	if res := post("/api/v1/invitations", `{"gateway":"x"}`, "application/json", "Cookie", cookie.Name+"="+cookie.Value, "Sec-Fetch-Site", "cross-site"); res.StatusCode != 403 {
		t.Fatalf("across sites: %d", res.StatusCode)
	}
	s.stop()
	s.start()
	if status(cookie.Value) != 200 {
		t.Fatal("a restart logs out")
	}
	// Guessing gets slow.
	limited := false
	for range 20 {
		limited = limited || post("/login", "token=wrong", form).StatusCode == 429
	}
	if !limited {
		t.Fatal("twenty guesses in a row")
	}
}

func TestNobodyAsksWithoutToken(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/api/v1/gateways", "/api/v1/things/x/certificates", "/api/v1/live", "/api/v1/", "/api/v1/../v1/gateways"} {
		res, err := s.browser().Get(s.at.HTTPS + path)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != 401 && res.StatusCode/100 != 3 {
			t.Errorf("%s: %d %s", path, res.StatusCode, text)
		}
	}
	for path, want := range map[string]string{"/healthz": "ok", "/metrics": "penstock_cloud_mqtt_connections 0"} {
		res, err := s.browser().Get(s.at.HTTPS + path)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != 200 || !strings.Contains(string(text), want) {
			t.Errorf("%s: %d %s", path, res.StatusCode, text)
		}
	}
}

// MQTT over WebSocket goes through the same doors.
func TestWebSocket(t *testing.T) {
	s := newSite(t)
	pair := s.issue("thermo1")
	dialer := websocket.Dialer{TLSClientConfig: identity.ClientTLS([]tls.Certificate{pair}, s.ca, "localhost"), Subprotocols: []string{"mqtt"}}
	ws, _, err := dialer.Dial(strings.Replace(s.at.HTTPS, "https", "wss", 1)+"/mqtt", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	// CONNECT of MQTT 3.1.1: clean session, keep-alive 30 s, client id "w".
	connect := []byte{0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 30, 0, 1, 'w'}
	publish := append([]byte{0x32, 0, 0, 20}, "dt/thermo1/telemetry"...) // QoS 1, packet id 7
	publish = append(publish, 0, 7)
	publish = append(publish, `{"a":1}`...)
	publish[1] = byte(len(publish) - 2)
	for _, c := range []struct{ send, want []byte }{{connect, []byte{0x20, 2, 0, 0}}, {publish, []byte{0x40, 2, 0, 7}}} {
		if err := ws.WriteMessage(websocket.BinaryMessage, c.send); err != nil {
			t.Fatal(err)
		}
		if _, got, err := ws.ReadMessage(); err != nil || string(got) != string(c.want) {
			t.Fatalf("%v %v", got, err)
		}
	}
	var p page
	if s.get("/api/v1/things/thermo1/points/a/samples", &p); len(p.Samples) != 1 {
		t.Fatalf("%+v", p)
	}
}

// Idle sockets on HTTPS are gone in five seconds while others are served. The broker's are its own test.
func TestS17_IdleSocketsOnHTTPS(t *testing.T) {
	s := newSite(t)
	u, err := url.Parse(s.at.HTTPS)
	if err != nil {
		t.Fatal(err)
	}
	var conns []net.Conn
	for i := range 500 {
		conn, err := net.Dial("tcp", "127.0.0.1:"+u.Port())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%50 == 0 { // some get through the handshake and dribble a header
			config := identity.ClientTLS(nil, s.ca, "localhost")
			secure := tls.Client(conn, config)
			if _, err := fmt.Fprint(secure, "GET / HTTP/1.1\r\nX-Slow: "); err != nil {
				t.Fatal(err)
			}
		}
		conns = append(conns, conn)
	}
	opened := time.Now()
	if status, _ := s.call("GET", "/api/v1/gateways", nil); status != 200 {
		t.Fatalf("a good client got %d", status)
	}
	for _, conn := range conns {
		_ = conn.SetReadDeadline(opened.Add(5 * time.Second))
		if _, err := io.Copy(io.Discard, conn); err != nil {
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				t.Fatal("a silent socket is open after five seconds")
			}
		}
	}
}

// The admin token, a device's key and an enrolment token are in no log, metric or answer.
func TestSecretsStayInside(t *testing.T) {
	s := newSite(t)
	token := s.invite("plant7")
	s.enrol(token)
	s.enrol(token)
	_, metrics := s.call("GET", "/metrics", nil)
	_, things := s.call("GET", "/api/v1/things", nil)
	everything := s.log.String() + metrics + things
	for name, secret := range map[string]string{"admin token": s.made.AdminToken, "enrolment token": strings.SplitN(token, ".", 2)[0], "a private key": "PRIVATE KEY"} {
		if strings.Contains(everything, secret) {
			t.Errorf("the %s is told", name)
		}
	}
}

// JSON as deep, as wide and as long as a packet takes: each is refused or stored, in bounded memory, and the next message is stored.
func TestS18_JSONThatIsTooMuch(t *testing.T) {
	s := newSite(t)
	l := s.mustConnect(s.issue("thermo1"), "thermo1")
	const most = 1<<20 - 200
	deep := strings.Repeat(`{"a":`, most/6) + "1" + strings.Repeat("}", most/6)
	var wide strings.Builder
	for i := 0; wide.Len() < most-20; i++ {
		fmt.Fprintf(&wide, `"f%d":1,`, i)
	}
	for name, payload := range map[string]string{
		"objects in objects": deep,
		"lists in lists":     `{"a":` + strings.Repeat("[", most-10),
		"a number":           `{"a":1` + strings.Repeat("0", most-10) + "}",
		"a name":             `{"` + strings.Repeat("n", most-10) + `":1}`,
		"fields":             "{" + strings.TrimSuffix(wide.String(), ",") + "}",
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		if code, why := l.publish("dt/thermo1/telemetry", []byte(payload)); code != 0x99 || why == "" {
			t.Errorf("%s: 0x%X %q", name, code, why)
		}
		if code, _ := l.publish("$aws/things/thermo1/shadow/update", []byte(payload)); code >= 0x80 && code != 0x97 && code != 0x99 {
			t.Errorf("%s, as a shadow: 0x%X", name, code)
		}
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 128<<20 {
			t.Errorf("%s took %d MiB", name, grown>>20)
		}
	}
	if code, why := l.publish("dt/thermo1/telemetry", []byte(`{"a":1}`)); code >= 0x80 {
		t.Errorf("a good message afterwards: 0x%X %s", code, why)
	}
}
