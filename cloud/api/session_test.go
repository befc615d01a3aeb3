package api

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func newTestSession(token string) *Session {
	return NewSession(sha256.Sum256([]byte(token)), bytes.Repeat([]byte{7}, 32))
}

// loggedIn asks with a cookie, or with a token.
func loggedIn(s *Session, cookie *http.Cookie, bearer string) bool {
	r := httptest.NewRequest("GET", "/", nil)
	if cookie != nil {
		r.AddCookie(cookie)
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	return s.LoggedIn(r)
}

func TestSession(t *testing.T) {
	s := newTestSession("secret")
	w := httptest.NewRecorder()
	if err := s.LogIn(w, "secret"); err != nil {
		t.Fatal(err)
	}
	cookie := w.Result().Cookies()[0]
	switch {
	case !loggedIn(s, cookie, ""):
		t.Error("the cookie does not let in")
	case !loggedIn(newTestSession("secret"), cookie, ""):
		t.Error("a second server with the same secrets does not know the cookie")
	case loggedIn(newTestSession("another"), cookie, ""):
		t.Error("the cookie outlives its token")
	case loggedIn(s, nil, "wrong"), loggedIn(s, cookie, "wrong"), loggedIn(s, nil, ""):
		t.Error("somebody got in")
	case !loggedIn(s, nil, "secret"):
		t.Error("the token does not let in")
	}
	r := httptest.NewRequest("GET", "/", nil)
	if who := s.Who(r); who != "" {
		t.Errorf("somebody who is not logged in is %q", who)
	}
	r.AddCookie(cookie)
	if who := s.Who(r); who != "admin" {
		t.Errorf("who is logged in is %q", who)
	}
	if s.good(cookie.Value, time.Now().Add(cookieLife+time.Minute)) {
		t.Error("the cookie never ends")
	}
	if err := s.LogIn(httptest.NewRecorder(), ""); err == nil {
		t.Error("an empty token lets in")
	}
	// The hash of nothing is no way in either.
	if loggedIn(newTestSession(""), nil, " ") || newTestSession("").right("") {
		t.Error("an empty token lets in where its hash is configured")
	}
}
