package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/penstock-edge/penstock/cloud"
)

// Options are what the pages stand on. All but Operator are required.
type Options struct {
	Store Store
	// LoggedIn reports whether a request may see a page.
	LoggedIn func(*http.Request) bool
	// Rate is how many samples a second came from a gateway lately.
	Rate func(gateway string) float64
	// Operator does what people ask for, and Who names them; without Operator pages only show.
	Operator Operator
	Who      func(*http.Request) string
	Log      *slog.Logger
}

// Store is the part of a cloud.Store that pages show.
type Store interface {
	cloud.ThingStore
	cloud.TelemetryStore
	cloud.LedgerStore
	cloud.AlarmStore
	cloud.AuditStore
	Command(ctx context.Context, execution string) (cloud.Command, error)
}

type web struct {
	o      Options
	assets *assets
	pages  pages
	births births
	now    func() time.Time
}

// New is the handler of everything that is no API: /, /login, /gateways/, /things/, /alarms, /audit and /static/.
func New(o Options) http.Handler { return newWeb(o).routes() }

func newWeb(o Options) *web {
	a := newAssets()
	return &web{o: o, assets: a, pages: newPages(a), now: time.Now}
}

func (w *web) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /static/{version}/{file}", w.assets)
	mux.Handle("GET /login", w.open(w.login))
	for pattern, show := range map[string]show{
		"GET /{$}":                          w.fleet,
		"GET /gateways/{thing}":             w.gateway,
		"GET /gateways/{thing}/delivery":    w.delivery,
		"GET /gateways/{thing}/points/{p}":  w.point,
		"GET /gateways/{thing}/points/{$}":  w.toGateway,
		"GET /gateways/{$}":                 w.toFleet,
		"GET /alarms":                       w.alarms,
		"GET /audit":                        w.audit,
		"GET /things/{$}":                   w.things,
		"GET /things":                       w.things,
		"GET /things/{thing}":               w.thing,
		"GET /things/{thing}/points/{p...}": w.point,
		"/":                                 w.lost,
	} {
		mux.Handle(pattern, w.closed(show))
	}
	if w.o.Operator != nil {
		mux.Handle("POST /alarms/{thing}/{alarm}/acknowledge", w.doing(w.acknowledge))
		mux.Handle("POST /gateways/{thing}/points/{p}/set", w.doing(w.setpoint))
	}
	return guarded(mux)
}

// guarded sets what every answer carries: only what this server serves may run, style, be asked or be framed, and pages are kept nowhere.
func guarded(next http.Handler) http.Handler {
	const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
