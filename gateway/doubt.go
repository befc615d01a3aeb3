package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"time"

	"github.com/penstock-edge/penstock/gateway/clock"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/status"
	"github.com/penstock-edge/penstock/sync/identity"
	"github.com/penstock-edge/penstock/sync/session"
	"github.com/penstock-edge/penstock/sync/wire"
)

// newClock is the room that knows whether the machine's clock is right.
func (g *Gateway) newClock() (*clock.Clock, error) {
	o := clock.Options{Machine: g.o.Clock, Mode: g.cfg.Gateway.Clock, Reached: g.reached, Changed: g.clockChanged, Log: g.log}
	for _, c := range g.cfg.Cloud {
		if c.Broker == nil { // a plain broker is told nothing later
			o.Targets = append(o.Targets, c.Name)
		}
	}
	return clock.New(g.state, o)
}

// reached tells whether there is a way out, over which a time service could be reached, too; without targets nobody knows.
func (g *Gateway) reached() bool {
	return len(g.targets) == 0 || slices.ContainsFunc(g.targets, func(t *target) bool { return t.session.State().Connected })
}

// clockChanged has the targets tried at once: what was no time for their certificates may be one now.
func (g *Gateway) clockChanged() {
	for _, t := range g.targets {
		t.session.Retry()
	}
}

// ageNow is the time by which what waits in the buffer gets old: while nobody knows it, nothing does.
func (g *Gateway) ageNow() time.Time {
	if g.clock.State().Doubt {
		return time.Unix(0, 0)
	}
	return g.clock.Now()
}

// settled is a block as it is sent: with its times put right, if they were in doubt and are known by now.
func (t *target) settled(block []byte) []byte {
	sum, err := wire.Peek(block)
	if err != nil || !sum.Stamp.Doubted() {
		return block // what is no block of samples has no times of this kind
	}
	offset, known := t.clock.Settle(sum.Stamp)
	if !known {
		return block
	}
	right, err := wire.Settle(block, offset)
	if err != nil {
		t.log.Error("the times of a block stay as they were taken", "err", err)
		return block
	}
	return right
}

// tellTime tells the cloud what the times are of blocks that it was sent in doubt.
func (t *target) tellTime(ctx context.Context) error {
	return t.again(ctx, t.tellVerdicts, "the target does not know yet what the times in doubt are")
}

func (t *target) tellVerdicts(ctx context.Context) error {
	verdicts := t.clock.Verdicts(t.name)
	if len(verdicts) == 0 || !t.session.State().Connected {
		return nil
	}
	payload, err := wire.EncodeVerdicts(verdicts)
	if err != nil {
		return err
	}
	err = t.session.Publish(ctx, session.Message{Topic: wire.ClockTopic(t.gateway), ContentType: wire.ContentJSON, Payload: payload})
	if err != nil {
		return err
	}
	return t.clock.Told(t.name, verdicts)
}

// clientTLS is the gateway's end of the mutual TLS with a target, whose certificates are judged by the time as the gateway knows it.
func clientTLS(c config.Target, clock *clock.Clock) (*tls.Config, error) {
	if !clock.Set() {
		return nil, errors.New("this machine's clock was never set, and shows a time before 2020: no certificate can be judged by it. It is tried again as soon as the clock is set (timedatectl, or a time service)")
	}
	files := identity.Files{Key: c.Identity.KeyFile, Cert: c.Identity.Cert, CA: c.Identity.CA}
	cert, ca, err := files.Load(clock.Now())
	if err != nil {
		return nil, err
	}
	config := identity.ClientTLS([]tls.Certificate{cert}, ca, "")
	config.Time = clock.Now
	return config, nil
}

func (g *Gateway) clockStatus() status.Clock {
	c := g.clock.State()
	s := status.Clock{Synchronised: c.Synchronised, InDoubt: c.Doubt, Why: c.Why, Steps: c.Steps}
	if !c.Last.At.IsZero() {
		s.LastStep = &status.Step{At: c.Last.At.UTC(), ByS: c.Last.By.Seconds()}
	}
	return s
}
