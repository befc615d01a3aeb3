package shadow

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// answerLimit is how long the cloud has for an answer.
const answerLimit = 10 * time.Second

// exchange is the requests to the cloud that wait for their answers, by their client token.
type exchange struct {
	mu      sync.Mutex
	link    context.Context // of the connection; nil before the first
	waiting map[string]chan doc.Answer
}

func (e *exchange) begin(link context.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.link = link
}

// on: there is a connection.
func (e *exchange) on() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.link != nil && e.link.Err() == nil
}

// errCut: the connection ended while an answer was waited for. Nobody knows whether the cloud did what was asked.
var errCut = errors.New("the connection to the cloud ended")

func newExchange() exchange { return exchange{waiting: map[string]chan doc.Answer{}} }

// errSilent: the cloud took a request and did not answer.
var errSilent = errors.New("the cloud does not answer a request for a shadow")

// ask sends a request and waits for its answer.
func (m *Mirror) ask(ctx context.Context, t doc.Topic, payload func(token string) []byte) (doc.Answer, error) {
	if err := m.pace.Wait(ctx); err != nil {
		return doc.Answer{}, err
	}
	token := rand.Text()
	answer := make(chan doc.Answer, 1)
	m.talk.mu.Lock()
	m.talk.waiting[token] = answer
	link := m.talk.link
	m.talk.mu.Unlock()
	defer func() {
		m.talk.mu.Lock()
		delete(m.talk.waiting, token)
		m.talk.mu.Unlock()
	}()
	ctx, cancel := context.WithTimeoutCause(ctx, answerLimit, errSilent)
	defer cancel()
	ctx, cut := context.WithCancelCause(ctx)
	defer cut(nil)
	defer context.AfterFunc(link, func() { cut(errCut) })()
	if err := m.o.Publish(ctx, t.String(), payload(token)); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return doc.Answer{}, err
	}
	select {
	case a := <-answer:
		return a, nil
	case <-ctx.Done():
		return doc.Answer{}, context.Cause(ctx)
	}
}

// take hands an answer to whoever waits for it.
func (e *exchange) take(a doc.Answer) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	answer, ok := e.waiting[a.Token]
	if ok && a.Token != "" {
		delete(e.waiting, a.Token)
		answer <- a
	}
	return ok
}

// Filters are the topics on which the cloud answers and tells of changes.
func (m *Mirror) Filters() (filters []string) {
	for _, thing := range m.plan.things {
		filters = append(filters, "$aws/things/"+thing+"/shadow/#")
	}
	return filters
}

// Receive takes a message of the cloud; ok is false when it is none of a shadow. It returns at once.
func (m *Mirror) Receive(topic string, payload []byte) (ok bool) {
	t, err := doc.ParseTopic(topic)
	if err != nil {
		return false
	}
	if t.Kind != doc.Accepted && t.Kind != doc.Rejected {
		return true // what a delta and documents say is in accepted, too
	}
	a, err := doc.ParseAnswer(payload, m.o.Sync.Limits)
	if err != nil {
		m.o.Log.Warn("a message about a shadow is not understood", "topic", topic, "err", err)
		return true
	}
	m.sight.see(t, payload, a)
	if m.talk.take(a) || t.Kind == doc.Rejected || t.Op == doc.OpGet {
		return true
	}
	if m.plan.synced(t.ID) {
		m.queue.add(t.ID) // somebody else changed it
	}
	return true
}
