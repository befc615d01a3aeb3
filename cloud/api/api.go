package api

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	isa "github.com/penstock-edge/penstock/sync/alarm"
)

// Options are what the API stands on. All are required.
type Options struct {
	Store Store
	// Watch gives live events of a thing, of all when it is empty, until ctx ends.
	Watch func(ctx context.Context, thing string) <-chan cloud.Live
	// Look says that somebody looks at points of a thing, or at all, until ctx ends. Optional.
	Look func(ctx context.Context, thing string, points ...string)
	// Rate is how many samples a second came from a gateway lately.
	Rate func(gateway string) float64
	// Invite makes an enrolment token.
	Invite func(ctx context.Context, gateway string, ttl time.Duration) (token string, expires time.Time, err error)
	// Issue signs a thing's certificate for a request that was checked.
	Issue func(ctx context.Context, thing string, request *x509.CertificateRequest) (cloud.Certificate, error)
	// Alarms are acknowledged there, Commands go out there.
	Alarms   Alarms
	Commands Commands
	// Who names who asks, for the audit log.
	Who  func(r *http.Request) string
	CA   []byte // PEM
	MQTT string // mqtts://host:port
	Log  *slog.Logger
}

// Store is the half of a cloud.Store that is read here.
type Store interface {
	cloud.ThingStore
	cloud.TelemetryStore
	cloud.LedgerStore
	cloud.AlarmStore
	cloud.AuditStore
	Certificates(ctx context.Context, thing string) ([]cloud.Certificate, error)
	Command(ctx context.Context, execution string) (cloud.Command, error)
	Commands(ctx context.Context, q cloud.CommandQuery) ([]cloud.Command, error)
}

// Alarms is where alarms are acknowledged.
type Alarms interface {
	// Acknowledge records that somebody knows. cloud.ErrNotFound, cloud.ErrConflict, cloud.ErrInvalid.
	Acknowledge(ctx context.Context, thing, name string, who isa.Who, from string) (cloud.Alarm, error)
}

// Commands is where gateways are asked to write.
type Commands interface {
	// Create asks once. cloud.ErrNotFound, cloud.ErrTooMany, cloud.ErrInvalid.
	Create(ctx context.Context, a cloud.CommandAsk) (cloud.Command, error)
	// Wait gives a command once it is over, or as it is when ctx ends.
	Wait(ctx context.Context, execution string) (cloud.Command, error)
}

type api struct{ o Options }

// New is the handler of /api/v1/. Whoever serves it has let the asker in.
func New(o Options) http.Handler {
	a := &api{o: o}
	mux := http.NewServeMux()
	for pattern, f := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /api/v1/gateways":                            a.gateways,
		"GET /api/v1/gateways/{thing}":                    a.gateway,
		"GET /api/v1/gateways/{thing}/points":             a.points,
		"GET /api/v1/gateways/{thing}/points/{p}/samples": a.samples,
		"GET /api/v1/things":                              a.things,
		"GET /api/v1/things/{thing}":                      a.thing,
		"GET /api/v1/things/{thing}/points":               a.points,
		"GET /api/v1/things/{thing}/points/{p}/samples":   a.samples,
		"GET /api/v1/things/{thing}/certificates":         a.certificates,
		"POST /api/v1/things/{thing}/certificates":        a.issue,
		"POST /api/v1/invitations":                        a.invite,
		"GET /api/v1/ledger/{thing}":                      a.ledger,
		"GET /api/v1/live":                                a.live,

		"GET /api/v1/alarms":                             a.alarms,
		"GET /api/v1/alarms/history":                     a.alarmHistory,
		"GET /api/v1/alarms/{thing}/{name}":              a.alarm,
		"POST /api/v1/alarms/{thing}/{name}/acknowledge": a.acknowledge,
		"POST /api/v1/gateways/{thing}/points/{p}/write": a.write,
		"GET /api/v1/commands":                           a.commands,
		"GET /api/v1/commands/{execution}":               a.command,
		"GET /api/v1/audit":                              a.audit,
		"GET /api/v1/audit/export":                       a.auditExport,
		"GET /api/v1/audit/verify":                       a.auditVerify,
	} {
		mux.HandleFunc(pattern, a.answer(f))
	}
	mux.HandleFunc("/", a.answer(func(_ http.ResponseWriter, r *http.Request) error {
		return missing("there is no %s %s; cloud/api/README.md lists what there is", r.Method, r.URL.Path)
	}))
	return compressed(mux)
}

// answer makes a handler of a function: an error becomes the answer, unless one has begun.
func (a *api) answer(f func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := f(w, r)
		if err == nil || r.Context().Err() != nil {
			return
		}
		e := failure(err)
		if e.status >= http.StatusInternalServerError {
			a.o.Log.Error("request", "method", r.Method, "path", r.URL.Path, "err", err)
		}
		e.write(w)
	}
}
