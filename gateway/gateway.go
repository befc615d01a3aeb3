// Package gateway joins the rooms below it into the daemon: adapters are polled, samples flow into the buffer, blocks go
// up to the cloud, and the status page tells of it. It decides nothing itself.
//
// It knows every room of gateway/, adapters' seam, buffer and sync/*; which adapters there are comes with the
// configuration. cmd imports it; nothing of cloud/ does or is imported.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/alarm"
	"github.com/penstock-edge/penstock/gateway/command"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/flow"
	"github.com/penstock-edge/penstock/gateway/poll"
	"github.com/penstock-edge/penstock/gateway/rule"
	"github.com/penstock-edge/penstock/gateway/shadow"
	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/gateway/status"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// Gateway is one daemon.
type Gateway struct {
	cfg     *config.Config
	version string
	o       Options
	log     *slog.Logger
	started time.Time

	state   *state.DB
	queue   *buffer.Queue
	flow    *flow.Flow
	pollers []*poll.Poller
	byPoint []*poll.Poller // by PointID; nil of one that is in no equipment
	audit   *command.Log
	desk    *command.Desk // through which every write goes
	panel   *alarm.Panel
	rules   *rule.Engine
	shadows *shadow.Mirror
	target  *target // nil: no cloud
}

// Options put something between a gateway and the world. The zero value is the world itself; simulations set them.
type Options struct {
	Dial   func(ctx context.Context, network, address string) (net.Conn, error) // to the cloud
	Listen func(web, stateDir string) ([]net.Listener, error)                   // for who asks the gateway
	Disk   func(segment string, commit func() error) error                      // buffer.Options.Disk
}

// Open makes a gateway ready to run: state, buffer and identity are opened, no equipment is touched yet.
func Open(cfg *config.Config, version string, log *slog.Logger) (*Gateway, error) {
	return OpenIn(cfg, version, Options{}, log)
}

// OpenIn is Open in a world of another's making.
func OpenIn(cfg *config.Config, version string, o Options, log *slog.Logger) (*Gateway, error) {
	if o.Listen == nil {
		o.Listen = status.Listen
	}
	g := &Gateway{cfg: cfg, version: version, o: o, log: log, started: time.Now()}
	if err := g.open(); err != nil {
		return nil, errors.Join(err, g.close())
	}
	return g, nil
}

func (g *Gateway) open() (err error) {
	cfg := g.cfg
	if len(cfg.Cloud) > 1 {
		return fmt.Errorf("%d cloud targets are configured; this version serves one", len(cfg.Cloud))
	}
	if g.state, err = state.Open(cfg.State); err != nil {
		return err
	}
	if g.queue, err = buffer.Open(cfg.Buffer.Path, g.bufferOptions()); err != nil {
		return err
	}
	g.flow = flow.New(cfg.Points, g.queue, flow.Options{
		Flush: cfg.Buffer.Flush, Always: cfg.Buffer.Flush == 0, Send: sendEvery(cfg),
		Keep: keeper(cfg.Buffer.Keep), Leftovers: leftovers(g.queue, g.log),
		Tap: g.act,
	}, g.log)
	g.byPoint = make([]*poll.Poller, len(cfg.Points))
	for i, c := range cfg.Connections {
		p := poll.New(c, cfg.Points, g.flow.Put, g.log)
		p.Stagger(i, len(cfg.Connections))
		p.Remember(lessons{g.state})
		g.pollers = append(g.pollers, p)
		for _, d := range c.Devices {
			for _, id := range d.Points {
				g.byPoint[id] = p
			}
		}
	}
	if g.audit, err = command.OpenLog(g.state); err != nil {
		return err
	}
	if g.desk, err = command.New(g.audit, g.site(), command.Options{Log: g.log}); err != nil {
		return err
	}
	if g.panel, err = alarm.New(g.state, g.queue, cfg, alarm.Options{Log: g.log}); err != nil {
		return err
	}
	if g.rules, err = rule.New(cfg, g.state, hands{g}, rule.Options{Latest: g.flow.Latest}, g.log); err != nil {
		return err
	}
	if g.shadows, err = g.newShadows(); err != nil {
		return err
	}
	if len(cfg.Cloud) == 1 {
		g.target, err = newTarget(g, cfg.Cloud[0])
	}
	return err
}

// act has those see a sample who do something about it.
func (g *Gateway) act(samples []telemetry.Sample) {
	g.rules.Put(samples)
	g.shadows.Put(samples)
}

// leftovers are the journal that a crash left behind, as records: every entry of it is a block already. One that this version
// cannot read (an older one may have written it) is kept as it is: the cloud takes it, or it is declared lost.
func leftovers(q *buffer.Queue, log *slog.Logger) (recs []buffer.Record) {
	for _, entry := range q.Unsealed() {
		sum, err := wire.Peek(entry)
		if err != nil {
			log.Warn("an entry of the journal is not understood here", "err", err)
		}
		recs = append(recs, buffer.Record{Class: buffer.Normal, Samples: uint32(sum.Samples), Data: entry})
	}
	return recs
}

// Run serves until ctx ends, or a room fails, which none does while it can go on by itself. It stops in the order of the flow: first the
// reading, then the rules, then the block that is open is sealed, then the rest; all that was read is on disk when it returns. ready is called once the
// listeners are open, with their addresses: the socket first, then the page when there is one.
func (g *Gateway) Run(ctx context.Context, ready func(addresses []string)) (err error) {
	defer func() { err = errors.Join(err, g.close()) }()
	listeners, err := g.o.Listen(g.cfg.Local.Web, g.cfg.State)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	rest, stopRest := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRest()
	flowCtx, stopFlow := context.WithCancel(rest)
	ruleCtx, stopRules := context.WithCancel(rest)

	var field, rules, behind errgroup.Group
	for _, p := range g.pollers {
		field.Go(func() error { defer stop(); return p.Run(ctx) })
	}
	rules.Go(func() error { defer stop(); return g.rules.Run(ruleCtx) })
	rules.Go(func() error { defer stop(); return g.shadows.Run(ruleCtx) })
	behind.Go(func() error { defer stop(); return g.panel.Run(rest) })
	behind.Go(func() error { defer stop(); defer stopRest(); return g.flow.Run(flowCtx) })
	behind.Go(func() error { defer stop(); return g.desk.Run(rest) })
	behind.Go(func() error { defer stop(); return status.New(g, g.log).Run(rest, listeners...) })
	if g.target != nil {
		behind.Go(func() error { defer stop(); return g.target.run(rest) })
	}
	ready(g.announce(listeners))
	<-ctx.Done()
	err = field.Wait()
	stopRules() // what a rule sets is a sample, too
	err = errors.Join(err, rules.Wait())
	stopFlow()
	return errors.Join(err, behind.Wait())
}

// announce logs what runs and where it listens.
func (g *Gateway) announce(listeners []net.Listener) (addresses []string) {
	for _, l := range listeners {
		addresses = append(addresses, address(l))
		g.log.Info("listening", "address", address(l))
	}
	g.log.Info("running", "gateway", g.cfg.Gateway.ID, "connections", len(g.pollers), "points", len(g.cfg.Points), "version", g.version)
	return addresses
}

func address(l net.Listener) string {
	if l.Addr().Network() == "unix" {
		return l.Addr().String()
	}
	return "http://" + l.Addr().String()
}

func (g *Gateway) close() error {
	var errs []error
	if g.queue != nil {
		errs = append(errs, g.queue.Close())
	}
	if g.state != nil {
		errs = append(errs, g.state.Close())
	}
	return errors.Join(errs...)
}

// bufferOptions has a cursor for each target, in their order.
func (g *Gateway) bufferOptions() buffer.Options {
	b := g.cfg.Buffer
	o := buffer.Options{MaxBytes: b.MaxSize, MaxAge: b.MaxAge, Disk: g.o.Disk, Log: g.log}
	for _, c := range g.cfg.Cloud {
		o.Cursors = append(o.Cursors, c.Name)
	}
	if b.Full == config.DropNewest {
		o.Full = buffer.DropNewest
	}
	return o
}

func sendEvery(cfg *config.Config) time.Duration {
	if len(cfg.Cloud) == 0 {
		return 0 // the flow's default
	}
	return cfg.Cloud[0].Send
}
