package command

import (
	"fmt"

	"github.com/penstock-edge/penstock/gateway/state"
)

// change is a part of a transaction. An error undoes the whole of it, the others' parts too, so it is only about the disk.
type change func(*page) error

// turn is somebody's change that waits for the disk.
type turn struct {
	change change
	done   chan verdict // room for one
}

// verdict ends a turn's waiting: the change is on disk, or is not; or this one writes next.
type verdict struct {
	err  error
	lead bool
}

// maxTurns is how many changes one transaction takes.
const maxTurns = 256

// commit has a change written; it is on disk when commit returns nil. Who comes while the disk is busy waits, and all who waited are written
// in one transaction by the first of them: the disk is asked once for many.
func (l *Log) commit(c change) error {
	own := &turn{change: c, done: make(chan verdict, 1)}
	l.mu.Lock()
	l.waiting = append(l.waiting, own)
	lead := !l.leading
	l.leading = true
	l.mu.Unlock()
	if !lead {
		if v := <-own.done; !v.lead {
			return v.err
		}
	}
	return l.lead()
}

// lead writes who waits, itself first among them, and hands over to the next.
func (l *Log) lead() error {
	l.mu.Lock()
	n := min(len(l.waiting), maxTurns)
	batch, old, m := l.waiting[:n:n], l.late, l.marks
	l.waiting = l.waiting[n:]
	l.mu.Unlock()

	m, err := l.write(m, old, batch)

	l.mu.Lock()
	if err == nil {
		l.marks, l.late = m, l.late[len(old):]
	}
	if l.leading = len(l.waiting) > 0; l.leading {
		l.waiting[0].done <- verdict{lead: true}
	} else {
		l.waiting = nil
	}
	l.mu.Unlock()
	for _, o := range old {
		if err == nil {
			o.then()
		}
	}
	for _, t := range batch[1:] {
		t.done <- verdict{err: err}
	}
	return err
}

func (l *Log) write(m marks, old []late, batch []*turn) (marks, error) {
	var p *page
	err := l.store.Update(room, func(s state.Shelf) error {
		p = &page{shelf: s, marks: m, most: l.most}
		for _, o := range old {
			if err := o.change(p); err != nil {
				return err
			}
		}
		for _, t := range batch {
			if err := t.change(p); err != nil {
				return err
			}
		}
		return p.end()
	})
	if err != nil {
		return m, err
	}
	return p.marks, nil
}

// late is a change that the disk refused and that is true all the same.
type late struct {
	change change
	then   func() // called once it is on disk
}

// later keeps such a change for the next transaction.
func (l *Log) later(c change, then func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.late = append(l.late, late{c, then})
}

// flush writes what the disk refused before.
func (l *Log) flush() error {
	l.mu.Lock()
	n := len(l.late)
	l.mu.Unlock()
	if n == 0 {
		return nil
	}
	if err := l.commit(func(*page) error { return nil }); err != nil {
		return fmt.Errorf("what came of %d orders is not on disk; after a start their points are read again: %w", n, err)
	}
	return nil
}
