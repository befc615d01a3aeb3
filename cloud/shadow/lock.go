package shadow

import (
	"sync"

	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// locks has the requests of one shadow, and what is published on them, come one after the other, and no other shadow's wait for them.
// It holds the shadows that are being asked for and no others.
type locks struct {
	mu sync.Mutex
	of map[doc.ID]*lock
}

type lock struct {
	sync.Mutex
	users int // those who hold it or wait for it; guarded by locks.mu
}

func (l *locks) lock(id doc.ID) (unlock func()) {
	mine := l.join(id)
	mine.Lock()
	return func() {
		mine.Unlock()
		l.leave(id, mine)
	}
}

func (l *locks) join(id doc.ID) *lock {
	l.mu.Lock()
	defer l.mu.Unlock()
	mine := l.of[id]
	if mine == nil {
		mine = &lock{}
		l.of[id] = mine
	}
	mine.users++
	return mine
}

func (l *locks) leave(id doc.ID, mine *lock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if mine.users--; mine.users == 0 {
		delete(l.of, id)
	}
}
