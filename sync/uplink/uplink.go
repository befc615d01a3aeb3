// Package uplink moves blocks from an outbox to a publisher, at least once and never fewer: what is new at once, what has waited behind it.
//
// A block leaves the outbox only when the publisher says that it is stored. It knows neither the buffer nor
// MQTT: gateway joins it to both.
package uplink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"
)

// Block is one sealed block on its way.
type Block struct {
	Seq     uint64
	Prev    uint64 // the number of the block before it for the same target
	Samples uint32
	Data    []byte
}

// Outbox is where blocks wait.
type Outbox interface {
	Reader() Reader
	// Newest is the highest number that was given to any block until now, 0 when there was none.
	Newest() uint64
	// Stored says that a block may be forgotten.
	Stored(Block) error
	// Refused says that the target will never understand a block: it is declared lost, not retried for ever.
	Refused(Block, error) error
}

// Reader reads an outbox. One goroutine uses it.
type Reader interface {
	// Next gives the first block with a number above after that is neither stored nor refused. While there is none it waits until ctx ends; with
	// a ctx that has ended it only looks, and gives ctx's error when there is none.
	Next(ctx context.Context, after uint64) (Block, error)
}

// Publisher is the way to the target. It is called from several goroutines.
type Publisher interface {
	// Ready returns once there is a connection, with how many messages the target takes before the first is acknowledged.
	Ready(ctx context.Context) (most int, err error)
	// Publish returns nil only once the target has stored the block. It does not wait for a connection.
	Publish(ctx context.Context, b Block) error
}

// What a Publisher's error may wrap. Every other error is a refusal that may be different later.
var (
	ErrNotUnderstood = errors.New("the target does not understand the block")       // no retry can help
	ErrAway          = errors.New("there is no connection, or it was lost halfway") // nobody knows whether the block arrived
)

// Options of a Run. The zero value works.
type Options struct {
	InOrder bool  // oldest first, whatever is new: for what is read as a story
	Blocks  int   // under way at once, at most; default 64
	Bytes   int   // the same in bytes, at most; default 2 MiB. One block may be larger
	Rate    int64 // of what has waited, in bytes a second; 0: what the line gives
	Reserve int   // of what the target takes at once, so many messages are left to others

	Log *slog.Logger
}

func (o *Options) defaults() {
	if o.Blocks <= 0 {
		o.Blocks = 64
	}
	if o.Bytes <= 0 {
		o.Bytes = 2 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Run sends what the outbox holds until ctx ends. The blocks under way then stay in the outbox. Several may run beside each other to one
// publisher, a lane each, so that what is urgent does not wait behind the rest: their outboxes must have no block in common.
func Run(ctx context.Context, out Outbox, to Publisher, o Options) error {
	o.defaults()
	s := &sender{out: out, to: to, o: o, window: newWindow(o), flying: map[uint64]bool{}, news: make(chan struct{}, 1)}
	if s.waiting = (waiting{resting: map[uint64]rest{}}); o.InOrder {
		s.waiting.at = math.MaxUint64 // nothing is the backlog's but what came back
	} else {
		s.waiting.mark = out.Newest()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	lanes := func(lane func(context.Context) error) {
		if err := lane(ctx); err != nil && ctx.Err() == nil {
			cancel(fmt.Errorf("take the next block from the buffer: %w", err))
		}
	}
	s.all.Go(func() { lanes(s.live) })
	s.all.Go(func() { lanes(s.backlog) })
	<-ctx.Done()
	s.all.Wait()
	if err := context.Cause(ctx); !errors.Is(err, ctx.Err()) {
		return err
	}
	return nil
}

// sender is one Run.
type sender struct {
	out    Outbox
	to     Publisher
	o      Options
	window *window
	all    sync.WaitGroup
	news   chan struct{} // one token: the backlog may have something to do

	mu      sync.Mutex
	flying  map[uint64]bool // under way
	waiting waiting
}

// Bounds of being live: who is further behind than so many numbers is no longer live, and goes on with the last few.
const (
	behind = 16
	latest = 4
)

// live sends what comes as it comes. What it cannot keep up with it leaves to the backlog.
func (s *sender) live(ctx context.Context) error {
	blocks := s.out.Reader()
	s.mu.Lock()
	at := s.waiting.mark
	s.mu.Unlock()
	for {
		if err := s.ready(ctx); err != nil {
			return err
		}
		if s.o.InOrder {
			if err := s.hold(ctx); err != nil {
				return err
			}
		}
		at = s.catchUp(at)
		b, err := blocks.Next(ctx, at)
		if err != nil {
			return err
		}
		if err := s.window.enter(ctx, len(b.Data), true); err != nil {
			return err
		}
		if s.catchUp(at) > at {
			s.window.give(len(b.Data)) // it took so long that others are newer
			continue
		}
		at = b.Seq
		s.send(ctx, b)
	}
}

// catchUp moves what has waited too long from the live lane to the backlog, and says where the live lane goes on.
func (s *sender) catchUp(at uint64) uint64 {
	newest := s.out.Newest()
	if s.o.InOrder || newest <= at+behind {
		return at
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting.mark = max(s.waiting.mark, newest-latest)
	s.poke()
	return s.waiting.mark
}

// ready waits for a connection.
func (s *sender) ready(ctx context.Context) error {
	most, err := s.to.Ready(ctx)
	if err == nil && most > 0 {
		s.window.allow(max(1, most-s.o.Reserve))
	}
	return err
}

// send has the block on its way when it returns. It has entered the window.
func (s *sender) send(ctx context.Context, b Block) {
	s.mu.Lock()
	s.flying[b.Seq] = true
	s.mu.Unlock()
	s.all.Go(func() {
		began := time.Now()
		err := s.to.Publish(ctx, b)
		s.settle(ctx, b, err)
		s.window.leave(len(b.Data), began, err == nil || errors.Is(err, ErrNotUnderstood), err == nil || errors.Is(err, ErrAway))
	})
}

// settle does what the target's answer asks for.
func (s *sender) settle(ctx context.Context, b Block, err error) {
	switch {
	case err == nil:
		if err := s.out.Stored(b); err != nil {
			s.o.Log.Error("a stored block stays in the buffer and will be sent again", "seq", b.Seq, "err", err)
		}
	case ctx.Err() != nil: // it stays in the outbox
	case errors.Is(err, ErrNotUnderstood):
		s.o.Log.Error("a block is given up and declared lost", "seq", b.Seq, "samples", b.Samples, "err", err)
		if err := s.out.Refused(b, err); err != nil {
			s.o.Log.Error("declare a lost block", "seq", b.Seq, "err", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.flying, b.Seq)
	switch {
	case err == nil || errors.Is(err, ErrNotUnderstood):
		s.waiting.settled(b.Seq)
	case errors.Is(err, ErrAway):
		s.waiting.back(b.Seq, time.Now())
	default:
		if tries := s.waiting.refused(b.Seq, time.Now()); tries == 1 && ctx.Err() == nil {
			s.o.Log.Warn("block not stored yet; trying again", "seq", b.Seq, "err", err)
		}
	}
	s.poke()
}

func (s *sender) poke() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}
