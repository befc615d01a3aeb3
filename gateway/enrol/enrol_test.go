package enrol_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/gateway/enrol"
	"github.com/penstock-edge/penstock/sync/identity"
)

// cloud answers enrolments with certificates of its CA, as the test says.
type cloud struct {
	*httptest.Server
	ca     *identity.CA
	token  string
	answer func(w http.ResponseWriter, token string, request *x509.CertificateRequest)
	asked  int
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	ca, err := identity.NewCA("test")
	if err != nil {
		t.Fatal(err)
	}
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.IssueServer(key.Public(), []string{"127.0.0.1"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{ca: ca}
	if c.token, _, err = identity.NewToken(ca.Certificate()); err != nil {
		t.Fatal(err)
	}
	c.answer = func(w http.ResponseWriter, _ string, r *x509.CertificateRequest) { c.issue(w, r, "plant7") }
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(c.enroll))
	c.TLS = identity.ServerTLS(tls.Certificate{Certificate: [][]byte{cert.Raw, ca.Certificate().Raw}, PrivateKey: key}, ca.Certificate())
	c.Config.ErrorLog = log.New(io.Discard, "", 0)
	c.StartTLS()
	t.Cleanup(c.Close)
	return c
}

func (c *cloud) enroll(w http.ResponseWriter, r *http.Request) {
	c.asked++
	var body struct{ Token, CSR string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.URL.Path != "/api/v1/enroll" {
		http.Error(w, "not here", http.StatusNotFound)
		return
	}
	request, err := identity.ParseRequest([]byte(body.CSR))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.answer(w, body.Token, request)
}

func (c *cloud) issue(w http.ResponseWriter, r *x509.CertificateRequest, thing string) {
	cert, err := c.ca.Issue(r, thing, time.Hour)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{ // the asker is in the same test
		"thing": thing, "certificate": string(identity.EncodeCertificates(cert)), "mqtt": "mqtts://127.0.0.1:8883",
	})
}

func files(t *testing.T) identity.Files {
	base := filepath.Join(t.TempDir(), "identity", "main")
	return identity.Files{Key: base + ".key", Cert: base + ".crt", CA: base + ".ca"}
}

func TestAnInvitationBecomesAnIdentity(t *testing.T) {
	c := newCloud(t)
	r := enrol.Request{URL: c.URL, Token: " " + c.token + "\n", Gateway: "plant7", Fingerprint: identity.Fingerprint(c.ca.Certificate()), Files: files(t)}
	got, err := enrol.Enrol(t.Context(), r)
	if err != nil || got.Thing != "plant7" || got.MQTT != "mqtts://127.0.0.1:8883" {
		t.Fatalf("%+v, %v", got, err)
	}
	pair, ca, err := r.Files.Load(time.Now())
	if err != nil || !ca.Equal(c.ca.Certificate()) {
		t.Fatalf("what was saved: %v", err)
	}
	if name, err := identity.ThingName(pair.Leaf); err != nil || name != "plant7" {
		t.Errorf("the certificate is of %q, %v", name, err)
	}
	if info, err := os.Stat(r.Files.Key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info.Mode(), err)
	}
}

func TestARefusalSavesNothingAndSaysWhatToDo(t *testing.T) {
	c, foreign := newCloud(t), newCloud(t)
	say := func(status int, text string) func(http.ResponseWriter, string, *x509.CertificateRequest) {
		return func(w http.ResponseWriter, _ string, _ *x509.CertificateRequest) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text) // the asker is in the same test
		}
	}
	stranger := func(w http.ResponseWriter, _ string, r *x509.CertificateRequest) { foreign.issue(w, r, "plant7") }
	otherKey := func(w http.ResponseWriter, _ string, _ *x509.CertificateRequest) {
		key, _ := identity.NewKey()
		csr, _ := identity.NewRequest(key, "plant7")
		request, _ := identity.ParseRequest(csr)
		c.issue(w, request, "plant7")
	}
	for what, x := range map[string]struct {
		change func(*enrol.Request)
		answer func(http.ResponseWriter, string, *x509.CertificateRequest)
		says   string
		asked  int
	}{
		"no token":                     {func(r *enrol.Request) { r.Token = "sesame" }, nil, "penstock-cloud invite", 0},
		"another cloud's token":        {func(r *enrol.Request) { r.Token = foreign.token }, nil, "is not the one that is expected", 0},
		"another fingerprint":          {func(r *enrol.Request) { r.Fingerprint = identity.Fingerprint(foreign.ca.Certificate()) }, nil, "is not the one that is expected", 0},
		"half a fingerprint":           {func(r *enrol.Request) { r.Fingerprint = "sha256:1234" }, nil, "64 hex digits", 0},
		"a host it has no name":        {func(r *enrol.Request) { r.URL = strings.Replace(r.URL, "127.0.0.1", "localhost", 1) }, nil, "localhost", 0},
		"http":                         {func(r *enrol.Request) { r.URL = "http://127.0.0.1" }, nil, "want https://HOST:PORT", 0},
		"nobody there":                 {func(r *enrol.Request) { r.URL = "https://127.0.0.1:1" }, nil, "reach the cloud", 0},
		"a used token":                 {nil, say(403, `{"message": "the token is unknown, used or expired", "code": "invitation"}`), "the token is unknown, used or expired", 1},
		"a refusal without words":      {nil, say(500, `{}`), "500", 1},
		"no JSON":                      {nil, say(200, "<html>"), "is it penstock-cloud's https address?", 1},
		"no certificate":               {nil, say(200, `{"thing": "plant7"}`), "the certificate that", 1},
		"another name":                 {func(r *enrol.Request) { r.Gateway = "plant8" }, nil, "plant8", 1},
		"a certificate of another CA":  {nil, stranger, "not signed by", 1},
		"a certificate of another key": {nil, otherKey, "another key", 1},
	} {
		t.Run(what, func(t *testing.T) {
			r := enrol.Request{URL: c.URL, Token: c.token, Gateway: "plant7", Files: files(t)}
			if x.change != nil {
				x.change(&r)
			}
			ordinary := c.answer
			defer func() { c.answer = ordinary }()
			if x.answer != nil {
				c.answer = x.answer
			}
			c.asked = 0
			_, err := enrol.Enrol(t.Context(), r)
			if err == nil || !strings.Contains(err.Error(), x.says) {
				t.Errorf("%v; want %q in it", err, x.says)
			}
			if c.asked != x.asked {
				t.Errorf("the token was sent %d times, want %d", c.asked, x.asked)
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(r.Files.Key), "*")); len(left) > 0 {
				t.Errorf("it left %v", left)
			}
		})
	}
}
