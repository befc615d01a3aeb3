package command

import (
	"fmt"
	"sync"

	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/audit"
)

// Log is the gateway's audit log, and the keys of the orders beside it on the same shelf, so that an order's state and the line that
// tells of it are on disk together or not at all. It is safe for concurrent use.
type Log struct {
	store store
	most  int64 // bytes of lines that are kept

	mu      sync.Mutex
	marks   marks // as they are on disk
	waiting []*turn
	leading bool   // somebody is writing
	late    []late // what is true and could not be written yet: with the next that can
}

// store is the database: one room's shelf in one transaction (state.DB).
type store interface {
	Update(room string, change func(state.Shelf) error) error
	View(room string, read func(state.Shelf) error) error
}

const (
	room     = "command"
	marksKey = "marks"

	defaultMost = 64 << 20
)

// OpenLog reads where the log ends.
func OpenLog(db *state.DB) (*Log, error) { return openLog(db) }

func openLog(s store) (*Log, error) {
	l := &Log{store: s, most: defaultMost}
	err := s.View(room, func(shelf state.Shelf) (err error) {
		l.marks, err = readMarks(shelf.Get(marksKey))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the audit log: %w", err)
	}
	return l, nil
}

// Append puts lines at the end; they are on disk when it returns.
func (l *Log) Append(entries ...audit.Entry) error {
	return l.commit(func(p *page) error {
		for _, e := range entries {
			if err := p.audit(e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l *Log) now() marks {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.marks
}

func lineKey(seq uint64) string { return fmt.Sprintf("audit/%016x", seq) }
