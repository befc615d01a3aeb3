package shadow

import (
	"sync"

	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// locks serialise what happens to one shadow.
type locks struct {
	mu   sync.Mutex
	held map[doc.ID]*turn
}

type turn struct {
	sync.Mutex
	users int
}

func (l *locks) lock(id doc.ID) (unlock func()) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[doc.ID]*turn{}
	}
	t := l.held[id]
	if t == nil {
		t = &turn{}
		l.held[id] = t
	}
	t.users++
	l.mu.Unlock()
	t.Lock()
	return func() {
		t.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(l.held, id)
		}
	}
}
