// Package uplink moves blocks from an outbox to a publisher, at least once and never fewer.
//
// A block leaves the outbox only when the publisher says that it is stored. It knows neither the buffer nor
// MQTT: gateway joins it to both.
package uplink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Block is one sealed block on its way.
type Block struct {
	Seq     uint64
	Samples uint32
	Data    []byte
}

// Outbox is where blocks wait.
type Outbox interface {
	// Next gives up to max blocks with a sequence number above after, oldest first; it waits until there is one.
	Next(ctx context.Context, after uint64, max int) ([]Block, error)
	// Stored says that a block may be forgotten.
	Stored(Block) error
	// Refused says that the target will never understand a block: it is declared lost, not retried for ever.
	Refused(Block, error) error
}

// Publisher is the way to the target. Publish returns nil only once the target has stored the block. It is called from several goroutines.
type Publisher interface {
	Publish(ctx context.Context, b Block) error
}

// ErrNotUnderstood is what a Publisher's error wraps when no retry can help.
var ErrNotUnderstood = errors.New("the target does not understand the block")

// DefaultWindow is how many blocks are under way at once: enough to fill a round trip, few enough to bound memory.
const DefaultWindow = 8

// Run sends what the outbox holds until ctx ends. The blocks under way then stay in the outbox. Several may run beside each other to one
// publisher, a lane each, so that what is urgent does not wait behind the rest: their outboxes must have no block in common.
func Run(ctx context.Context, out Outbox, to Publisher, window int, log *slog.Logger) error {
	if window <= 0 {
		window = DefaultWindow
	}
	ctx, cancel := context.WithCancel(ctx)
	var senders sync.WaitGroup
	defer senders.Wait()
	defer cancel()
	slots := make(chan struct{}, window)
	var after uint64
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		blocks, err := out.Next(ctx, after, 1)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("take the next block from the buffer: %w", err)
		}
		if len(blocks) == 0 {
			<-slots
			continue
		}
		b := blocks[0]
		after = b.Seq
		senders.Go(func() {
			defer func() { <-slots }()
			send(ctx, out, to, b, log)
		})
	}
}

// send repeats one block until the target has stored it, refuses it for good, or ctx ends.
func send(ctx context.Context, out Outbox, to Publisher, b Block, log *slog.Logger) {
	for try := 0; ; try++ {
		err := to.Publish(ctx, b)
		switch {
		case err == nil:
			if err := out.Stored(b); err != nil {
				log.Error("a stored block stays in the buffer and will be sent again", "seq", b.Seq, "err", err)
			}
			return
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrNotUnderstood):
			log.Error("a block is given up and declared lost", "seq", b.Seq, "samples", b.Samples, "err", err)
			if err := out.Refused(b, err); err != nil {
				log.Error("declare a lost block", "seq", b.Seq, "err", err)
			}
			return
		}
		if try == 0 {
			log.Warn("block not stored yet; trying again", "seq", b.Seq, "err", err)
		}
		pause(ctx, try)
	}
}

// pause waits before a repeat: from a fifth of a second to 10 s, with jitter.
func pause(ctx context.Context, try int) {
	d := min(200*time.Millisecond<<min(try, 6), 10*time.Second)
	select {
	case <-ctx.Done():
	case <-time.After(d/2 + rand.N(d/2)):
	}
}
