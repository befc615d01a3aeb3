package rule

import (
	"context"
	"time"
)

// Run does what rules decide until ctx ends. What has not been done by then is done by the next run. It is called once; what is Put after
// it has returned is not acted upon.
func (e *Engine) Run(ctx context.Context) error {
	e.resume(ctx)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			e.lanes.wait()
			e.commit(e.last())
			return nil
		case <-e.wake:
		case <-timer.C:
		}
		timer.Reset(e.turn(ctx))
	}
}

// turn does what is due: timers, then the disk, then the actions. It says how long there is nothing to do.
func (e *Engine) turn(ctx context.Context) time.Duration {
	e.mu.Lock()
	now := e.o.Now()
	e.tick(now)
	b := e.collect(now, false)
	e.mu.Unlock()

	e.commit(b)
	e.lanes.give(ctx, b.actions)

	e.mu.Lock()
	defer e.mu.Unlock()
	now = e.o.Now()
	e.armed = e.next(now)
	return e.armed.Sub(now)
}

// last is all that is to be stored when the engine ends.
func (e *Engine) last() batch {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.collect(e.o.Now(), true)
}

// resume brings back what was before: virtual points as they were, then the actions that were not done.
func (e *Engine) resume(ctx context.Context) {
	e.mu.Lock()
	values, actions := e.virtual, e.restored
	e.virtual, e.restored = nil, nil
	if len(e.done) > 0 {
		e.flushAt = e.o.Now() // what the shelf holds for nobody
	}
	e.resuming = true
	e.mu.Unlock()
	if len(values) > 0 {
		e.hands.Set(values)
	}
	e.mu.Lock()
	e.resuming = false
	e.mu.Unlock()
	e.lanes.give(ctx, actions)
}
