package uplink

import (
	"context"
	"sync"
	"time"
)

// The window follows the round trip, from the publish of a block to its answer: as long as blocks under way make it no longer than queue, more of
// them fill the line; beyond that they only stand in it, and what is new would stand behind them.
const (
	queue     = 150 * time.Millisecond
	least     = 16 << 10         // bytes
	shortest  = 30 * time.Second // how long a shortest round trip is believed in: the way may have become longer
	liveShare = 2                // what is new may have so many windows under way
)

// window is how much is under way, and how much may be.
type window struct {
	hard    int // bytes, whatever the round trip
	hardest int // blocks

	mu     sync.Mutex
	room   chan struct{} // closed, and replaced, when there may be room
	blocks int           // under way
	bytes  int
	most   int // blocks, as the target says
	size   int // bytes
	fresh  int // of the live lane, waiting for room

	probing  bool      // no round trip has been too long yet: the window doubles with each
	shrunk   time.Time // what began before says nothing about the window as it is now
	base     [2]time.Duration
	baseFrom time.Time
}

func newWindow(o Options) *window {
	return &window{hard: o.Bytes, hardest: o.Blocks, most: o.Blocks, size: min(4*least, o.Bytes), probing: true, room: make(chan struct{})}
}

// allow takes what the target says it takes at once.
func (w *window) allow(blocks int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if most := min(blocks, w.hardest); most != w.most {
		w.most = most
		w.wake()
	}
}

// enter waits until n bytes may go under way. What is new goes first: for it one block's place is kept free.
func (w *window) enter(ctx context.Context, n int, live bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if live {
		w.fresh++
		defer func() { w.fresh--; w.wake() }()
	}
	for !w.fits(n, live) {
		room := w.room
		w.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
		}
		w.mu.Lock()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	w.blocks++
	w.bytes += n
	return nil
}

// fits holds w.mu.
func (w *window) fits(n int, live bool) bool {
	switch {
	case w.blocks >= w.most:
		return false
	case w.blocks == 0:
		return live || w.fresh == 0
	case live:
		return w.bytes+n <= min(liveShare*w.size, w.hard)
	}
	return w.fresh == 0 && w.blocks+1 < w.most && w.bytes+n <= w.size
}

// give gives n bytes back that were not sent.
func (w *window) give(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blocks--
	w.bytes -= n
	w.wake()
}

// leave takes a block out that was under way since began: whether the target answered in time is a measure of the way, and whether it was willing
// one of the target.
func (w *window) leave(n int, began time.Time, answered, willing bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	busy := 2*w.bytes >= w.size
	w.blocks--
	w.bytes -= n
	w.wake()
	now := time.Now()
	switch {
	case !willing:
		w.shrink(began, now)
	case answered:
		trip := now.Sub(began)
		if w.note(trip, now); trip > w.shortestTrip()+queue {
			w.shrink(began, now)
		} else if busy {
			w.grow(n)
		}
	}
}

func (w *window) grow(n int) {
	if !w.probing {
		n /= 8
	}
	w.size = min(w.size+n, w.hard)
}

// shrink halves the window, once for all that is under way.
func (w *window) shrink(began, now time.Time) {
	if began.Before(w.shrunk) {
		return
	}
	w.shrunk, w.probing = now, false
	w.size = max(w.size/2, min(least, w.hard))
}

// note remembers the shortest round trip of this stretch of time and the one before. Each begins with little under way, or what stands in the line would
// be taken for the line.
func (w *window) note(trip time.Duration, now time.Time) {
	if now.Sub(w.baseFrom) > shortest {
		w.base[0], w.base[1], w.baseFrom = w.base[1], trip, now
		if w.base[0] > 0 {
			w.size, w.shrunk = max(w.size/4, min(least, w.hard)), now
		}
	}
	w.base[1] = min(w.base[1], trip)
}

func (w *window) shortestTrip() time.Duration {
	if w.base[0] > 0 {
		return min(w.base[0], w.base[1])
	}
	return w.base[1]
}

// wake holds w.mu.
func (w *window) wake() {
	close(w.room)
	w.room = make(chan struct{})
}
