package shadow

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Call is one request of a client: over MQTT, or REST, which differ in what becomes of the answer only.
type Call struct {
	ID      ID
	Op      Op
	Payload []byte
}

// Message is one to publish.
type Message struct {
	Topic   string
	Payload []byte
}

// Reply is what a call is answered with.
type Reply struct {
	Payload  []byte    // the answer itself: what /accepted or /rejected carries, and a REST response's body
	Refused  *Error    // nil: accepted
	Messages []Message // the answer and what follows from it, to be published in this order
}

// Desk answers calls. Whoever publishes the messages must do so before another Answer for the same shadow begins, or two
// updates' messages would mix: hold one lock a shadow round both.
type Desk struct {
	Store  Store
	Limits Limits
}

// Answer carries a call out. An accepted update is durable when it returns, as Store.Update is. The error is the store's, for
// the operator; the client's answer is in the reply then, too.
func (k Desk) Answer(ctx context.Context, c Call, now time.Time) (Reply, error) {
	payloads, err := k.carryOut(ctx, c, now)
	var refused *Error
	if err == nil {
		return accepted(c, payloads), nil
	}
	if errors.As(err, &refused) {
		return Refuse(c, refused, now), nil
	}
	return Refuse(c, InternalFailure(), now), fmt.Errorf("%s shadow %v: %w", c.Op, c.ID, err)
}

// Refuse is the reply with an error, for those who refuse before a call comes this far.
func Refuse(c Call, e *Error, now time.Time) Reply {
	payload := e.JSON(now)
	topic := Topic{ID: c.ID, Op: c.Op, Kind: Rejected}.String()
	return Reply{Payload: payload, Refused: e, Messages: []Message{{topic, payload}}}
}

func accepted(c Call, o Outcome) Reply {
	r := Reply{Payload: o.Accepted}
	for _, m := range []struct {
		kind    Kind
		payload []byte
	}{{Accepted, o.Accepted}, {Delta, o.Delta}, {Documents, o.Documents}} {
		if m.payload != nil {
			r.Messages = append(r.Messages, Message{Topic{c.ID, c.Op, m.kind}.String(), m.payload})
		}
	}
	return r
}

func (k Desk) carryOut(ctx context.Context, c Call, now time.Time) (out Outcome, err error) {
	switch c.Op {
	case OpUpdate:
		req, bad := ParseRequest(c.Payload, k.Limits)
		return k.change(ctx, c.ID, bad, func(d *Document) (Outcome, *Error) { return d.Update(req, now) })
	case OpDelete:
		req, bad := ParseQuery(c.Payload, k.Limits)
		return k.change(ctx, c.ID, bad, func(d *Document) (out Outcome, bad *Error) {
			out.Accepted, bad = d.Delete(c.ID, req, now)
			return out, bad
		})
	case OpGet:
		return k.get(ctx, c, now)
	}
	return out, ErrTopic
}

func (k Desk) change(ctx context.Context, id ID, bad *Error, fn func(*Document) (Outcome, *Error)) (out Outcome, err error) {
	if bad != nil {
		return out, bad
	}
	_, err = k.Store.Update(ctx, id, func(d *Document) error {
		var refused *Error
		if out, refused = fn(d); refused != nil {
			return refused
		}
		return nil
	})
	return out, err
}

func (k Desk) get(ctx context.Context, c Call, now time.Time) (out Outcome, err error) {
	req, bad := ParseQuery(c.Payload, k.Limits)
	if bad != nil {
		return out, bad
	}
	d, err := k.Store.Load(ctx, c.ID)
	if err != nil {
		return out, err
	}
	if out.Accepted, bad = d.Get(c.ID, req, now); bad != nil {
		return out, bad
	}
	return out, nil
}
