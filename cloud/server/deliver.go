package server

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/broker"
	"github.com/penstock-edge/penstock/cloud/ingest"
	"github.com/penstock-edge/penstock/cloud/policy"
	"github.com/penstock-edge/penstock/sync/identity"
	"github.com/penstock-edge/penstock/sync/wire"
)

// as gives an error of one room the meaning it has for the broker, and leaves its words alone.
type as struct{ err, kind error }

func (a as) Error() string   { return a.err.Error() }
func (a as) Unwrap() []error { return []error{a.err, a.kind} }

// authenticate finds the thing of a client's certificate. TLS has verified that the CA signed it and that it is in its time.
func authenticate(store cloud.IdentityStore) func(context.Context, broker.Client) (string, error) {
	return func(ctx context.Context, c broker.Client) (string, error) {
		id := identity.CertificateID(c.Certificate)
		cert, err := store.Certificate(ctx, id)
		switch {
		case errors.Is(err, cloud.ErrNotFound):
			return "", fmt.Errorf("%w: the certificate %s is not registered here", broker.ErrForbidden, id)
		case err != nil:
			return "", as{fmt.Errorf("look up a certificate: %w", err), broker.ErrUnavailable}
		case cert.Status != cloud.CertificateActive:
			return "", fmt.Errorf("%w: the certificate %s of %s is %s", broker.ErrForbidden, id, cert.Thing, cert.Status)
		case time.Now().After(cert.NotAfter):
			return "", fmt.Errorf("%w: the certificate %s of %s has expired", broker.ErrForbidden, id, cert.Thing)
		}
		if name, err := identity.ThingName(c.Certificate); err != nil || name != cert.Thing {
			return "", fmt.Errorf("%w: the certificate %s is registered for %s and names %q", broker.ErrForbidden, id, cert.Thing, name)
		}
		return cert.Thing, nil
	}
}

func mayPublish(thing, topic string) bool { return policy.Allows(thing, policy.Publish, topic) }
func maySubscribe(thing, filter string) bool {
	return policy.Allows(thing, policy.Subscribe, filter)
}

// deliver hands what is telemetry to ingest, requests for shadows and answers to commands to their rooms; what is none of these goes to
// subscribers only. It knows from the broker that the client may publish on the topic.
func (s *server) deliver(ctx context.Context, m broker.Message) error {
	if m.Client.Thing != "" {
		s.presence.heard(m.Client.Thing)
	}
	thing, what, ok := wire.ParseTopic(m.Topic)
	if ok && what == wire.WhatLive {
		return s.show(thing, m)
	}
	item := seen(m)
	item.Received = time.Now()
	if !ok || !stored(what) {
		if err := s.rules.Take(ctx, item); err != nil {
			return as{err, broker.ErrBusy}
		}
	}
	if s.request(ctx, m) {
		return nil
	}
	if ok, err := s.response(ctx, m); ok {
		return err
	}
	if !ok { // whoever subscribed gets it
		return nil
	}
	if thing != m.Client.Thing && what != wire.WhatTelemetry {
		return fmt.Errorf("%w: %s publishes its %s on dt/%s/%s", broker.ErrForbidden, m.Client.Thing, what, m.Client.Thing, what)
	}
	in := ingest.Message{Thing: thing, What: what, Payload: m.Payload, Received: item.Received, Seen: item}
	if what == wire.WhatBlock || what == wire.WhatAlarm {
		in.Epoch, _ = m.Property(wire.PropEpoch)
		in.Prev, _ = m.Property(wire.PropPrev)
		oldest, _ := m.Property(wire.PropOldest)
		in.Oldest, _ = strconv.ParseUint(oldest, 10, 63) // 0 when it is no number: nothing depends on it but how a gap is told
		seq, _ := m.Property(wire.PropSeq)
		in.Seq, _ = strconv.ParseUint(seq, 10, 64) // 0, which ingest refuses, when it is no number
	}
	err := s.ingest.Put(ctx, in)
	switch {
	case err == nil:
		s.rates.add(thing, in)
		return nil
	case errors.Is(err, ingest.ErrPayload):
		return as{err, broker.ErrPayload}
	case errors.Is(err, cloud.ErrNotFound):
		return fmt.Errorf("%w: there is no thing %s", broker.ErrForbidden, thing)
	}
	return as{err, broker.ErrBusy}
}

// show has those who watch see samples that are to be shown and forgotten. They are a gateway's own; what is wrong with them nobody waits to hear.
func (s *server) show(thing string, m broker.Message) error {
	if thing != m.Client.Thing {
		return fmt.Errorf("%w: %s publishes what is live on dt/%s/%s", broker.ErrForbidden, m.Client.Thing, m.Client.Thing, wire.WhatLive)
	}
	if err := s.ingest.Show(thing, m.Payload); err != nil {
		return as{err, broker.ErrPayload}
	}
	return nil
}
