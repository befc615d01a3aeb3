package local

import (
	"context"
	"sync"
	"time"
)

// When a thing's blocks are due to become chunks. A query for one point decompresses every block in its stretch of time, so
// blocks are few or small; but the more samples go into a chunk at once, the less often they are written again.
const (
	dueBlocks  = 32
	dueSamples = 64 << 10
	dueAge     = 30 * time.Second
)

// backlog counts the blocks that are not chunks yet, by thing. It may count too much for a while, never too little.
type backlog struct {
	wake chan struct{} // holds one token when a pile has become due

	mu    sync.Mutex
	piles map[int64]pile // by thing
}

type pile struct {
	blocks  int
	samples int
	since   time.Time // when the first of it came
}

func (p pile) due(now time.Time) bool {
	return p.blocks >= dueBlocks || p.samples >= dueSamples || now.Sub(p.since) >= dueAge
}

func newBacklog() *backlog {
	return &backlog{wake: make(chan struct{}, 1), piles: map[int64]pile{}}
}

// load counts what an earlier process left; all of it is due.
func (b *backlog) load(ctx context.Context, c *conn) error {
	query := "SELECT thing, count(*), sum(samples) FROM raw WHERE damaged = 0 GROUP BY thing"
	return c.each(ctx, query, nil, func(scan func(...any) error) error {
		var thing int64
		var p pile
		if err := scan(&thing, &p.blocks, &p.samples); err != nil {
			return err
		}
		b.add(thing, p)
		return nil
	})
}

func (b *backlog) add(thing int64, more pile) {
	b.mu.Lock()
	p, there := b.piles[thing]
	if !there {
		p.since = more.since
	}
	p.blocks += more.blocks
	p.samples += more.samples
	b.piles[thing] = p
	b.mu.Unlock()
	if p.blocks >= dueBlocks || p.samples >= dueSamples {
		select {
		case b.wake <- struct{}{}:
		default:
		}
	}
}

// take picks the pile that has been due longest and forgets it: the caller compacts it, or puts back what it leaves.
func (b *backlog) take(now time.Time) (thing int64, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var oldest time.Time
	for id, p := range b.piles {
		if p.due(now) && (!ok || p.since.Before(oldest)) {
			thing, oldest, ok = id, p.since, true
		}
	}
	delete(b.piles, thing)
	return thing, ok
}
