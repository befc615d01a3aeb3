package server

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/api"
)

// Timeouts of HTTPS: a socket that says nothing is gone in less than five seconds.
const (
	headerTimeout = 4500 * time.Millisecond // TLS handshake, and then the request's header
	bodyTimeout   = 30 * time.Second
	writeTimeout  = time.Minute // live events set their own
	idleTimeout   = time.Minute
	stopTimeout   = time.Second
	maxHeader     = 32 << 10
)

// UI is what pages are made of. Handler-makers get it from Run: see Options.UI.
type UI struct {
	Store    cloud.Store
	Session  *api.Session // LoggedIn says whether a request may see a page
	Watch    func(ctx context.Context, thing string) <-chan cloud.Live
	Rate     func(gateway string) float64 // samples a second
	Operator Operator
	Log      *slog.Logger
}

// routes joins what HTTPS offers.
func (s *server) routes(ui http.Handler) http.Handler {
	mux := http.NewServeMux()
	guess := newLimit(6*time.Second, 10) // ten guesses, then ten a minute
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.Handle("GET /metrics", s.metrics.handler())
	mux.Handle("POST /api/v1/enroll", newLimit(time.Second, 20).handler(s.enrol))
	mux.Handle("/api/v1/", s.session.Required(s.api))
	mux.Handle("POST /login", guess.handler(http.HandlerFunc(s.login)))
	mux.HandleFunc("POST /logout", s.logout)
	mux.Handle("/mqtt", s.broker)
	s.shadowRoutes(mux)
	s.ruleRoutes(mux)
	if ui != nil {
		mux.Handle("/", ui)
	}
	// A page of another site cannot make a browser that is logged in change anything here.
	return s.counted(http.NewCrossOriginProtection().Handler(mux))
}

// counted counts answers and sets the headers that all of them carry.
func (s *server) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		seen := &status{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(seen, r)
		s.metrics.http.WithLabelValues(strconv.Itoa(seen.code)).Inc()
	})
}

// status remembers an answer's code. Hijack and Flush find the writer below it by Unwrap (http.ResponseController) or directly.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *server) healthz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if _, err := s.store.Thing(ctx, "healthz"); err != nil && !errors.Is(err, cloud.ErrNotFound) {
		s.log.Error("not healthy: the store does not answer", "err", err)
		api.Fail(w, http.StatusServiceUnavailable, "unavailable", "the store does not answer")
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write([]byte("ok\n")) // whoever asked may be gone
}

// login takes the admin token as JSON {"token"} from programs or as a form's field from the page /login, to which it goes back when the
// token is wrong.
func (s *server) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/json" {
		if err := s.session.LogIn(w, r.PostFormValue("token")); err != nil {
			s.log.Warn("login refused", "address", r.RemoteAddr)
			http.Redirect(w, r, "/login?error=token", http.StatusSeeOther)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	var ask struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		api.Fail(w, http.StatusBadRequest, "bad_request", `send {"token": "..."}`)
		return
	}
	if err := s.session.LogIn(w, ask.Token); err != nil {
		s.log.Warn("login refused", "address", r.RemoteAddr)
		api.Fail(w, http.StatusUnauthorized, "unauthorized", err.Error())
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *server) logout(w http.ResponseWriter, r *http.Request) {
	s.session.LogOut(w)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// serveHTTPS serves until ctx ends; live events end with it, other answers get a moment.
func (s *server) serveHTTPS(ctx context.Context, ln net.Listener, config *tls.Config, ui http.Handler) error {
	web := &http.Server{
		Handler: s.routes(ui), TLSConfig: config,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- web.ServeTLS(ln, "", "") }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if web.Shutdown(stopping) != nil {
		_ = web.Close() // whoever is slow is cut off
	}
	<-ended //nolint:errcheck // it says only that it was told to stop
	return nil
}
