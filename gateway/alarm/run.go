package alarm

import (
	"context"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/buffer"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/wire"
)

const (
	tidy    = time.Second      // how long an event that was delivered stays on the shelf at most
	glance  = 10 * time.Second // how long the clock waits at most: somebody may set it
	oneHaul = 1024             // events that are given to the sink at once
)

// Run lets time pass for the alarms and hands their events to the sink, until ctx ends. What is not delivered then is on the shelf.
func (p *Panel) Run(ctx context.Context) error {
	var both sync.WaitGroup
	both.Go(func() { p.deliver(ctx) })
	both.Go(func() { p.watch(ctx) })
	both.Wait()
	p.mu.Lock()
	p.changes++ // what was delivered need not come again
	p.mu.Unlock()
	_ = p.write(true) // it says so itself
	return nil
}

func (p *Panel) poke() { wakeUp(p.poked) }

func wakeUp(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// watch is the clock.
func (p *Panel) watch(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.poked:
		case <-timer.C:
		}
		wait, again := p.tick()
		_ = p.write(again) // it says so itself
		timer.Reset(wait)
	}
}

// tick does what is due, and says how long there is nothing to do, and whether to try the disk again.
func (p *Panel) tick() (wait time.Duration, again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	p.armed = now.Add(glance)
	for _, l := range p.lamps {
		if !l.next.IsZero() && !l.next.After(now) {
			p.tell(l, l.alarm.Step(now, isa.Input{}), now)
			p.letGo(l, now)
			l.wake()
			if !l.next.After(now) { // held back because the sink takes nothing
				l.next = now.Add(tidy)
			}
		}
		if !l.next.IsZero() && l.next.Before(p.armed) {
			p.armed = l.next
		}
	}
	if again = !p.flushAt.IsZero() && !p.flushAt.After(now); again {
		p.changes++
		p.flushAt = time.Time{}
	}
	if !p.flushAt.IsZero() && p.flushAt.Before(p.armed) {
		p.armed = p.flushAt
	}
	return p.armed.Sub(now), again
}

// deliver hands events to the sink in their order, and goes on trying.
func (p *Panel) deliver(ctx context.Context) {
	failing := false
	for ctx.Err() == nil {
		events := p.haul()
		if len(events) == 0 {
			select {
			case <-ctx.Done():
			case <-p.ripe:
			}
			continue
		}
		var err error
		if recs := p.records(events); len(recs) > 0 {
			_, err = p.sink.Append(ctx, recs...)
		}
		if err == nil {
			if failing {
				p.o.Log.Info("events of alarms go to the buffer again")
			}
			failing = false
			p.delivered(len(events))
			continue
		}
		if !failing && ctx.Err() == nil {
			p.o.Log.Error("the buffer does not take the events of alarms: they wait", "err", err)
		}
		failing = true
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// haul is what the sink may have next.
func (p *Panel) haul() (events []wire.AlarmEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.pending[:min(len(p.pending), oneHaul)] {
		if e.n > p.ready {
			break
		}
		events = append(events, e.event)
	}
	return events
}

// records packs events: those that follow each other for the same targets together.
func (p *Panel) records(events []wire.AlarmEvent) (recs []buffer.Record) {
	for len(events) > 0 {
		to, anyone := p.o.For(events[0])
		same := 1
		for ; same < len(events); same++ {
			if next, is := p.o.For(events[same]); next != to || is != anyone {
				break
			}
		}
		if anyone {
			recs = p.pack(recs, events[:same], to)
		}
		events = events[same:]
	}
	return recs
}

func (p *Panel) pack(recs []buffer.Record, events []wire.AlarmEvent, to buffer.Audience) []buffer.Record {
	for len(events) > 0 {
		payload, n, err := wire.EncodeAlarms(events)
		if err != nil {
			payload, n, err = wire.EncodeAlarms(events[:1])
		}
		if err != nil { // such as one of a clock that shows a time before 1970
			p.o.Log.Error("an event of an alarm is none that can be sent, and is lost", "alarm", events[0].Alarm, "err", err)
			events = events[1:]
			continue
		}
		recs = append(recs, buffer.Record{Class: buffer.Alarm, Data: payload, For: to})
		events = events[n:]
	}
	return recs
}

// delivered takes events off.
func (p *Panel) delivered(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.pending[:n] {
		p.gone = append(p.gone, keyOf(e.n))
	}
	clear(p.pending[:n])
	p.pending = p.pending[n:]
	p.tidyIn(tidy)
}
