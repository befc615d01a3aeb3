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
	"github.com/penstock-edge/penstock/gateway/clock"
	"github.com/penstock-edge/penstock/gateway/command"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/flow"
	"github.com/penstock-edge/penstock/gateway/poll"
	"github.com/penstock-edge/penstock/gateway/rule"
	"github.com/penstock-edge/penstock/gateway/shadow"
	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/gateway/status"
	"github.com/penstock-edge/penstock/gateway/thin"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Gateway is one daemon.
type Gateway struct {
	cfg     *config.Config
	version string
	o       Options
	log     *slog.Logger
	started time.Time

	state   *state.DB
	clock   *clock.Clock
	queue   *buffer.Queue
	flow    *flow.Flow
	pollers []*poll.Poller
	byPoint []*poll.Poller // by PointID; nil of one that is in no equipment
	audit   *command.Log
	desk    *command.Desk // through which every write goes
	panel   *alarm.Panel
	rules   *rule.Engine
	shadows *shadow.Mirror
	to      *audience
	targets []*target
	lead    *target // the cloud that may direct the equipment; nil: none
}

// Options put something between a gateway and the world. The zero value is the world itself; simulations set them.
type Options struct {
	Dial   func(ctx context.Context, network, address string) (net.Conn, error) // to the cloud
	Listen func(web, stateDir string) ([]net.Listener, error)                   // for who asks the gateway
	Clock  clock.Machine                                                        // the machine's clocks
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
	g.to = newAudience(cfg)
	if g.state, err = state.Open(cfg.State); err != nil {
		return err
	}
	if g.clock, err = g.newClock(); err != nil {
		return err
	}
	if g.queue, err = buffer.Open(cfg.Buffer.Path, g.bufferOptions()); err != nil {
		return err
	}
	g.flow = flow.New(cfg.Points, g.queue, flow.Options{
		Flush: cfg.Buffer.Flush, Always: cfg.Buffer.Flush == 0, Send: sendEvery(cfg),
		Keep: keeper(cfg.Buffer.Keep), Leftovers: leftovers(g.queue.Unsealed(), g.to, g.log),
		For: g.to.point,
		Tap: g.act, Clock: g.clock,
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
	if g.desk, err = command.New(g.audit, g.site(), command.Options{Now: g.clock.Now, Log: g.log}); err != nil {
		return err
	}
	if g.panel, err = alarm.New(g.state, g.queue, cfg, alarm.Options{Ahead: g.clock.Ahead, For: g.to.alarm, Log: g.log}); err != nil {
		return err
	}
	if g.rules, err = rule.New(cfg, g.state, hands{g}, rule.Options{Ahead: g.clock.Ahead, Latest: g.flow.Latest}, g.log); err != nil {
		return err
	}
	if g.shadows, err = g.newShadows(); err != nil {
		return err
	}
	for _, c := range cfg.Cloud {
		t, err := newTarget(g, c)
		if err != nil {
			return fmt.Errorf("cloud target %s: %w", c.Name, err)
		}
		g.targets = append(g.targets, t)
		if c.Name == cfg.Lead {
			g.lead = t
		}
	}
	return nil
}

// act has those see a sample who do something about it.
func (g *Gateway) act(samples []telemetry.Sample) {
	g.rules.Put(samples)
	g.shadows.Put(samples)
	for _, t := range g.targets {
		if t.watch != nil {
			t.watch.put(samples)
		}
	}
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
	behind.Go(func() error { defer stop(); return g.clock.Run(rest) })
	behind.Go(func() error { defer stop(); return g.panel.Run(rest) })
	behind.Go(func() error { defer stop(); defer stopRest(); return g.flow.Run(flowCtx) })
	behind.Go(func() error { defer stop(); return g.desk.Run(rest) })
	behind.Go(func() error { defer stop(); return status.New(g, g.log).Run(rest, listeners...) })
	for _, t := range g.targets {
		behind.Go(func() error { defer stop(); return t.run(rest) })
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
	o := buffer.Options{MaxBytes: b.MaxSize, MaxAge: b.MaxAge, Now: g.ageNow, Disk: g.o.Disk, Log: g.log}
	for _, c := range g.cfg.Cloud {
		o.Cursors = append(o.Cursors, c.Name)
	}
	switch b.Full {
	case config.DropNewest:
		o.Full = buffer.DropNewest
	case config.Downsample:
		o.Full, o.Thin = buffer.Downsample, (&thin.Thinner{}).Blocks
	}
	return o
}

// sendEvery is the length of a block: a block goes to several targets, so it is that of whoever wants the shortest.
func sendEvery(cfg *config.Config) (every time.Duration) {
	for _, c := range cfg.Cloud {
		if every == 0 || c.Send < every {
			every = c.Send
		}
	}
	return every // 0: the flow's default
}
