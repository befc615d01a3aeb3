package cloud

import (
	"context"
	"sync"
	"time"
)

// How long a thing that is connected and does not answer is left alone before it is told again: each time twice as long. One that has just
// connected subscribes in a moment.
const (
	remindFresh = 500 * time.Millisecond
	remindFirst = 2 * time.Second
	remindLast  = time.Minute
)

// Reminder knows which connected things have something left to be told. A thing is told when it connects, and again while it has not
// answered: right after connecting it may not have subscribed yet. Every method but Run may be called from any goroutine, and returns at once.
type Reminder struct {
	wake chan struct{}

	mu    sync.Mutex
	turns map[string]*turn // of connected things
}

// turn is when a thing is told next.
type turn struct {
	connections int           // a new one is there before the old one is known to have ended
	at          time.Time     // zero: nothing is left to be told
	wait        time.Duration // until the time after that
}

// NewReminder makes one that knows no things.
func NewReminder() *Reminder {
	return &Reminder{wake: make(chan struct{}, 1), turns: map[string]*turn{}}
}

// Connected has a thing told at once.
func (r *Reminder) Connected(thing string) {
	r.set(thing, turn{connections: 1, at: time.Now(), wait: remindFresh})
}

// Gone says that a connection of a thing ended; after its last one it is left alone until it connects again.
func (r *Reminder) Gone(thing string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.turns[thing]
	if t == nil {
		return
	}
	if t.connections--; t.connections == 0 {
		delete(r.turns, thing)
	}
}

// Later has a thing told again soon if it is connected: it was told something just now that it has not answered.
func (r *Reminder) Later(thing string) {
	r.set(thing, turn{at: time.Now().Add(remindFirst), wait: 2 * remindFirst})
}

// set makes next a connected thing's turn; an earlier time that it had stays.
func (r *Reminder) set(thing string, next turn) {
	r.mu.Lock()
	if now := r.turns[thing]; now != nil {
		next.connections += now.connections
		if !now.at.IsZero() && now.at.Before(next.at) {
			next.at = now.at
		}
	}
	if next.connections > 0 {
		r.turns[thing] = &next
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run calls tell for things when it is their turn, one at a time, until ctx ends. more says that the thing has not answered everything.
func (r *Reminder) Run(ctx context.Context, tell func(ctx context.Context, thing string) (more bool)) error {
	for {
		thing, now, wait := r.next(time.Now())
		if now != nil && !tell(ctx, thing) {
			r.end(thing, now)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		case <-r.wake:
			timer.Stop()
		}
	}
}

// next is a thing whose turn it is, and puts its next turn off; else how long to wait.
func (r *Reminder) next(now time.Time) (thing string, t *turn, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wait = remindLast
	for name, t := range r.turns {
		if t.at.IsZero() {
			continue
		}
		if left := t.at.Sub(now); left > 0 {
			wait = min(wait, left)
			continue
		}
		t.at = now.Add(t.wait)
		t.wait = min(2*t.wait, remindLast)
		return name, t, 0
	}
	return "", nil, wait
}

// end ends a thing's turns, unless others were set meanwhile.
func (r *Reminder) end(thing string, t *turn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.turns[thing] == t {
		t.at = time.Time{}
	}
}
