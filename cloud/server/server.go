package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/penstock-edge/penstock/cloud/alarm"
	"github.com/penstock-edge/penstock/cloud/api"
	"github.com/penstock-edge/penstock/cloud/broker"
	"github.com/penstock-edge/penstock/cloud/command"
	"github.com/penstock-edge/penstock/cloud/enrol"
	"github.com/penstock-edge/penstock/cloud/ingest"
	"github.com/penstock-edge/penstock/cloud/ledger"
	"github.com/penstock-edge/penstock/cloud/look"
	"github.com/penstock-edge/penstock/cloud/rule"
	"github.com/penstock-edge/penstock/cloud/shadow"
	"github.com/penstock-edge/penstock/cloud/store/local"
	"github.com/penstock-edge/penstock/sync/identity"
)

// Options are what Run can do without.
type Options struct {
	// UI makes the pages: everything that is not under /api/, /mqtt, /healthz, /metrics, POST /login and POST /logout is its own.
	UI func(UI) http.Handler
	// Ready is called once when both listeners accept.
	Ready func(Addresses)
	// Listen and Between stand between the server and the world, and between what comes in and the store. nil: nothing does. Simulations set them.
	Listen  func(network, address string) (net.Listener, error)
	Between func(ingest.Store) ingest.Store
}

// Addresses are where the server listens, with the ports it got.
type Addresses struct {
	MQTT  string `json:"mqtt"`  // mqtts://host:port, as gateways are told
	HTTPS string `json:"https"` // https://host:port
}

type server struct {
	log      *slog.Logger
	store    *local.Store
	ingest   *ingest.Ingest
	presence *presence
	rates    *rates
	metrics  *metrics
	broker   *broker.Broker
	alarms   *alarm.Desk
	commands *command.Room
	look     *look.Desk
	shadows  *shadow.Room
	rules    *rule.Engine
	ledgers  *ledger.Watch
	session  *api.Session
	enrol    http.Handler
	api      http.Handler
}

// Run is the cloud until ctx ends: nil when it was stopped, the first error otherwise. What was acknowledged is stored when it returns.
func Run(ctx context.Context, c Config, o Options, log *slog.Logger) (err error) {
	ca, pair, err := loadPKI(c, log)
	if err != nil {
		return err
	}
	mqttLn, httpsLn, err := o.listen(c)
	if err != nil {
		return err
	}
	defer mqttLn.Close()
	defer httpsLn.Close()
	store, err := local.Open(ctx, c.Data, local.Options{}, log)
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	at := c.addresses(mqttLn, httpsLn)
	s := &server{log: log, store: store, ingest: ingest.New(o.between(store), log), rates: newRates(), metrics: newMetrics()}
	s.presence = newPresence(store, s.ingest.Presence, log)
	if err := s.presence.reset(ctx); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if s.broker, err = s.newBroker(broker.Options{TLS: identity.MutualTLS(pair, ca.Certificate())}); err != nil {
		return err
	}
	s.shadows = s.newShadows()
	s.newOperations()
	if err := s.newRules(ctx, c); err != nil {
		return err
	}
	if err := s.newHTTP(c, ca, at.MQTT); err != nil {
		return err
	}
	s.metrics.watch(s.broker.Connections, s.ingest.Counts, s.ledgers.Total)
	s.metrics.watchStore(store.Commits)

	var ui http.Handler
	if o.UI != nil {
		ui = o.UI(UI{Store: store, Session: s.session, Watch: s.ingest.Watch, Rate: s.rates.rate, Operator: Operator{s}, Log: log})
	}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return store.Run(running) })
	group.Go(func() error { return s.presence.run(running) })
	group.Go(func() error { return s.alarms.Run(running) })
	group.Go(func() error { return s.rules.Run(running) })
	group.Go(func() error { return s.ledgers.Run(running) })
	group.Go(func() error { return s.commands.Run(running) })
	group.Go(func() error { return s.look.Run(running) })
	group.Go(func() error { return s.broker.Run(running, mqttLn) })
	group.Go(func() error {
		return s.serveHTTPS(running, httpsLn, identity.ServerTLS(pair, ca.Certificate()), ui)
	})
	log.Info("listening", "mqtt", at.MQTT, "https", at.HTTPS, "ca", identity.Fingerprint(ca.Certificate()))
	if o.Ready != nil {
		o.Ready(at)
	}
	err = group.Wait()
	s.presence.last(context.WithoutCancel(ctx))
	log.Info("stopped")
	return err
}

func (s *server) newBroker(o broker.Options) (*broker.Broker, error) {
	o.Authenticate = authenticate(s.store)
	o.MayPublish, o.MaySubscribe = mayPublish, maySubscribe
	o.Deliver = s.deliver
	o.Presence = s.came
	o.Count = s.metrics.count
	o.Log = s.log
	return broker.New(o)
}

func (s *server) newHTTP(c Config, ca *identity.CA, mqtt string) error {
	hash, err := c.Admin.hash()
	if err != nil {
		return err
	}
	key, err := sessionKey(c)
	if err != nil {
		return err
	}
	s.session = api.NewSession(hash, key)
	issuer := &enrol.Issuer{CA: ca, Store: s.store}
	s.enrol = &enrol.Handler{Issuer: issuer, MQTT: mqtt, Log: s.log}
	s.api = api.New(api.Options{
		Store: s.store, Watch: s.ingest.Watch, Look: s.look.Look, Rate: s.rates.rate, Invite: issuer.Invite, Issue: issuer.Issue,
		Alarms: s.alarms, Commands: s.commands, Who: s.session.Who,
		CA: identity.EncodeCertificates(ca.Certificate()), MQTT: mqtt, Log: s.log,
	})
	return nil
}

func (o Options) between(s ingest.Store) ingest.Store {
	if o.Between == nil {
		return s
	}
	return o.Between(s)
}

func (o Options) listen(c Config) (mqtt, https net.Listener, err error) {
	if o.Listen == nil {
		o.Listen = net.Listen
	}
	if mqtt, err = o.Listen("tcp", c.Listen.MQTT); err != nil {
		return nil, nil, c.taken("mqtt", c.Listen.MQTT, err)
	}
	if https, err = o.Listen("tcp", c.Listen.HTTPS); err != nil {
		_ = mqtt.Close() // the error that counts is the other
		return nil, nil, c.taken("https", c.Listen.HTTPS, err)
	}
	return mqtt, https, nil
}

func (c Config) taken(key, address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("another program listens on %s: stop it, or set another port at listen: %s in %s", address, key, c.file)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("this machine has no address %s: set one it has at listen: %s in %s", address, key, c.file)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("ports below 1024 are for root: set one above at listen: %s in %s (now %s)", key, c.file, address)
	}
	return fmt.Errorf("listen: %s: %w", key, err)
}

func (c Config) addresses(mqtt, https net.Listener) Addresses {
	a := Addresses{MQTT: c.Public.MQTT, HTTPS: "https://" + join(c.Names[0], port(https.Addr().String()))}
	if a.MQTT == "" {
		a.MQTT = "mqtts://" + join(c.Names[0], port(mqtt.Addr().String()))
	}
	return a
}
