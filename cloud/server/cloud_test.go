package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/cloud/server"
	"github.com/penstock-edge/penstock/sync/identity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a cloud as Init makes it, on free ports.
type site struct {
	t      testing.TB
	made   server.Installation
	config server.Config
	ca     *x509.Certificate
	log    *notes

	at   server.Addresses
	stop func() time.Duration
}

func newSite(t testing.TB) *site {
	t.Helper()
	made, err := server.Init(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := server.Load(made.Config)
	if err != nil {
		t.Fatal(err)
	}
	config.Listen = server.Listen{MQTT: "127.0.0.1:0", HTTPS: "127.0.0.1:0"}
	ca, err := identity.LoadCertificate(made.CA)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, made: made, config: config, ca: ca, log: &notes{}}
	s.start()
	return s
}

// start runs the cloud until stop, which says how long stopping took.
func (s *site) start() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan server.Addresses, 1), make(chan error, 1)
	go func() {
		log := slog.New(slog.NewTextHandler(s.log, nil))
		done <- server.Run(ctx, s.config, server.Options{Ready: func(at server.Addresses) { ready <- at }}, log)
	}()
	select {
	case s.at = <-ready:
	case err := <-done:
		cancel()
		s.t.Fatalf("Run: %v", err)
	}
	stop := sync.OnceValue(func() time.Duration {
		began := time.Now()
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("Run: %v", err)
		}
		return time.Since(began)
	})
	s.stop = stop
	s.t.Cleanup(func() { stop() })
}

// notes is a log that many goroutines write.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// browser is an HTTPS client that trusts the site's CA.
func (s *site) browser() *http.Client {
	transport := &http.Transport{TLSClientConfig: identity.ClientTLS(nil, s.ca, "localhost"), ForceAttemptHTTP2: true}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// call asks the API with the admin token.
func (s *site) call(method, path string, body any) (status int, answer string) {
	s.t.Helper()
	var text []byte
	if body != nil {
		text, _ = json.Marshal(body) // tests marshal maps of strings
	}
	req, err := http.NewRequest(method, s.at.HTTPS+path, bytes.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.made.AdminToken)
	res, err := s.browser().Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(all)
}

// get asks the API for something that is there.
func (s *site) get(path string, into any) {
	s.t.Helper()
	status, text := s.call("GET", path, nil)
	if status != 200 {
		s.t.Fatalf("GET %s: %d %s", path, status, text)
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		s.t.Fatalf("GET %s: %v in %s", path, err, text)
	}
}

// issue has a certificate signed for a thing, as penstock-cloud issue does.
func (s *site) issue(thing string) tls.Certificate {
	s.t.Helper()
	key, err := identity.NewKey()
	if err != nil {
		s.t.Fatal(err)
	}
	csr, err := identity.NewRequest(key, thing)
	if err != nil {
		s.t.Fatal(err)
	}
	status, text := s.call("POST", "/api/v1/things/"+url.PathEscape(thing)+"/certificates", map[string]string{"csr": string(csr)})
	var answer struct{ Certificate string }
	if err := json.Unmarshal([]byte(text), &answer); status != 200 || err != nil {
		s.t.Fatalf("issue %s: %d %s", thing, status, text)
	}
	return s.pair(key, answer.Certificate)
}

func (s *site) pair(key any, certificate string) tls.Certificate {
	s.t.Helper()
	cert, err := identity.ParseCertificate([]byte(certificate))
	if err != nil {
		s.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// enrol does what penstock enroll does.
func (s *site) enrol(token string) (pair tls.Certificate, status int, answer string) {
	s.t.Helper()
	key, err := identity.NewKey()
	if err != nil {
		s.t.Fatal(err)
	}
	csr, err := identity.NewRequest(key, "")
	if err != nil {
		s.t.Fatal(err)
	}
	body, _ := json.Marshal(map[string]string{"token": token, "csr": string(csr)}) // strings
	res, err := s.browser().Post(s.at.HTTPS+"/api/v1/enroll", "application/json", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var got struct{ Certificate string }
	if res.StatusCode == 200 && json.Unmarshal(text, &got) == nil {
		pair = s.pair(key, got.Certificate)
	}
	return pair, res.StatusCode, string(text)
}

// gateway invites and enrols a gateway.
func (s *site) gateway(name string) tls.Certificate {
	s.t.Helper()
	pair, status, answer := s.enrol(s.invite(name))
	if status != 200 {
		s.t.Fatalf("enrol %s: %d %s", name, status, answer)
	}
	return pair
}

func (s *site) invite(gateway string) string {
	s.t.Helper()
	status, text := s.call("POST", "/api/v1/invitations", map[string]string{"gateway": gateway})
	var answer struct{ Token string }
	if err := json.Unmarshal([]byte(text), &answer); status != 200 || err != nil {
		s.t.Fatalf("invite: %d %s", status, text)
	}
	return answer.Token
}

// link is an MQTT 5 connection of a real client.
type link struct {
	*paho.Client
	t        testing.TB
	received chan *paho.Publish
	goodbye  chan byte // the reason code of the server's DISCONNECT
}

func (s *site) connect(pair tls.Certificate, clientID string) (*link, error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
	defer cancel()
	u, err := url.Parse(s.at.MQTT)
	if err != nil {
		s.t.Fatal(err)
	}
	var certs []tls.Certificate
	if pair.PrivateKey != nil {
		certs = append(certs, pair)
	}
	conn, err := tls.Dial("tcp", net.JoinHostPort("127.0.0.1", u.Port()), identity.ClientTLS(certs, s.ca, "localhost"))
	if err != nil {
		return nil, err
	}
	s.t.Cleanup(func() { conn.Close() })
	l := &link{t: s.t, received: make(chan *paho.Publish, 100), goodbye: make(chan byte, 1)}
	l.Client = paho.NewClient(paho.ClientConfig{
		Conn: packets.NewThreadSafeConn(conn),
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){
			func(p paho.PublishReceived) (bool, error) { l.received <- p.Packet; return true, nil },
		},
		OnServerDisconnect: func(d *paho.Disconnect) { l.goodbye <- d.ReasonCode },
	})
	if _, err := l.Connect(ctx, &paho.Connect{ClientID: clientID, KeepAlive: 30, CleanStart: true}); err != nil {
		return nil, err
	}
	s.t.Cleanup(func() { conn.Close(); <-l.Done() })
	return l, nil
}

func (s *site) mustConnect(pair tls.Certificate, clientID string) *link {
	s.t.Helper()
	l, err := s.connect(pair, clientID)
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}

// publish sends at QoS 1 and gives the PUBACK's reason.
func (l *link) publish(topic string, payload []byte, user ...paho.UserProperty) (code byte, reason string) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 10*time.Second)
	defer cancel()
	res, err := l.Publish(ctx, &paho.Publish{Topic: topic, QoS: 1, Payload: payload, Properties: &paho.PublishProperties{User: user}})
	if res == nil {
		l.t.Fatalf("publish on %s: %v", topic, err)
	}
	if res.Properties != nil {
		reason = res.Properties.ReasonString
	}
	return res.ReasonCode, reason
}

// until waits for a condition that another goroutine brings about.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come about", what)
		}
	}
}

func TestInitRefusesWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	made, err := server.Init(dir, []string{"iot.example.com", "10.7.0.5"})
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(made.Config)
	if err != nil {
		t.Fatal(err)
	}
	if made.URL != "https://iot.example.com:8443" || !strings.HasPrefix(made.CAFingerprint, "sha256:") || strings.Contains(string(before), made.AdminToken) {
		t.Fatalf("%+v\n%s", made, before)
	}
	for _, secret := range []string{"pki/ca.key", "pki/server.key", "cloud.yaml"} {
		if info, err := os.Stat(filepath.Join(dir, secret)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", secret, info.Mode(), err)
		}
	}
	if _, err := server.Init(dir, nil); err == nil || !strings.Contains(err.Error(), "penstock-cloud run -c") {
		t.Fatalf("a second time: %v", err)
	}
	if after, _ := os.ReadFile(made.Config); !bytes.Equal(before, after) {
		t.Fatal("the configuration was touched")
	}
	if err := os.Remove(made.Config); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Init(dir, nil); err == nil || !strings.Contains(err.Error(), "ca.key is there already") {
		t.Fatalf("over a CA: %v", err)
	}
}

func TestPortTaken(t *testing.T) {
	s := newSite(t)
	u, err := url.Parse(s.at.MQTT)
	if err != nil {
		t.Fatal(err)
	}
	second, err := server.Init(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := server.Load(second.Config)
	if err != nil {
		t.Fatal(err)
	}
	config.Listen.MQTT = "127.0.0.1:" + u.Port()
	err = server.Run(t.Context(), config, server.Options{}, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "another program listens on "+config.Listen.MQTT) || !strings.Contains(err.Error(), "listen: mqtt in "+second.Config) {
		t.Fatalf("%v", err)
	}
}

// With clients on every line the cloud stops in less than two seconds, and says goodbye.
func TestStop(t *testing.T) {
	s := newSite(t)
	l := s.mustConnect(s.issue("thermo1"), "thermo1")
	events := s.watch("")
	if d := s.stop(); d > 2*time.Second {
		t.Fatalf("stopping took %v", d)
	}
	if code := <-l.goodbye; code != 0x8B {
		t.Fatalf("DISCONNECT 0x%X", code)
	}
	if _, err := io.Copy(io.Discard, events.body); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Logf("live events ended with %v", err)
	}
}
