package rule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock-edge/penstock/cloud"
)

// streamTimeout is how long JetStream may take to say that it keeps a message.
const streamTimeout = 5 * time.Second

// streaming publishes to NATS JetStream.
type streaming struct {
	subject, stream text
	headers         []textHeader
}

func (k *kinds) newStreaming(m *maker) (action, error) {
	var s struct {
		Subject string   `json:"subject"`
		Stream  string   `json:"stream"`
		Headers []header `json:"headers"`
	}
	m.read(&s)
	m.needs("subject", s.Subject)
	a := &streaming{m.text("subject", s.Subject), m.text("stream", s.Stream), m.headers("headers", s.Headers)}
	if m.err == nil && k.o.NATS == "" {
		m.err = errors.New("no NATS server is known: whoever runs this server names it in cloud.yaml")
	}
	return a, m.err
}

func (a *streaming) kind() string     { return kindNATS }
func (a *streaming) resource() string { return a.subject.constant }

type streamCall struct {
	Subject string      `json:"subject"`
	Stream  string      `json:"stream,omitempty"`
	Headers [][2]string `json:"headers,omitempty"`
}

func (a *streaming) call(o *occasion) (any, error) {
	var c streamCall
	var err [3]error
	c.Subject, err[0] = a.subject.must(o, "subject")
	c.Stream, err[1] = a.stream.expand(o)
	c.Headers, err[2] = expandHeaders(a.headers, o)
	if strings.ContainsAny(c.Subject, " \t\r\n*>") || strings.HasPrefix(c.Subject, ".") || strings.HasSuffix(c.Subject, ".") || strings.Contains(c.Subject, "..") {
		err[0] = errors.Join(err[0], fmt.Errorf("subject: %q is none to publish on", c.Subject))
	}
	return c, errors.Join(err[:]...)
}

// stream is the connection to NATS, made with the first message. Every method may be called from any goroutine.
type stream struct {
	url string
	log *slog.Logger

	mu   sync.Mutex
	js   jetstream.JetStream
	gone chan struct{} // closed when the connection has ended
}

// connection gives JetStream: there at once, though the server may not be.
func (s *stream) connection() (jetstream.JetStream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.js != nil {
		return s.js, nil
	}
	gone := make(chan struct{})
	nc, err := nats.Connect(s.url, nats.Name("penstock-cloud"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second),
		nats.ReconnectBufSize(-1), nats.Timeout(streamTimeout), nats.ClosedHandler(func(*nats.Conn) { close(gone) }),
		nats.ErrorHandler(s.failed), nats.DisconnectErrHandler(func(nc *nats.Conn, err error) { s.failed(nc, nil, err) }))
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	s.js, s.gone = js, gone
	return js, nil
}

// failed is told of what goes wrong without a message of ours: the library goes on by itself.
func (s *stream) failed(_ *nats.Conn, _ *nats.Subscription, err error) {
	if err != nil {
		s.log.Warn("the connection to NATS has a problem", "err", err)
	}
}

// close ends the connection and waits for it.
func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.js != nil {
		s.js.Conn().Close()
		<-s.gone
		s.js = nil
	}
}

// stream publishes to JetStream, which drops what it has had under the same key.
func (e *Engine) stream(ctx context.Context, item *cloud.OutboxItem) (st cloud.Settlement, err error) {
	var c streamCall
	if err := json.Unmarshal(item.Call, &c); err != nil {
		return st, refuse("read what to stream: %w", err)
	}
	js, err := e.nats.connection()
	if err != nil {
		return st, err
	}
	m := nats.NewMsg(c.Subject)
	m.Data = item.Payload
	for _, h := range c.Headers {
		m.Header.Set(h[0], h[1])
	}
	o := []jetstream.PublishOpt{jetstream.WithMsgID(item.Key), jetstream.WithRetryAttempts(0)}
	if c.Stream != "" {
		o = append(o, jetstream.WithExpectStream(c.Stream))
	}
	waiting, cancel := context.WithTimeout(ctx, streamTimeout)
	defer cancel()
	if _, err = js.PublishMsg(waiting, m, o...); errors.Is(err, nats.ErrMaxPayload) {
		return st, refusal{err}
	}
	return st, err
}
