package identity

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func newCA(t testing.TB, name string) *CA {
	t.Helper()
	ca, err := NewCA(name)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// thing issues a certificate the way enrolment does: key, request, signature.
func thing(t testing.TB, ca *CA, name string, life time.Duration) tls.Certificate {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	text, err := NewRequest(key, name)
	if err != nil {
		t.Fatal(err)
	}
	request, err := ParseRequest(text)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Issue(request, name, life)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

func server(t testing.TB, ca *CA, names ...string) tls.Certificate {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.IssueServer(key.Public(), names, ServerLife)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{cert.Raw, ca.Certificate().Raw}, PrivateKey: key, Leaf: cert}
}

// handshake runs both ends over loopback and says how each saw it, and whom the server met.
func handshake(t *testing.T, serverEnd, clientEnd *tls.Config) (met string, serverErr, clientErr error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	done := make(chan error, 1)
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			done <- err
			return
		}
		defer conn.Close()
		secure := tls.Server(conn, serverEnd)
		if err = secure.Handshake(); err == nil {
			if peers := secure.ConnectionState().PeerCertificates; len(peers) > 0 {
				met, err = ThingName(peers[0])
			}
			_, _ = secure.Write([]byte{1})
		}
		done <- err
	}()
	conn, err := tls.Dial("tcp", ln.Addr().String(), clientEnd)
	if err == nil {
		_, err = conn.Read(make([]byte, 1)) // in TLS 1.3 the client learns here that it was refused
		conn.Close()
	}
	return met, <-done, err
}

func TestMutualTLS(t *testing.T) {
	ours, foreign := newCA(t, "ours"), newCA(t, "foreign")
	end := MutualTLS(server(t, ours, "localhost"), ours.Certificate())
	old := func(c *tls.Config) *tls.Config {
		c = c.Clone()
		c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		return c
	}
	cbc := func(c *tls.Config) *tls.Config {
		c = c.Clone()
		c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
		return c
	}
	own := ClientTLS([]tls.Certificate{thing(t, ours, "plant7", ThingLife)}, ours.Certificate(), "localhost")
	for _, c := range []struct {
		name   string
		client *tls.Config
		met    string
	}{
		{"its own certificate", own, "plant7"},
		{"no certificate", ClientTLS(nil, ours.Certificate(), "localhost"), ""},
		{"a certificate of a foreign CA", ClientTLS([]tls.Certificate{thing(t, foreign, "plant7", ThingLife)}, ours.Certificate(), "localhost"), ""},
		{"an expired certificate", ClientTLS([]tls.Certificate{thing(t, ours, "plant7", -time.Minute)}, ours.Certificate(), "localhost"), ""},
		{"a server's certificate", ClientTLS([]tls.Certificate{server(t, ours, "plant7")}, ours.Certificate(), "localhost"), ""},
		{"a server of a foreign CA", ClientTLS([]tls.Certificate{thing(t, ours, "plant7", ThingLife)}, foreign.Certificate(), "localhost"), ""},
		{"a server of another name", ClientTLS([]tls.Certificate{thing(t, ours, "plant7", ThingLife)}, ours.Certificate(), "elsewhere"), ""},
		{"TLS 1.1", old(own), ""},
		{"CBC", cbc(own), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			met, serverErr, clientErr := handshake(t, end, c.client)
			if refused := serverErr != nil || clientErr != nil; refused != (c.met == "") || !refused && met != c.met {
				t.Fatalf("met %q, server says %v, client says %v; want %q", met, serverErr, clientErr, c.met)
			}
		})
	}
}

func TestPinnedTLS(t *testing.T) {
	ours, foreign := newCA(t, "ours"), newCA(t, "foreign")
	text, _, err := NewToken(ours.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	token, err := ParseToken(text)
	if err != nil {
		t.Fatal(err)
	}
	// A man in the middle shows the true CA beside a certificate of his own.
	middle := server(t, foreign, "localhost")
	middle.Certificate = [][]byte{middle.Certificate[0], ours.Certificate().Raw}
	for _, c := range []struct {
		name   string
		server tls.Certificate
		ok     bool
	}{
		{"the cloud that made the token", server(t, ours, "localhost"), true},
		{"a foreign cloud", server(t, foreign, "localhost"), false},
		{"a man in the middle", middle, false},
		{"the right CA, the wrong name", server(t, ours, "elsewhere"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got *x509.Certificate
			end, err := PinnedTLS(token.Pin, "localhost", func(ca *x509.Certificate) { got = ca })
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = handshake(t, ServerTLS(c.server, ours.Certificate()), end)
			if (err == nil) != c.ok || (got != nil) != c.ok {
				t.Fatalf("err %v, CA %v", err, got)
			}
		})
	}
}

func TestToken(t *testing.T) {
	ca := newCA(t, "ours")
	text, made, err := NewToken(ca.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	read, err := ParseToken(" " + strings.ToLower(text) + "\n")
	if err != nil || read.Hash != made.Hash || len(text) != 65 {
		t.Fatalf("%q: %v", text, err)
	}
	for _, bad := range []string{"", ".", text[:64], text + "0", strings.Replace(text, ".", ":", 1), "1" + text[1:], text[:33] + "g" + text[34:]} {
		if _, err := ParseToken(bad); !errors.Is(err, ErrToken) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestFiles(t *testing.T) {
	ca := newCA(t, "ours")
	dir := filepath.Join(t.TempDir(), "identity")
	files := Files{Key: filepath.Join(dir, "main.key"), Cert: filepath.Join(dir, "main.crt"), CA: filepath.Join(dir, "main.ca")}

	if _, _, err := files.Load(time.Now()); err == nil || !strings.Contains(err.Error(), "penstock enroll URL --token T") {
		t.Fatalf("without files: %v", err)
	}
	pair := thing(t, ca, "plant7", time.Hour)
	if err := files.Save(pair.PrivateKey.(crypto.Signer), pair.Leaf, ca.Certificate()); err != nil {
		t.Fatal(err)
	}
	read, gotCA, err := files.Load(time.Now())
	if err != nil || CertificateID(read.Leaf) != CertificateID(pair.Leaf) || !gotCA.Equal(ca.Certificate()) {
		t.Fatalf("load: %v", err)
	}
	if info, err := os.Stat(files.Key); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key's mode is %v, %v", info.Mode(), err)
	}
	if _, _, err := files.Load(time.Now().Add(2 * time.Hour)); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Fatalf("after its time: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 3 {
		t.Fatalf("files left: %v", left)
	}
}

func TestCA(t *testing.T) {
	ca := newCA(t, "ours")
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key")
	if err := ca.Save(cert, key); err != nil {
		t.Fatal(err)
	}
	again, err := LoadCA(cert, key)
	if err != nil || !again.Certificate().Equal(ca.Certificate()) {
		t.Fatal(err)
	}
	if err := newCA(t, "other").Save(filepath.Join(dir, "other.crt"), key); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadCA(cert, key); err == nil || !strings.Contains(err.Error(), "is not the key of") {
		t.Fatalf("a key that does not fit: %v", err)
	}
}

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"plant7": true, "plant7:press": true, "a_B-9": true, strings.Repeat("x", 128): true,
		"": false, strings.Repeat("x", 129): false, "a/b": false, "a+": false, "#": false, "ä": false, "a b": false, "a.b": false,
	} {
		if err := CheckName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}
