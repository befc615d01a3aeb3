package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/wire"
)

// ErrPayload: the message is not what its topic promises, and will not be when it comes again (MQTT 5: 0x99). The text that
// wraps it says what is wrong. Every other error of Put means that the message is good and could not be stored now.
var ErrPayload = errors.New("the payload is not what its topic promises")

// Store is the half of a cloud.Store that ingest needs.
type Store interface {
	cloud.TelemetryStore
	cloud.LedgerStore
	cloud.ClockStore
	cloud.ThingStore
	cloud.AlarmStore
}

// Message is what a thing published below dt/{thing}/.
type Message struct {
	Thing    string // who published it, as authenticated
	What     string // the last level of its topic: wire.WhatBlock and so on
	Epoch    string // of a block or of alarms: the user properties wire.PropEpoch and wire.PropSeq
	Seq      uint64
	Prev     string // user property wire.PropPrev; empty: the number before
	Oldest   uint64 // user property wire.PropOldest; 0: none
	Payload  []byte
	Received time.Time
	Seen     cloud.InboxItem // of telemetry: the message as rules see it
}

// Rules has what is stored seen by rules: each sets b.Inbox when one wants to see it.
type Rules interface {
	Block(b *cloud.Batch) error
	Message(b *cloud.Batch, item cloud.InboxItem)
}

// Ingest takes messages. Every method may be called from any goroutine.
type Ingest struct {
	Rules Rules // set before the first Put; nil: nobody's

	store    Store
	log      *slog.Logger
	onLive   []func(cloud.Live)
	watchers watchers
	counts   counters
	failing  atomic.Bool // the last that was to be stored could not be

	decoders sync.Pool // of *wire.Decoder
	encoders sync.Pool // of *wire.Encoder
}

// Counts is what has come in since the start.
type Counts struct {
	Blocks    uint64 // stored
	Repeats   uint64 // blocks and messages of alarms that were stored before
	Alarms    uint64 // messages of alarms stored
	Messages  uint64 // JSON messages stored
	Samples   uint64 // stored, of both
	Refused   uint64 // messages that were not what their topic promises
	Failed    uint64 // messages that could not be stored; whoever sent them sends them again
	Coalesced uint64 // live samples that a watcher was too slow to see before a newer one came
	Dropped   uint64 // live samples of more points than a watcher has room for
}

type counters struct {
	blocks, repeats, alarms, messages, samples, refused, failed atomic.Uint64
}

// New makes an Ingest. Each onLive is called for every message that was stored, from the goroutine that calls Put, and must not block.
func New(store Store, log *slog.Logger, onLive ...func(cloud.Live)) *Ingest {
	in := &Ingest{store: store, log: log, onLive: onLive}
	in.decoders.New = func() any { return wire.NewDecoder() }
	in.encoders.New = func() any { return wire.NewEncoder(wire.Fastest) }
	return in
}

// Put takes one message. nil means that it is stored for good: the sender may forget it. A slow store makes Put slow, and so its sender.
func (in *Ingest) Put(ctx context.Context, m Message) error {
	var err error
	switch m.What {
	case wire.WhatBlock:
		err = in.putBlock(ctx, m)
	case wire.WhatTelemetry:
		err = in.putTelemetry(ctx, m)
	case wire.WhatBirth:
		err = in.putBirth(ctx, m)
	case wire.WhatLoss:
		err = in.putLoss(ctx, m)
	case wire.WhatAlarm:
		err = in.putAlarms(ctx, m)
	case wire.WhatClock:
		err = in.putVerdicts(ctx, m)
	default:
		err = fmt.Errorf("%w: nothing takes messages of kind %q", ErrPayload, m.What)
	}
	switch {
	case errors.Is(err, ErrPayload):
		in.counts.refused.Add(1)
	case err != nil:
		in.counts.failed.Add(1)
		in.trouble(ctx, err)
	default:
		in.relief()
	}
	if err != nil {
		return fmt.Errorf("%s of %s: %w", m.What, m.Thing, err)
	}
	return nil
}

// trouble says once that nothing can be stored; what fails after that is counted.
func (in *Ingest) trouble(ctx context.Context, err error) {
	if ctx.Err() == nil && !errors.Is(err, cloud.ErrNotFound) && in.failing.CompareAndSwap(false, true) {
		in.log.Error("the store takes nothing: nothing is acknowledged until it does, and comes again", "err", err)
	}
}

// relief says once that the trouble is over.
func (in *Ingest) relief() {
	if in.failing.Load() && in.failing.CompareAndSwap(true, false) {
		in.log.Info("the store takes what comes again", "failed_since_start", in.counts.failed.Load())
	}
}

// Counts tells what has come in since the start.
func (in *Ingest) Counts() Counts {
	c := &in.counts
	return Counts{Blocks: c.blocks.Load(), Repeats: c.repeats.Load(), Alarms: c.alarms.Load(), Messages: c.messages.Load(), Samples: c.samples.Load(), Refused: c.refused.Load(),
		Failed: c.failed.Load(), Coalesced: in.watchers.coalesced.Load(), Dropped: in.watchers.dropped.Load()}
}

// skipped is how many numbers right below the message's were never for this cloud.
func (m *Message) skipped() (uint64, error) {
	if m.Prev == "" {
		return 0, nil
	}
	prev, err := strconv.ParseUint(m.Prev, 10, 64)
	if err != nil || prev >= m.Seq {
		return 0, fmt.Errorf("the user property prev of number %d is %.40q: the number of the record before it is needed", m.Seq, m.Prev)
	}
	return m.Seq - 1 - prev, nil
}

// refuse says what is wrong with a payload.
func refuse(err error) error { return fmt.Errorf("%w: %w", ErrPayload, err) }
