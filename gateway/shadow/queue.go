package shadow

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// queue is the shadows that may differ from the cloud's. One that is being synced is not given out again meanwhile, and one that is in
// trouble not before its time: neither holds up others.
type queue struct {
	wake chan struct{} // one token: there may be some

	mu      sync.Mutex
	dirty   []doc.ID
	busy    map[doc.ID]bool
	trouble map[doc.ID]trouble
}

// trouble is what a shadow waits for after a sync that went wrong.
type trouble struct {
	tries int
	until time.Time
}

func newQueue() queue {
	return queue{wake: make(chan struct{}, 1), busy: map[doc.ID]bool{}, trouble: map[doc.ID]trouble{}}
}

func (q *queue) add(ids ...doc.ID) {
	q.mu.Lock()
	for _, id := range ids {
		if !slices.Contains(q.dirty, id) {
			q.dirty = append(q.dirty, id)
		}
	}
	q.mu.Unlock()
	q.poke()
}

func (q *queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// calm forgets all troubles: a new connection is a new chance.
func (q *queue) calm() {
	q.mu.Lock()
	defer q.mu.Unlock()
	clear(q.trouble)
}

// next gives out a shadow to sync; done must follow.
func (q *queue) next() (id doc.ID, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, id := range q.dirty {
		if q.busy[id] || time.Now().Before(q.trouble[id].until) {
			continue
		}
		q.dirty = slices.Delete(q.dirty, i, i+1)
		q.busy[id] = true
		return id, true
	}
	return id, false
}

// done ends what next began, well.
func (q *queue) done(id doc.ID) {
	q.mu.Lock()
	delete(q.busy, id)
	delete(q.trouble, id)
	q.mu.Unlock()
	q.poke()
}

// cut ends what next began: the connection has ended, and the next one will ask again.
func (q *queue) cut(id doc.ID) {
	q.mu.Lock()
	delete(q.busy, id)
	q.mu.Unlock()
	q.add(id)
}

// fail ends what next began: it went wrong, and is tried again after a pause, or with the next change when it is hopeless before. first
// tells whether this is where the trouble began.
func (q *queue) fail(id doc.ID, hopeless bool) (first bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.busy, id)
	t := q.trouble[id]
	pause := doc.Backoff(t.tries, rand.Float64())
	q.trouble[id] = trouble{tries: t.tries + 1, until: time.Now().Add(pause)}
	if !hopeless && !slices.Contains(q.dirty, id) {
		q.dirty = append(q.dirty, id)
	}
	time.AfterFunc(pause, q.poke)
	return t.tries == 0
}
