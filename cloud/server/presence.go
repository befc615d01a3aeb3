package server

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/broker"
)

const (
	presenceEvery = time.Second      // the store is told at most once a second a thing
	contactEvery  = 15 * time.Second // a connected thing that publishes is written down as often
)

// presence follows who is connected and writes it down, a second late: a thing may have several connections, and its newest takes over the
// older ones before these end.
type presence struct {
	store cloud.ThingStore
	tell  func(thing string, p cloud.Presence)
	log   *slog.Logger

	mu    sync.Mutex
	known map[string]*contact
}

type contact struct {
	sessions int
	address  string
	last     time.Time
	written  time.Time
	changed  bool // connected or not: to be written soon
}

func newPresence(store cloud.ThingStore, tell func(string, cloud.Presence), log *slog.Logger) *presence {
	return &presence{store: store, tell: tell, log: log, known: map[string]*contact{}}
}

// changed is called by the broker, and returns at once.
func (p *presence) changed(e broker.Presence) {
	p.mu.Lock()
	c := p.of(e.Client.Thing)
	before := c.sessions
	if e.Connected {
		c.sessions++
		c.address = e.Client.Address
	} else {
		c.sessions--
	}
	c.last, c.changed = time.Now(), true
	turned := (before == 0) != (c.sessions == 0)
	p.mu.Unlock()
	if turned {
		p.tell(e.Client.Thing, cloud.Presence{Connected: e.Connected, Reason: e.Reason})
	}
}

// heard notes a sign of life.
func (p *presence) heard(thing string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of(thing).last = time.Now()
}

func (p *presence) of(thing string) *contact {
	c := p.known[thing]
	if c == nil {
		c = &contact{}
		p.known[thing] = c
	}
	return c
}

// reset writes down that nobody is connected: after a crash the store still says otherwise.
func (p *presence) reset(ctx context.Context) error {
	things, err := p.store.Things(ctx, "")
	if err != nil {
		return err
	}
	for _, t := range things {
		if !t.Connected {
			continue
		}
		if err := p.store.SetPresence(ctx, t.Name, false, t.LastContact, t.Address); err != nil {
			return err
		}
	}
	return nil
}

// run writes changes until ctx ends.
func (p *presence) run(ctx context.Context) error {
	tick := time.NewTicker(presenceEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			p.write(ctx, now)
		}
	}
}

// write stores what is due. What could not be stored is due again.
func (p *presence) write(ctx context.Context, now time.Time) {
	for thing, c := range p.due(now) {
		if err := p.store.SetPresence(ctx, thing, c.sessions > 0, c.last, c.address); err != nil {
			p.log.Warn("presence is not written down", "thing", thing, "err", err)
			p.again(thing)
		}
	}
}

func (p *presence) due(now time.Time) map[string]contact {
	p.mu.Lock()
	defer p.mu.Unlock()
	due := map[string]contact{}
	for thing, c := range p.known {
		if !c.changed && (!c.last.After(c.written) || now.Sub(c.written) < contactEvery) {
			continue
		}
		due[thing] = *c
		c.changed, c.written = false, now
		if c.sessions == 0 {
			delete(p.known, thing)
		}
	}
	return due
}

func (p *presence) again(thing string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of(thing).changed = true
}

// last writes down that everybody is gone, when the server stops.
func (p *presence) last(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	p.write(ctx, time.Now())
}
