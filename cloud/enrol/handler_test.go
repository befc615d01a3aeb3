package enrol

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/identity"
)

// shelf is a store with one invitation; err is what a disk that is full would say. (That a token is good once, and for one, is shown with
// the real store: storetest, and cloud/server end to end.)
type shelf struct {
	cloud.IdentityStore
	invitation cloud.Invitation
	err        error
}

func (s *shelf) CreateThing(context.Context, cloud.Thing) error { return s.err }

func (s *shelf) Invite(_ context.Context, i cloud.Invitation) error {
	s.invitation = i
	return s.err
}

func (s *shelf) Redeem(_ context.Context, hash [32]byte, _ time.Time, issue func(string) (cloud.Certificate, error)) (cloud.Certificate, error) {
	if s.err != nil {
		return cloud.Certificate{}, s.err
	}
	if hash != s.invitation.Hash {
		return cloud.Certificate{}, cloud.ErrInvitation
	}
	return issue(s.invitation.Thing)
}

func newHandler(t testing.TB) (*Handler, *shelf) {
	t.Helper()
	ca, err := identity.NewCA("test")
	if err != nil {
		t.Fatal(err)
	}
	store := &shelf{}
	return &Handler{Issuer: &Issuer{CA: ca, Store: store}, MQTT: "mqtts://cloud:8883", Log: slog.New(slog.DiscardHandler)}, store
}

func request(t testing.TB, name string) string {
	t.Helper()
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	csr, err := identity.NewRequest(key, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(csr)
}

func post(h *Handler, body string) (status int, answer map[string]string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/api/v1/enroll", strings.NewReader(body)))
	_ = json.Unmarshal(w.Body.Bytes(), &answer) // no JSON leaves it empty, which fails below
	return w.Code, answer
}

func TestEnrol(t *testing.T) {
	h, store := newHandler(t)
	token, _, err := h.Issuer.Invite(t.Context(), "plant7", DefaultTTL)
	if err != nil {
		t.Fatal(err)
	}
	body := func(token, csr string) string {
		text, _ := json.Marshal(map[string]string{"token": token, "csr": csr}) // strings
		return string(text)
	}
	for _, name := range []string{"plant7", ""} { // the invitation's name counts, and who has none gets it
		status, answer := post(h, body(token, request(t, name)))
		cert, err := identity.ParseCertificate([]byte(answer["certificate"]))
		if status != 200 || err != nil || cert.Subject.CommonName != "plant7" || answer["thing"] != "plant7" || answer["mqtt"] != h.MQTT || answer["ca"] == "" {
			t.Fatalf("%d %v %v", status, answer, err)
		}
	}
	for name, c := range map[string]struct {
		body   string
		err    error
		status int
		code   string
	}{
		"no JSON":           {"hello", nil, 400, "bad_request"},
		"no token":          {body("", request(t, "x")), nil, 400, "bad_request"},
		"no request":        {body(token, "x"), nil, 400, "bad_request"},
		"another name":      {body(token, request(t, "administrator")), nil, 409, "name"},
		"a foreign token":   {body(strings.Repeat("A", 32)+token[32:], request(t, "x")), nil, 403, "invitation"},
		"a disk that fails": {body(token, request(t, "x")), errors.New("disk I/O error"), 503, "unavailable"},
	} {
		store.err = c.err
		status, answer := post(h, c.body)
		if status != c.status || answer["code"] != c.code || answer["message"] == "" || strings.Contains(answer["message"], "disk") {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
}

func TestInviteRefuses(t *testing.T) {
	h, _ := newHandler(t)
	for _, c := range []struct {
		gateway string
		ttl     time.Duration
	}{{"a/b", time.Hour}, {"", time.Hour}, {"plant7", 0}, {"plant7", MaxTTL + time.Second}} {
		if _, _, err := h.Issuer.Invite(t.Context(), c.gateway, c.ttl); err == nil {
			t.Errorf("%q for %v was invited", c.gateway, c.ttl)
		}
	}
}
