package opcuasim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/gopcua/opcua/server"
	"github.com/gopcua/opcua/ua"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Namespace is the URI of the simulator's variables; its index is 1.
const Namespace = "http://penstock-edge.example/opcuasim"

// Options are the simulator's settings; the zero value serves without encryption on a free loopback port.
type Options struct {
	Address string // host:port; empty: 127.0.0.1 and a free port
	Encrypt bool   // offer Basic256Sha256/SignAndEncrypt beside None
	Log     *slog.Logger
}

// Server is a simulated OPC UA server. It listens from New on; Run must be called to end it.
type Server struct {
	server    *server.Server
	variables *variables
	endpoint  string
	cert      []byte
	stop      context.CancelFunc
}

// New makes a server that listens.
func New(opts Options) (*Server, error) {
	var security []server.Option
	s := &Server{}
	if opts.Encrypt {
		cert, key, err := certificate()
		if err != nil {
			return nil, err
		}
		s.cert = cert
		security = []server.Option{
			server.Certificate(cert), server.PrivateKey(key),
			server.EnableSecurity("Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt),
			server.EnableAuthMode(ua.UserTokenTypeUserName),
		}
	}
	if opts.Log != nil {
		security = append(security, server.SetLogger(opts.Log))
	}
	security = append(security, server.EnableSecurity("None", ua.MessageSecurityModeNone), server.EnableAuthMode(ua.UserTokenTypeAnonymous))
	if opts.Address != "" {
		return s, s.listen(opts.Address, security)
	}
	return s, s.listenAnywhere(security)
}

// listenAnywhere picks a free port. The library can't tell which port it was given for 0, so one is
// taken, freed and used; should somebody else be quicker, another is tried.
func (s *Server) listenAnywhere(options []server.Option) error {
	var errs []error
	for range 10 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		address := l.Addr().String()
		l.Close()
		if err = s.listen(address, options); err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (s *Server) listen(address string, options []server.Option) error {
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return fmt.Errorf("address of the simulator: %w", err)
	}
	s.server = server.New(append(options, server.ServerName("Penstock simulator"), server.EndPoint(tcp.IP.String(), tcp.Port))...)
	s.serveEndpoints()
	s.variables = newVariables(s.server)
	s.endpoint = fmt.Sprintf("opc.tcp://%s", tcp)
	ctx, stop := context.WithCancel(context.Background())
	if err := s.server.Start(ctx); err != nil {
		stop()
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	s.stop = stop
	return nil
}

// hangUp is how long clients have to hang up when the server ends; the library itself gives them 10 s.
const hangUp = time.Second

// Run serves until ctx ends. The port is free when it returns; a client that has not hung up by then is
// let go by the library within its 10 s.
func (s *Server) Run(ctx context.Context) error {
	<-ctx.Done()
	closed := make(chan error, 1)
	go func() {
		defer s.stop()
		closed <- s.server.Close()
	}()
	select {
	case err := <-closed:
		return err
	case <-time.After(hangUp):
		return nil
	}
}

// Endpoint is the URL to connect to.
func (s *Server) Endpoint() string { return s.endpoint }

// Certificate is the server's certificate in DER; nil without encryption.
func (s *Server) Certificate() []byte { return s.cert }

// DropSubscriptions makes the server forget every subscription without a word, as one that is out of memory does.
func (s *Server) DropSubscriptions() {
	service := s.server.SubscriptionService
	service.Mu.Lock()
	var ids []uint32
	for id := range service.Subs {
		ids = append(ids, id)
	}
	service.Mu.Unlock()
	for _, id := range ids {
		service.DeleteSubscription(id)
	}
}

// Set gives a variable its value, status code and source timestamp, and makes it if there is none. The
// value is of one of OPC UA's Go types (bool, int8 to uint64, float32, float64, string, time.Time,
// []byte, *ua.LocalizedText ..., or a slice of them) and fixes the variable's data type; nil is a value that
// is not there. The zero time leaves the timestamp out.
func (s *Server) Set(name string, value any, status telemetry.Quality, at time.Time) error {
	return s.variables.set(name, value, ua.StatusCode(status), at)
}

// AllowWrite lets clients write a variable.
func (s *Server) AllowWrite(name string) { s.variables.allowWrite(name) }

// Get is the present value of a variable, also one that a client wrote; nil when there is none.
func (s *Server) Get(name string) any { return s.variables.get(name) }

// Remove takes a variable away: clients find an unknown node from now on.
func (s *Server) Remove(name string) { s.variables.remove(name) }

// NodeID is the address of a variable.
func NodeID(name string) string { return "ns=1;s=" + name }
