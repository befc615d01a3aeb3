package broker

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// PathTopics is where messages are posted: AWS IoT's HTTP publish, with the topic percent-encoded or as it is.
const PathTopics = "/topics/{topic...}"

// Posts takes messages over HTTPS, POST /topics/{topic}?qos=1, from those who have no MQTT connection. They are treated as if a client had
// published them: handed to Deliver, and then to subscribers. 200 says that the message was taken.
type Posts struct {
	Broker *Broker
	// Admit says who asks, if they may publish on the topic at all. Its error wraps ErrNobody or ErrForbidden.
	Admit func(r *http.Request, topic string) (Client, error)
}

// ErrNobody says that a request does not show who asks.
var ErrNobody = errors.New("nobody is logged in")

func (p *Posts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	topic := r.PathValue("topic")
	c, err := p.Admit(r, topic)
	var m Message
	if err == nil {
		m, err = p.message(r, c, topic)
	}
	if err == nil {
		err = p.take(r.Context(), m)
	}
	status, kind := failure(err)
	p.Broker.o.Count("post", kind)
	if err == nil {
		answer(w, status, "OK")
		return
	}
	message := err.Error()
	if status == http.StatusInternalServerError {
		p.Broker.o.Log.Error("message not taken", "topic", clean(topic), "err", err)
		message = "Internal service failure"
	}
	w.Header().Set("x-amzn-errortype", kind)
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="penstock-cloud"`)
	}
	answer(w, status, message)
}

func (p *Posts) message(r *http.Request, c Client, topic string) (Message, error) {
	m := Message{Client: c, Topic: topic}
	if err := m.describe(r.URL.Query(), r.Header); err != nil {
		return m, err
	}
	payload, err := io.ReadAll(io.LimitReader(r.Body, int64(p.Broker.o.MaxPacket)+1))
	if err != nil {
		return m, fmt.Errorf("%w: the body ended early", ErrPayload)
	}
	m.Payload = payload
	return m, p.Broker.fits(m)
}

// take does with a message what is done with a client's.
func (p *Posts) take(ctx context.Context, m Message) error {
	b := p.Broker
	if m.Client.Thing != "" && !b.o.MayPublish(m.Client.Thing, m.Topic) {
		return fmt.Errorf("%w: %s may not publish on %s", ErrForbidden, m.Client.Thing, m.Topic)
	}
	if m.Retain {
		if err := b.hook.retained.room("", m.Topic, len(m.Payload)); err != nil {
			return err
		}
	}
	taking, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	if err := b.o.Deliver(taking, m); err != nil {
		return err
	}
	return b.Publish(context.WithoutCancel(ctx), m) // it was taken: subscribers get it whoever is gone meanwhile
}

// failure gives an error its status and AWS's name.
func failure(err error) (status int, kind string) {
	switch {
	case err == nil:
		return http.StatusOK, "taken"
	case errors.Is(err, ErrNobody):
		return http.StatusUnauthorized, "UnauthorizedException"
	case errors.Is(err, ErrForbidden):
		return http.StatusForbidden, "ForbiddenException"
	case errors.Is(err, ErrTooLarge):
		return http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException"
	case errors.Is(err, ErrTopic), errors.Is(err, ErrPayload), errors.Is(err, ErrRetain), errors.Is(err, errHeader):
		return http.StatusBadRequest, "InvalidRequestException"
	case errors.Is(err, ErrBusy), errors.Is(err, ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable, "ServiceUnavailableException"
	}
	return http.StatusInternalServerError, "InternalFailureException"
}

func answer(w http.ResponseWriter, status int, message string) {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	id[6], id[8] = id[6]&0x0F|0x40, id[8]&0x3F|0x80
	trace := fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message, "traceId": trace}) // whoever asked may be gone
}
