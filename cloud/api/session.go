package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Session says who may ask: programs by the admin token in each request, browsers by a cookie that logging in with the token gives.
// It keeps nothing but two secrets, so it outlives a restart, and a second server with the same secrets knows it too.
type Session struct {
	token [sha256.Size]byte // the hash of the admin token
	key   []byte
}

// NewSession makes a session of the admin token's SHA-256 and a random key of 32 bytes for the cookies.
func NewSession(tokenHash [sha256.Size]byte, key []byte) *Session {
	// Another token makes another key: who was logged in with the old one no longer is.
	mac := hmac.New(sha256.New, key)
	mac.Write(tokenHash[:])
	return &Session{token: tokenHash, key: mac.Sum(nil)}
}

const (
	cookieName = "__Host-penstock" // the prefix has browsers insist on Secure, Path=/ and no Domain
	cookieLife = 12 * time.Hour

	admin = "admin"
)

// ErrToken says that the admin token is wrong.
var ErrToken = errors.New("the token is not the admin token that penstock-cloud init printed")

// LogIn sets the cookie when the token is right, else it returns ErrToken.
func (s *Session) LogIn(w http.ResponseWriter, token string) error {
	if !s.right(token) {
		return ErrToken
	}
	http.SetCookie(w, s.cookie(s.sign(time.Now().Add(cookieLife)), int(cookieLife/time.Second)))
	return nil
}

// LogOut takes the cookie away.
func (s *Session) LogOut(w http.ResponseWriter) { http.SetCookie(w, s.cookie("", -1)) }

// LoggedIn reports whether a request carries the token or a cookie that is still good.
func (s *Session) LoggedIn(r *http.Request) bool {
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return s.right(strings.TrimSpace(bearer))
	}
	cookie, err := r.Cookie(cookieName)
	return err == nil && s.good(cookie.Value, time.Now())
}

// Who names who asks, for the audit log; empty when nobody is logged in. There is one user so far, whom the admin token stands for.
func (s *Session) Who(r *http.Request) string {
	if !s.LoggedIn(r) {
		return ""
	}
	return admin
}

// Required lets nobody through who is not logged in.
func (s *Session) Required(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.LoggedIn(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="penstock-cloud"`)
			Fail(w, http.StatusUnauthorized, "unauthorized", "log in, or send the admin token in the header Authorization: Bearer TOKEN")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Session) right(token string) bool {
	sum := sha256.Sum256([]byte(token))
	return token != "" && subtle.ConstantTimeCompare(sum[:], s.token[:]) == 1
}

func (s *Session) cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: maxAge, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
}

// sign makes a cookie's value: when it ends (8 bytes) and the HMAC-SHA256 of that.
func (s *Session) sign(until time.Time) string {
	value := binary.BigEndian.AppendUint64(nil, uint64(until.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(value, s.mac(value)...))
}

func (s *Session) good(text string, now time.Time) bool {
	value, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(value) != 8+sha256.Size {
		return false
	}
	return hmac.Equal(value[8:], s.mac(value[:8])) && now.Unix() < int64(binary.BigEndian.Uint64(value))
}

func (s *Session) mac(value []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(value)
	return mac.Sum(nil)
}
