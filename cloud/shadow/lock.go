package shadow

import (
	"hash/maphash"
	"sync"

	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// locks has the requests of one shadow, and what is published on them, come one after the other. Shadows share a lock by chance, of many.
type locks struct {
	seed maphash.Seed
	of   [1024]sync.Mutex
}

func (l *locks) lock(id doc.ID) (unlock func()) {
	mu := &l.of[maphash.Comparable(l.seed, id)%uint64(len(l.of))]
	mu.Lock()
	return mu.Unlock
}
