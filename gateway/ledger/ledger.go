package ledger

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/wire"
)

// Store is where the ledger keeps what must survive: a *state.DB.
type Store interface {
	Update(room string, change func(state.Shelf) error) error
	View(room string, read func(state.Shelf) error) error
}

// Buffer is what finds losses, and keeps each until it is told that it is known elsewhere.
type Buffer interface {
	Losses() []buffer.Loss
	Forget(known ...buffer.Loss) error
}

const (
	shelf = "ledger"
	// maxRuns bounds what is listed of a target. Beyond it the oldest that were declared are only counted.
	maxRuns = 4096
)

// Ledger is the account of one target. It is safe for concurrent use.
type Ledger struct {
	store  Store
	target string
	epoch  string
	buffer Buffer

	mu   sync.Mutex
	kept kept // as on disk
}

// kept is what is on disk, as JSON under the target's name.
type kept struct {
	Account
	// Taken is what was last taken from the buffer. A crash may bring it back there.
	Taken []buffer.Loss `json:"taken,omitempty"`
}

// Account is what is told of a target.
type Account struct {
	Epochs []Epoch `json:"epochs"`          // oldest first
	Older  []Count `json:"older,omitempty"` // beyond what is listed
}

// Epoch is one life of the buffer.
type Epoch struct {
	Epoch   string  `json:"epoch"`
	Gaps    runs    `json:"gaps"`
	Thinned runs    `json:"thinned"` // blocks that come, with so many samples fewer
	GivenUp []Given `json:"given_up,omitempty"`
}

// Given is how many samples were given up before they had a number.
type Given struct {
	Reason   string `json:"reason"`
	Samples  uint64 `json:"samples"`
	Declared bool   `json:"declared"`
}

// Count is how much met one fate.
type Count struct {
	Reason  string `json:"reason"`
	Class   string `json:"class"`
	Blocks  uint64 `json:"blocks"`
	Samples uint64 `json:"samples"`
}

// Open reads the account of a target, whose buffer has the epoch.
func Open(store Store, target, epoch string, b Buffer) (*Ledger, error) {
	l := &Ledger{store: store, target: target, epoch: epoch, buffer: b}
	err := store.View(shelf, func(s state.Shelf) error {
		if data := s.Get(target); data != nil {
			return json.Unmarshal(data, &l.kept)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("open the ledger of %s: %w", target, err)
	}
	l.kept.Epochs = slices.DeleteFunc(l.kept.Epochs, func(e Epoch) bool { return e.Epoch != epoch && len(e.Gaps)+len(e.Thinned)+len(e.GivenUp) == 0 })
	if n := len(l.kept.Epochs); n == 0 || l.kept.Epochs[n-1].Epoch != epoch {
		l.kept.Epochs, l.kept.Taken = append(l.kept.Epochs, Epoch{Epoch: epoch, Gaps: runs{}, Thinned: runs{}}), nil
	}
	return l, b.Forget(l.kept.Taken...)
}

// Take takes over what the buffer has found; it is on disk when the buffer is told to forget it.
func (l *Ledger) Take() error {
	losses := l.buffer.Losses()
	if len(losses) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.change(func(k *kept) {
		now := &k.Epochs[len(k.Epochs)-1]
		for _, x := range losses {
			r := Run{From: x.From, To: x.To, Samples: x.Samples, Reason: x.Reason, Class: x.Class.String()}
			if x.Reason == wire.LossDownsampled {
				now.Thinned.thin(r)
			} else {
				now.Gaps.lose(r)
			}
		}
		k.Taken = losses
	})
	if err != nil {
		return err
	}
	return l.buffer.Forget(losses...)
}

// GivenUp is how many samples were given up for a reason in this life of the buffer.
func (l *Ledger) GivenUp(reason string) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range l.kept.Epochs[len(l.kept.Epochs)-1].GivenUp {
		if g.Reason == reason {
			return g.Samples
		}
	}
	return 0
}

// GiveUp says how many samples were given up for a reason in this life of the buffer, before they had a number. It only grows.
func (l *Ledger) GiveUp(reason string, samples uint64) error {
	if samples <= l.GivenUp(reason) {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.change(func(k *kept) {
		now := &k.Epochs[len(k.Epochs)-1]
		now.GivenUp = append(slices.DeleteFunc(now.GivenUp, func(g Given) bool { return g.Reason == reason }), Given{Reason: reason, Samples: samples})
	})
}

// Came says that the target has stored a block, which the buffer may have given up while it was under way.
func (l *Ledger) Came(n, samples uint64) error {
	if err := l.Take(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.kept.Epochs[len(l.kept.Epochs)-1]
	if len(now.Gaps.overlapping(n, n)) == 0 {
		return nil
	}
	return l.change(func(k *kept) { k.Epochs[len(k.Epochs)-1].Gaps.came(n, samples) })
}

// Owed is what the target has not been told, or not as it is now, up to max.
func (l *Ledger) Owed(max int) (d wire.Declaration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.kept.Epochs {
		for _, g := range e.GivenUp {
			if !g.Declared && len(d.GivenUp) < max {
				d.GivenUp = append(d.GivenUp, wire.GivenUp{Epoch: e.Epoch, Samples: g.Samples, Reason: g.Reason})
			}
		}
	}
	max -= len(d.GivenUp)
	for _, e := range l.kept.Epochs {
		d.Losses = e.Thinned.owed(e.Gaps.owed(d.Losses, e.Epoch, max), e.Epoch, max)
	}
	return d
}

// Declared notes that the target knows of what Owed gave.
func (l *Ledger) Declared(d wire.Declaration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.change(func(k *kept) {
		for _, x := range d.Losses {
			for i, e := range k.Epochs {
				switch {
				case e.Epoch != x.Epoch:
				case x.Reason == wire.LossDownsampled:
					k.Epochs[i].Thinned.declared(x)
				default:
					k.Epochs[i].Gaps.declared(x)
				}
			}
		}
		for _, x := range d.GivenUp {
			for _, e := range k.Epochs {
				if i := slices.Index(e.GivenUp, Given{Reason: x.Reason, Samples: x.Samples}); i >= 0 && e.Epoch == x.Epoch {
					e.GivenUp[i].Declared = true
				}
			}
		}
		k.bound()
	})
}

// change makes a change that is on disk when it returns nil, and is not made after an error. It holds l.mu.
func (l *Ledger) change(do func(*kept)) error {
	next := l.kept.clone()
	do(&next)
	data, err := json.Marshal(next)
	if err == nil {
		err = l.store.Update(shelf, func(s state.Shelf) error { return s.Put(l.target, data) })
	}
	if err != nil {
		return fmt.Errorf("the ledger of %s: %w", l.target, err)
	}
	l.kept = next
	return nil
}

func (k kept) clone() kept {
	return kept{Account: k.Account.clone(), Taken: k.Taken}
}

func (a Account) clone() Account {
	a.Older = slices.Clone(a.Older)
	a.Epochs = slices.Clone(a.Epochs)
	for i, e := range a.Epochs {
		a.Epochs[i].Gaps, a.Epochs[i].Thinned = append(runs{}, e.Gaps...), append(runs{}, e.Thinned...)
		a.Epochs[i].GivenUp = slices.Clone(e.GivenUp)
	}
	return a
}

// Account is everything that is known.
func (l *Ledger) Account() Account {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept.Account.clone()
}
