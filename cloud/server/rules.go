package server

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/alarm"
	"github.com/penstock-edge/penstock/cloud/broker"
	"github.com/penstock-edge/penstock/cloud/policy"
	"github.com/penstock-edge/penstock/cloud/rule"
	"github.com/penstock-edge/penstock/cloud/shadow"
	"github.com/penstock-edge/penstock/sync/wire"
)

// Rules are what rules may reach beyond this server. Nothing, by default.
type Rules struct {
	Webhooks []string          `yaml:"webhooks"` // destinations: host:port each
	Keys     map[string]string `yaml:"keys"`     // of webhooks' signatures: a file each, by key id
	NATS     string            `yaml:"nats"`     // URL of a server with JetStream
}

// minKey is how short a signature's key may be, in bytes.
const minKey = 16

// webhooks reads the keys.
func (r Rules) webhooks(dir string) (w rule.Webhooks, err error) {
	w = rule.Webhooks{Allow: r.Webhooks, Keys: map[string][]byte{}}
	for id, file := range r.Keys {
		text, err := os.ReadFile(below(dir, file))
		if err != nil {
			return w, fmt.Errorf("rules: keys: %s: %w", id, err)
		}
		key := []byte(strings.TrimSpace(string(text)))
		if len(key) < minKey {
			return w, fmt.Errorf("rules: keys: %s: %s has %d bytes; a key that nobody guesses has %d at least: openssl rand -hex 32", id, file, len(key), minKey)
		}
		w.Keys[id] = key
	}
	return w, nil
}

// newRules makes the engine and has it see what is stored.
func (s *server) newRules(ctx context.Context, c Config) (err error) {
	hooks, err := c.Rules.webhooks(c.dir())
	if err != nil {
		return err
	}
	s.rules, err = rule.New(ctx, rule.Options{
		Store: s.store, Publish: s.republish, Raise: s.raise, Tell: s.ingest.Tell, Webhooks: hooks, NATS: c.Rules.NATS, Log: s.log,
	})
	if err != nil {
		return err
	}
	s.ingest.Rules = s.rules
	return nil
}

// republish is a rule's message to whoever has subscribed, as a person's would be: a rule tells no machine what only the server may say. A
// shadow is asked in the rule's name.
func (s *server) republish(ctx context.Context, p rule.Publication) error {
	if !policy.AllowsPerson(p.Topic) {
		return fmt.Errorf("%w: a rule may not publish on %q: it is a thing's or the server's own word", cloud.ErrInvalid, p.Topic)
	}
	ctx = context.WithValue(ctx, passed{}, p.User) // so that what a shadow answers counts as passed on by rules, too
	if s.shadows.Request(ctx, shadow.Caller{Person: "rule:" + p.Rule, From: "rule", Connection: "rule:" + p.Rule}, p.Topic, p.Payload) {
		return nil
	}
	m := broker.Message{
		Topic: p.Topic, Payload: p.Payload, QoS: p.QoS, ContentType: p.ContentType, ResponseTopic: p.ResponseTopic,
		Correlation: p.Correlation, Expires: p.Expires, Text: p.Text,
	}
	for _, u := range p.User {
		m.User = append(m.User, broker.Property{Key: u[0], Value: u[1]})
	}
	err := s.broker.Publish(ctx, m)
	if errors.Is(err, broker.ErrTopic) || errors.Is(err, broker.ErrTooLarge) || errors.Is(err, broker.ErrRetain) {
		return fmt.Errorf("%w: %w", cloud.ErrInvalid, err)
	}
	return err
}

func (s *server) raise(ctx context.Context, a rule.Alarm) error {
	return s.alarms.Raise(ctx, alarm.Raise{Thing: a.Thing, Name: a.Name, Rule: a.Rule, Severity: a.Severity, Text: a.Text, Time: a.Time})
}

// passed is the key of the user properties that a rule's message carried: its number of hops is among them.
type passed struct{}

// own has rules see what the server itself says: of shadows, to gateways.
func (s *server) own(ctx context.Context, topic string, payload []byte) {
	user, _ := ctx.Value(passed{}).([][2]string)
	if err := s.rules.Take(ctx, cloud.InboxItem{Kind: cloud.InboxMessage, Topic: topic, Payload: payload, Received: time.Now(), User: user}); err != nil {
		s.log.Error("rules do not see a message of the server", "topic", topic, "err", err)
	}
}

// seen is a message as rules see it.
func seen(m broker.Message) cloud.InboxItem {
	item := cloud.InboxItem{Kind: cloud.InboxMessage, Thing: m.Client.Thing, Topic: m.Topic, Payload: m.Payload, ClientID: m.Client.ID, Properties: map[string]string{}}
	if m.Client.Certificate != nil {
		item.Principal = m.Client.Thing
	}
	for name, value := range map[string]string{
		"content_type": m.ContentType, "response_topic": m.ResponseTopic, "correlation_data": base64.StdEncoding.EncodeToString(m.Correlation),
	} {
		if value != "" {
			item.Properties[name] = value
		}
	}
	for _, u := range m.User {
		item.User = append(item.User, [2]string{u.Key, u.Value})
	}
	if seq, ok := m.Property(wire.PropSeq); ok { // a record of a buffer that comes again is the same message
		epoch, _ := m.Property(wire.PropEpoch)
		item.Trace = strings.Join([]string{m.Client.Thing, epoch, seq}, "/")
	}
	return item
}

// stored says whether ingest stores a kind of message, and with it, in one step, what rules are to see of it.
func stored(what string) bool { return what == wire.WhatBlock || what == wire.WhatTelemetry }

// ruleRoutes mounts AWS IoT's REST API of rules.
func (s *server) ruleRoutes(mux *http.ServeMux) {
	api := s.rules.Handler(rule.HTTP{Who: func(r *http.Request) (rule.Person, bool) {
		if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
			return rule.Person{}, false
		}
		return rule.Person{Name: s.session.Who(r), From: r.RemoteAddr}, true
	}})
	for _, path := range []string{"/rules", "/rules/{rule}", "/rules/{rule}/enable", "/rules/{rule}/disable", "/api/v1/rules/"} {
		mux.Handle(path, api)
	}
}
