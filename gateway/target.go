package gateway

import (
	"context"
	"crypto/tls"
	"log/slog"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/clock"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/flow"
	"github.com/penstock-edge/penstock/gateway/ledger"
	"github.com/penstock-edge/penstock/sync/session"
	"github.com/penstock-edge/penstock/sync/uplink"
	"github.com/penstock-edge/penstock/sync/wire"
)

// target is the way to one cloud: a session, and the lanes of the buffer that empty into it.
type target struct {
	name, url string
	gateway   string
	queue     *buffer.Queue
	cursor    *buffer.Cursor
	ledger    *ledger.Ledger
	clock     *clock.Clock
	flow      *flow.Flow
	session   *session.Session
	log       *slog.Logger

	lanes      []lane
	in         *inbox                                     // nil: nothing is received
	watch      *watch                                     // nil: nobody can
	losses     string                                     // the topic on which they are declared
	mostLosses int                                        // in one message of them
	pace       func(ctx context.Context, bytes int) error // waits until so many may go; nil: at once

	givenBefore uint64 // samples that earlier runs gave up for lack of memory

	sent  atomic.Uint64 // samples stored by the cloud since the start
	acked atomic.Uint64 // the highest sequence number stored
}

func newTarget(g *Gateway, c config.Target) (*target, error) {
	t := &target{name: c.Name, url: c.URL, gateway: g.cfg.Gateway.ID, queue: g.queue, cursor: g.queue.Cursor(c.Name), clock: g.clock, log: g.log.With("target", c.Name)}
	alarms := lane{target: t, of: []buffer.Class{buffer.Alarm}, o: uplink.Options{InOrder: true, Blocks: alarmsAtOnce, Log: t.log}}
	blocks := lane{target: t, of: []buffer.Class{buffer.Keep, buffer.Normal}, o: uplink.Options{Rate: c.Backfill, Reserve: alarmsAtOnce + others, Log: t.log}}
	if !c.TakesAll() {
		f := &filter{c, g.to}
		alarms.filter, blocks.filter = f.alarms, f.block
	}
	var err error
	if t.ledger, err = ledger.Open(g.state, c.Name, g.queue.Epoch(), t.cursor); err != nil {
		return nil, err
	}
	t.flow, t.givenBefore = g.flow, t.ledger.GivenUp(memory)
	o := session.Options{URL: c.URL, ClientID: t.gateway, Log: t.log, Dial: g.o.Dial}
	if c.Broker != nil {
		t.plain(g, c, &o, &alarms, &blocks)
	} else if err := t.cloud(g, c, &o, &alarms, &blocks); err != nil {
		return nil, err
	}
	t.lanes = []lane{alarms, blocks}
	t.session, err = session.New(o)
	return t, err
}

// cloud has it speak to a penstock-cloud.
func (t *target) cloud(g *Gateway, c config.Target, o *session.Options, alarms, blocks *lane) error {
	t.losses, t.mostLosses = wire.LossTopic(t.gateway), wire.MaxLosses
	alarms.message, blocks.message = alarms.whole(wire.AlarmTopic(t.gateway), wire.ContentJSON), blocks.whole(wire.BlockTopic(t.gateway), wire.ContentBlock)
	birth, err := birthMessage(g.cfg, c, g.version, g.started)
	if err != nil {
		return err
	}
	t.in = &inbox{Gateway: g, target: t, leads: c.Name == g.cfg.Lead}
	t.watch = newWatch(g.cfg, c, g.to.ids)
	o.TLS = func() (*tls.Config, error) { return clientTLS(c, t.clock) }
	o.Birth = func() []session.Message { return []session.Message{birth} }
	o.Subscribe, o.Receive, o.Connected = t.in.filters(), t.in.receive, t.in.connected
	return nil
}

// run keeps the session up and the outbox emptying until ctx ends.
func (t *target) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return t.session.Run(ctx) })
	for _, l := range t.lanes {
		g.Go(func() error { return uplink.Run(ctx, l, l, l.o) })
	}
	g.Go(func() error { return t.declare(ctx) })
	if t.in != nil {
		g.Go(func() error { return t.tellTime(ctx) })
		g.Go(func() error { return t.watch.run(ctx, t.gateway, t.session) })
	}
	err := g.Wait()
	if t.in != nil {
		t.in.orders.Wait() // the desk stops at the same time, and answers all that are there
	}
	return err
}

// Stored lets the buffer forget a block.
func (t *target) Stored(b uplink.Block) error {
	t.sent.Add(uint64(b.Samples))
	for last := t.acked.Load(); b.Seq > last && !t.acked.CompareAndSwap(last, b.Seq); last = t.acked.Load() {
	}
	err := t.cursor.Ack(b.Seq, b.Seq)
	t.came(b)
	return err
}

// Refused declares a block lost that the cloud will never take.
func (t *target) Refused(b uplink.Block, _ error) error {
	return t.cursor.Discard(b.Seq)
}
