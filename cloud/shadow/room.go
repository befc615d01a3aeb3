package shadow

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// Options are what the room stands on. Store and Publish are required.
type Options struct {
	Store cloud.ShadowStore
	// Publish sends a message to whoever has subscribed. It returns without waiting for them.
	Publish func(ctx context.Context, topic string, payload []byte) error
	Limits  doc.Limits
	// InFlight is how many requests a connection may have unanswered; default 10, as with AWS IoT.
	InFlight int
	Count    func(what, outcome string) // ("update", "accepted"), ("get", "404"); optional
	Log      *slog.Logger               // default slog.Default()
}

// Room answers requests for shadows. Every method may be called from any goroutine.
type Room struct {
	o       Options
	locks   locks
	flights flights
}

// New makes a room.
func New(o Options) *Room {
	if o.InFlight == 0 {
		o.InFlight = 10
	}
	if o.Count == nil {
		o.Count = func(string, string) {}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Room{o: o, locks: locks{of: map[doc.ID]*lock{}}, flights: flights{most: o.InFlight, of: map[string]int{}}}
}

// Request carries out what was published on a topic, and publishes the answer and what follows from it. ok is false when the topic is none
// of a shadow's requests: the message is somebody else's. Whoever asked is allowed to. When it returns, an accepted change is stored for
// good, and everything about it was handed to Publish; a refusal was, too.
func (r *Room) Request(ctx context.Context, by Caller, topic string, payload []byte) (ok bool) {
	t, err := doc.ParseTopic(topic)
	if err != nil || t.Kind != doc.Ask {
		return false
	}
	r.answer(ctx, by, doc.Call{ID: t.ID, Op: t.Op, Payload: payload}, func(doc.Reply) bool { return true })
	return true
}

// Call carries out a request that did not come by MQTT: the answer is the reply's Payload, with Refused.Code for a status. What it changed is
// published; a refusal and what was only read are the caller's alone.
func (r *Room) Call(ctx context.Context, by Caller, c doc.Call) doc.Reply {
	return r.answer(ctx, by, c, func(reply doc.Reply) bool { return reply.Refused == nil && c.Op != doc.OpGet })
}

// answer holds the shadow's lock until everything was published: the messages of two updates never mix.
func (r *Room) answer(ctx context.Context, by Caller, c doc.Call, published func(doc.Reply) bool) doc.Reply {
	inFlight := r.flights.begin(by.Connection)
	if inFlight {
		defer r.flights.end(by.Connection)
		defer r.locks.lock(c.ID)()
	}
	reply := r.carryOut(ctx, by, c, inFlight)
	r.o.Count(string(c.Op), outcome(reply))
	if published(reply) {
		r.publish(ctx, reply)
	}
	return reply
}

func (r *Room) carryOut(ctx context.Context, by Caller, c doc.Call, inFlight bool) doc.Reply {
	now := time.Now()
	if !inFlight {
		return doc.Refuse(c, doc.TooManyRequests(), now)
	}
	desk := doc.Desk{Store: book{r.o.Store, r.trail(by, c, now)}, Limits: r.o.Limits}
	reply, err := desk.Answer(ctx, c, now)
	if err != nil {
		r.o.Log.Error("a shadow could not be served", "shadow", c.ID.String(), "op", string(c.Op), "by", by.who(), "err", err)
	}
	return reply
}

// publish goes on when whoever asked is gone: others want to know.
func (r *Room) publish(ctx context.Context, reply doc.Reply) {
	for _, m := range reply.Messages {
		if err := r.o.Publish(context.WithoutCancel(ctx), m.Topic, m.Payload); err != nil {
			r.o.Count("publish", "error")
			r.o.Log.Warn("not told to subscribers", "topic", m.Topic, "err", err)
		}
	}
}

func outcome(reply doc.Reply) string {
	if reply.Refused == nil {
		return "accepted"
	}
	return strconv.Itoa(reply.Refused.Code)
}
