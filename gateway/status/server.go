package status

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

//go:embed page
var files embed.FS

// SocketName is the unix socket's name in the state folder.
const SocketName = "penstock.sock"

// maxSocket is what unix(7) leaves for a socket's path.
const maxSocket = 107

// Server serves one gateway's status.
type Server struct {
	source Source
	log    *slog.Logger
}

// New makes a server of what source tells.
func New(source Source, log *slog.Logger) *Server { return &Server{source, log} }

// Listen opens the two listeners: web may be empty. The socket of a process that is gone is replaced.
func Listen(web, stateDir string) ([]net.Listener, error) {
	socket := filepath.Join(stateDir, SocketName)
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove the socket of an earlier run: %w", err)
	}
	if len(socket) > maxSocket {
		return nil, fmt.Errorf("the path of the socket %s is longer than the %d bytes that the system takes: set state: to a shorter folder", socket, maxSocket)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", socket, err)
	}
	if err := os.Chmod(socket, 0o660); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	if web == "" {
		return []net.Listener{l}, nil
	}
	w, err := net.Listen("tcp", web)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen on local.web %s: %w (another program has the port: set local: {web: 127.0.0.1:PORT} to a free one, or to \"\" to switch the page off)", web, err), l.Close())
	}
	return []net.Listener{l, w}, nil
}

// Run serves on the listeners until ctx ends. Only what comes in by the unix socket may write: a web page
// that a browser on this machine happens to show cannot reach it.
func (s *Server) Run(ctx context.Context, listeners ...net.Listener) error {
	failed := make(chan error, len(listeners))
	var servers []*http.Server
	var serving sync.WaitGroup
	defer serving.Wait()
	for _, l := range listeners {
		local := l.Addr().Network() == "unix"
		srv := &http.Server{Handler: s.handler(local), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, BaseContext: func(net.Listener) context.Context { return ctx }}
		servers = append(servers, srv)
		serving.Go(func() { failed <- srv.Serve(l) })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 500*time.Millisecond)
	defer cancel()
	for _, srv := range servers {
		if srv.Shutdown(stopping) != nil {
			_ = srv.Close()
		}
	}
	return err
}

func (s *Server) handler(local bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.Handle("GET /page/", http.FileServerFS(files))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /api/v1/status", func(w http.ResponseWriter, _ *http.Request) { s.reply(w, s.source.Status()) })
	mux.HandleFunc("GET /api/v1/points", func(w http.ResponseWriter, _ *http.Request) { s.reply(w, s.source.Points()) })
	mux.HandleFunc("GET /api/v1/ledger", s.ledger)
	mux.HandleFunc("GET /api/v1/explain/{device}", s.explain)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry(s.source), promhttp.HandlerOpts{}))
	s.alarms(mux)
	if local {
		s.audit(mux)
		mux.Handle("/things/", s.source.Shadows())
		mux.Handle("/api/things/", s.source.Shadows())
		mux.HandleFunc("POST /api/v1/points/{point}", s.write)
		mux.HandleFunc("GET /debug/pprof/", pprof.Index) // a profile tells too much for a port that any program on the machine reaches
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	}
	return secure(mux)
}

// secure sets what keeps a browser from being used against the page: no foreign script, no framing, no guessing of types. A
// name other than localhost or an address is refused, so that a foreign site cannot rebind its name to this machine.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if host != "localhost" && host != "penstock" && net.ParseIP(host) == nil {
			http.Error(w, "open this page by its address or as localhost", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.log.Debug("a reader of the status went away", "err", err)
	}
}

func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if _, err := w.Write(pageOf(s.source.Status(), s.source.Alarms(), s.source.Points(), time.Now())); err != nil {
		s.log.Debug("a reader of the page went away", "err", err)
	}
}

func (s *Server) write(w http.ResponseWriter, r *http.Request) {
	ask := Write{Who: "local"}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 128<<10)).Decode(&ask); err != nil {
		s.refuse(w, http.StatusBadRequest, fmt.Errorf("want {\"value\": \"...\"}: %w", err))
		return
	}
	ask.Point = r.PathValue("point")
	p, err := s.source.Write(r.Context(), ask)
	switch {
	case errors.Is(err, ErrNoPoint):
		s.refuse(w, http.StatusNotFound, err)
	case errors.Is(err, ErrRefused):
		s.refuse(w, http.StatusForbidden, err)
	case err != nil:
		s.refuse(w, http.StatusBadGateway, err)
	default:
		s.reply(w, p)
	}
}

func (s *Server) refuse(w http.ResponseWriter, code int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	s.reply(w, map[string]string{"message": err.Error(), "code": http.StatusText(code)})
}
