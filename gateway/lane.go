package gateway

import (
	"context"
	"errors"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/sync/session"
	"github.com/penstock-edge/penstock/sync/uplink"
	"github.com/penstock-edge/penstock/sync/wire"
)

// lane is what goes to a target beside everything else, in its own order: alarms wait for no samples.
type lane struct {
	*target
	of      []buffer.Class
	filter  func(uplink.Block) (uplink.Block, error)      // nil: everything goes there
	message func(uplink.Block) ([]session.Message, error) // what a block is on the wire
	o       uplink.Options
}

// Of the messages that a target takes before the first is acknowledged some are kept from the blocks: for alarms, and for losses, shadows and answers.
const (
	alarmsAtOnce = 2
	others       = 2
)

// Reader reads what waits in the buffer.
func (l lane) Reader() uplink.Reader { return reader{l.cursor.Reader(l.of...)} }

// Newest is the number that the buffer gave last to anything for the target.
func (l lane) Newest() uint64 { return l.cursor.Stats().Newest }

// Ready waits for the connection.
func (l lane) Ready(ctx context.Context) (most int, err error) {
	limits, err := l.session.Ready(ctx)
	return limits.Receive, err
}

// Publish sends one block and returns when the cloud has stored it.
func (l lane) Publish(ctx context.Context, b uplink.Block) (err error) {
	if l.filter != nil {
		if b, err = l.filter(b); err != nil {
			return err
		}
	}
	b.Data = l.settled(b.Data)
	messages, err := l.message(b)
	if err != nil {
		return errors.Join(uplink.ErrNotUnderstood, err)
	}
	err = l.send(ctx, messages)
	switch {
	case errors.Is(err, session.ErrNotUnderstood):
		return errors.Join(uplink.ErrNotUnderstood, err)
	case errors.Is(err, session.ErrLost):
		return errors.Join(uplink.ErrAway, err)
	}
	return err
}

// partsAtOnce is how many messages of one block are under way at once, where it is several.
const partsAtOnce = 8

// send publishes the messages of one block. All of them are sent again when one does not arrive.
func (l lane) send(ctx context.Context, messages []session.Message) error {
	parts, ctx := errgroup.WithContext(ctx)
	parts.SetLimit(partsAtOnce)
	for _, m := range messages {
		parts.Go(func() error {
			if l.pace != nil {
				if err := l.pace(ctx, len(m.Payload)); err != nil {
					return err
				}
			}
			return l.session.Send(ctx, m)
		})
	}
	return parts.Wait()
}

// whole is a block as one message.
func (l lane) whole(topic, content string) func(uplink.Block) ([]session.Message, error) {
	return func(b uplink.Block) ([]session.Message, error) {
		return []session.Message{{Topic: topic, ContentType: content, Payload: b.Data, User: l.place(b)}}, nil
	}
}

// place is where a block stands among all that there are for the target.
func (l lane) place(b uplink.Block) []session.Property {
	p := []session.Property{
		{Key: wire.PropEpoch, Value: l.queue.Epoch()},
		{Key: wire.PropSeq, Value: strconv.FormatUint(b.Seq, 10)},
		{Key: wire.PropOldest, Value: strconv.FormatUint(l.cursor.Oldest(), 10)},
		{Key: wire.PropSamples, Value: strconv.FormatUint(uint64(b.Samples), 10)},
	}
	if b.Prev != b.Seq-1 {
		p = append(p, session.Property{Key: wire.PropPrev, Value: strconv.FormatUint(b.Prev, 10)})
	}
	return p
}

// reader gives the uplink what waits in the buffer.
type reader struct{ *buffer.Reader }

func (r reader) Next(ctx context.Context, after uint64) (uplink.Block, error) {
	recs, err := r.Reader.Next(ctx, after, 1)
	if err != nil {
		return uplink.Block{}, err
	}
	rec := recs[0]
	return uplink.Block{Seq: rec.Seq, Prev: rec.Prev, Samples: rec.Samples, Data: rec.Data}, nil
}
