package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// opened is what an attempt to open came to.
type opened struct {
	adapter adapters.Adapter
	err     error
}

// open reaches for the equipment in a goroutine of its own: while an address that swallows packets is waited for, the points go on
// saying that nothing could be read, and a write is told so at once. Run takes the outcome from p.opening, whatever happens.
func (p *Poller) open(ctx context.Context) {
	outcome := make(chan opened, 1)
	p.opening, p.patience = outcome, time.Now().Add(openPatience)
	go func() {
		limited, cancel := context.WithTimeout(ctx, openLimit)
		defer cancel()
		adapter, err := p.conn.Settings.Open(limited, p.log)
		outcome <- opened{adapter, err}
	}()
}

// opened plans every group's reading, if there is something to read from.
func (p *Poller) opened(ctx context.Context, o opened) {
	err := o.err
	if err == nil {
		p.adapter = o.adapter
		err = p.prepare()
	}
	if err == nil {
		err = p.subscribe(ctx)
	}
	if err != nil {
		if ctx.Err() == nil {
			p.down(err)
		}
		return
	}
	p.log.Info("connection is up")
	p.reopen.reset()
	p.degraded()
	p.probeFrom = time.Time{}
	for _, g := range p.groups {
		g.device.probeAt = time.Now()
		g.due = time.Now() // what has waited, or has just said that there is no connection, need not wait for its turn
	}
}

func (p *Poller) prepare() error {
	p.recall()
	for _, g := range p.groups {
		reader, err := p.adapter.Prepare(g.points)
		if err != nil {
			return fmt.Errorf("plan the reading of %s: %w", g.device.name, err)
		}
		g.reader = reader
	}
	return nil
}

// subscribe starts the one goroutine beside Run's; close waits for it.
func (p *Poller) subscribe(ctx context.Context) error {
	if len(p.pushed) == 0 {
		return nil
	}
	subscriber, ok := p.adapter.(adapters.Subscriber)
	if !ok {
		return fmt.Errorf("BUG: %s has points that are pushed and takes no subscription", p.conn.Kind)
	}
	ctx, p.stopSub = context.WithCancel(ctx)
	lost, ended := make(chan error, 1), make(chan struct{})
	p.lost, p.subscribed = lost, ended
	go func() {
		defer close(ended)
		err := p.listen(ctx, subscriber)
		if err == nil && ctx.Err() == nil {
			err = errors.New("ended by itself")
		}
		lost <- err
	}()
	return nil
}

// down closes what is open, says so in every point, and sets the time of the next attempt.
func (p *Poller) down(err error) {
	wasUp := p.adapter != nil
	p.close()
	wait := p.reopen.next()
	p.reopenAt = time.Now().Add(wait)
	first := false
	p.count(func(s *State) {
		first = s.Why != err.Error()
		s.State, s.Why, s.RetryAt = "down", err.Error(), p.reopenAt
		s.Errors++
	})
	if wasUp || first { // the same reason again is counted, not logged
		p.log.Warn("connection is down", "err", err, "retry_in", wait.Round(100*time.Millisecond))
	}
	if len(p.pushed) > 0 {
		p.emit(badSamples(nil, p.pushed, telemetry.BadNoCommunication, time.Now()))
	}
}

func (p *Poller) close() {
	if p.stopSub != nil {
		p.stopSub()
	}
	if p.adapter != nil {
		p.keep(true)
		if err := p.adapter.Close(); err != nil {
			p.log.Debug("close", "err", err)
		}
	}
	if p.subscribed != nil {
		<-p.subscribed
	}
	p.adapter, p.stopSub, p.lost, p.subscribed = nil, nil, nil, nil
	for _, g := range p.groups {
		g.reader = nil
	}
}
