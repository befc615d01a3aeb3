package gateway

import (
	"context"
	"errors"
	"sync"

	"github.com/penstock-edge/penstock/gateway/command"
	"github.com/penstock-edge/penstock/sync/session"
	"github.com/penstock-edge/penstock/sync/wire"
)

// inbox is what a target's cloud may send: acknowledgements of alarms, what it looks at, and where it leads commands and shadows.
type inbox struct {
	*Gateway
	target *target
	leads  bool // it may direct the equipment

	orders sync.WaitGroup // commands being carried out
}

// filters: every cloud may acknowledge, one may direct.
func (in *inbox) filters() []string {
	own := []string{wire.AcknowledgeTopic(in.target.gateway), wire.WatchTopic(in.target.gateway)}
	if in.leads {
		own = append(append(own, wire.CommandRequests(in.target.gateway)), in.shadows.Filters()...)
	}
	return own
}

// connected says again what the cloud has not confirmed.
func (in *inbox) connected(ctx context.Context) {
	if !in.leads {
		return
	}
	in.shadows.Connected(ctx)
	answers, err := in.desk.Pending()
	if err != nil {
		in.target.log.Error("answers to commands cannot be read", "err", err)
	}
	for _, a := range answers {
		in.say(ctx, a)
	}
}

func (in *inbox) receive(ctx context.Context, m session.Message) {
	switch {
	case m.Topic == wire.AcknowledgeTopic(in.target.gateway):
		if err := in.panel.Receive(m.Payload); err != nil {
			in.target.log.Warn("an acknowledgement of the cloud is not understood", "err", err)
		}
	case m.Topic == wire.WatchTopic(in.target.gateway):
		w, err := wire.DecodeWatch(m.Payload)
		if err != nil {
			in.target.log.Warn("what the cloud looks at is not understood", "err", err)
			return
		}
		in.target.watch.ask(w)
	case !in.leads:
		in.target.log.Warn("a message is not taken from a cloud that may not direct the equipment", "topic", m.Topic)
	case in.shadows.Receive(m.Topic, m.Payload):
	default:
		in.order(ctx, m)
	}
}

// order carries a command out beside others: the desk has its bounds. It goes on when the connection ends; its answer is kept until the
// cloud has confirmed it.
func (in *inbox) order(ctx context.Context, m session.Message) {
	in.orders.Go(func() {
		err := in.desk.Receive(context.WithoutCancel(ctx), m.Topic, m.Payload, func(a command.Answer) { in.say(ctx, a) })
		if err != nil {
			in.target.log.Warn("a command has no answer", "topic", m.Topic, "err", err)
		}
	})
}

// say publishes an answer; one that does not arrive is said again on the next connection.
func (in *inbox) say(ctx context.Context, a command.Answer) {
	err := in.target.session.Publish(ctx, session.Message{Topic: a.Topic, ContentType: wire.ContentJSON, Payload: a.Payload})
	if a.Execution == "" || err != nil && !errors.Is(err, session.ErrNotUnderstood) { // a cloud that never asked for it will not be told again
		return
	}
	if err := in.desk.Answered(a.Execution); err != nil {
		in.target.log.Error("an answer that the cloud has confirmed stays on record", "execution", a.Execution, "err", err)
	}
}
