package server

import (
	"context"
	"fmt"
	"net/http"

	"github.com/penstock-edge/penstock/cloud/broker"
	"github.com/penstock-edge/penstock/cloud/policy"
	"github.com/penstock-edge/penstock/cloud/shadow"
	"github.com/penstock-edge/penstock/sync/wire"
)

// newShadows serves shadows by MQTT (request) and by REST (shadowRoutes).
func (s *server) newShadows() *shadow.Room {
	return shadow.New(shadow.Options{Store: s.store, Publish: s.publish, Count: s.metrics.count, Log: s.log})
}

// publish is how rooms tell things something: at least once to who is there.
func (s *server) publish(ctx context.Context, topic string, payload []byte) error {
	s.own(ctx, topic, payload)
	return s.broker.Publish(ctx, broker.Message{Topic: topic, Payload: payload, QoS: 1})
}

// request has a shadow answer when the message asks one; ok is false when it doesn't.
func (s *server) request(ctx context.Context, m broker.Message) (ok bool) {
	c := m.Client
	by := shadow.Caller{Thing: c.Thing, Person: c.Person, From: c.Address, Connection: c.Address}
	return s.shadows.Request(ctx, by, m.Topic, m.Payload)
}

// shadowRoutes mounts AWS IoT's REST API of shadows.
func (s *server) shadowRoutes(mux *http.ServeMux) {
	api := s.shadows.Handler(shadow.HTTP{Caller: s.caller, May: mayPublish})
	mux.Handle(shadow.PathShadow, api)
	mux.Handle(shadow.PathNames, api)
	mux.Handle("POST "+broker.PathTopics, &broker.Posts{Broker: s.broker, Admit: s.poster})
}

// caller finds who asks: a thing by its certificate, else a person by session or token.
func (s *server) caller(r *http.Request) (shadow.Caller, bool) {
	c, err := s.client(r)
	return shadow.Caller{Thing: c.Thing, Person: c.Person, From: c.Address}, err == nil
}

// poster is caller for those who publish over HTTPS. A person speaks for no gateway, and tells no machine what only the server may say.
func (s *server) poster(r *http.Request, topic string) (broker.Client, error) {
	c, err := s.client(r)
	if err != nil || c.Person == "" {
		return c, err
	}
	if _, what, ok := wire.ParseTopic(topic); !policy.AllowsPerson(topic) || ok && what != wire.WhatTelemetry {
		return c, fmt.Errorf("%w: nobody publishes on %s but the one whose word it is", broker.ErrForbidden, topic)
	}
	return c, nil
}

// client finds who is at the other end of a request.
func (s *server) client(r *http.Request) (broker.Client, error) {
	c := broker.Client{ID: "n/a", Address: r.RemoteAddr}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		c.Certificate = r.TLS.PeerCertificates[0]
		thing, err := authenticate(s.store)(r.Context(), c)
		c.Thing = thing
		return c, err
	}
	if c.Person = s.session.Who(r); c.Person == "" {
		return c, fmt.Errorf("%w: send the admin token in the header Authorization: Bearer TOKEN, or show a thing's certificate", broker.ErrNobody)
	}
	return c, nil
}
