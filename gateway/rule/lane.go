package rule

import (
	"context"
	"sync"
	"time"
)

// lane is a row of actions of one rule that are done one after the other. Different lanes do not wait for each other: a machine is stopped
// while the cloud is away and a program hangs.
type lane uint8

const (
	plantLane   lane = iota // set and write
	tellLane                // alarm and scan
	publishLane             // waits for the cloud
	execLane
)

func (k kind) lane() lane {
	switch k {
	case kindAlarm, kindScan:
		return tellLane
	case kindPublish:
		return publishLane
	case kindExec:
		return execLane
	}
	return plantLane
}

// Bounds of what waits in a lane. What is beyond them gives way, oldest first: the newest word on a thing is the one that counts.
const (
	maxWaiting      = 1000
	maxWaitingBytes = 4 << 20
)

type laneKey struct {
	rule string
	lane lane
}

// lanes are all that is to be done and on disk.
type lanes struct {
	e       *Engine
	running sync.WaitGroup

	mu  sync.Mutex
	all map[laneKey]*queue
}

// queue is one lane. Its goroutine lives while there is something to do.
type queue struct {
	waiting []*action
	bytes   int
	busy    bool
	pace    pace // of writes; this and turn are the goroutine's
	turn    bool // a write that was left out has left its turn
}

func newLanes(e *Engine) *lanes { return &lanes{e: e, all: map[laneKey]*queue{}} }

// give leaves actions to be done, in their order.
func (l *lanes) give(ctx context.Context, actions []*action) {
	for _, a := range actions {
		l.giveOne(ctx, a)
	}
}

func (l *lanes) giveOne(ctx context.Context, a *action) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := laneKey{a.Rule, a.Kind.lane()}
	q := l.all[key]
	if q == nil {
		q = &queue{pace: pace{every: time.Second / time.Duration(l.e.o.Writes)}}
		l.all[key] = q
	}
	q.waiting = append(q.waiting, a)
	q.bytes += a.size()
	for len(q.waiting) > maxWaiting || q.bytes > maxWaitingBytes && len(q.waiting) > 1 {
		l.e.drop(q.take())
	}
	if !q.busy {
		q.busy = true
		l.running.Go(func() { l.work(ctx, q) })
	}
}

func (q *queue) take() *action {
	a := q.waiting[0]
	q.waiting[0] = nil
	q.waiting = q.waiting[1:]
	q.bytes -= a.size()
	return a
}

// work does what is in a lane until it is empty or ctx ends.
func (l *lanes) work(ctx context.Context, q *queue) {
	for {
		a := l.nextOf(ctx, q)
		if a == nil {
			return
		}
		if a.Kind == kindWrite && !l.mayWrite(ctx, q, a) {
			continue
		}
		l.e.perform(ctx, a)
	}
}

func (l *lanes) nextOf(ctx context.Context, q *queue) *action {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(q.waiting) == 0 || ctx.Err() != nil {
		q.busy = false
		return nil
	}
	return q.take()
}

// mayWrite waits until the rule may write again. A write that another one to the same point has overtaken meanwhile is left out, and
// leaves its turn to the next.
func (l *lanes) mayWrite(ctx context.Context, q *queue, a *action) bool {
	if !q.turn {
		wait := q.pace.wait(l.e.o.Now())
		if wait == 0 {
			return true
		}
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return false // it is on the shelf
		case <-timer.C:
		}
	}
	q.turn = l.overtaken(q, a)
	if q.turn {
		l.e.drop(a)
	}
	return !q.turn
}

func (l *lanes) overtaken(q *queue, a *action) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, later := range q.waiting {
		if later.Kind == kindWrite && later.Point == a.Point {
			return true
		}
	}
	return false
}

// forget drops what waits for rules that are not there any more or have changed. What is being done is done to its end.
func (l *lanes) forget(rule string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range []lane{plantLane, tellLane, publishLane, execLane} {
		q := l.all[laneKey{rule, k}]
		if q == nil {
			continue
		}
		for len(q.waiting) > 0 {
			l.e.drop(q.take())
		}
		if !q.busy {
			delete(l.all, laneKey{rule, k})
		}
	}
}

func (l *lanes) wait() { l.running.Wait() }

// pace lets so many through in a second, and as many at once after a pause. One goroutine uses it at a time.
type pace struct {
	every time.Duration
	next  time.Time // when all that was let through would have had its time
}

// wait books a place and says how long it is until then.
func (p *pace) wait(now time.Time) time.Duration {
	if p.next.Before(now) {
		p.next = now
	}
	wait := p.next.Sub(now) - (time.Second - p.every)
	p.next = p.next.Add(p.every)
	return max(wait, 0)
}
