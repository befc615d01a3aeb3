package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/cloud"
)

// Store is the part of a cloud.Store that is used here.
type Store interface {
	cloud.ThingStore
	cloud.LedgerStore
	cloud.AlarmStore
}

const (
	// patience is how long a block may be missing without a word: a gateway declares what it lost within seconds.
	patience = time.Minute
	every    = 10 * time.Second
)

// Options are what the watch stands on. Store and Raise are required.
type Options struct {
	Store Store
	// Raise has the alarm of a gateway follow: on, with a text, or off. Asking again for what is changes nothing.
	Raise func(ctx context.Context, gateway string, on bool, text string, at time.Time) error
	Log   *slog.Logger
}

// Watch looks at every ledger that has gaps.
type Watch struct {
	o       Options
	waiting map[string][]aged // by gateway; used by Run only
	raised  map[string]bool   // nil: not asked yet
	failing bool

	mu    sync.Mutex
	total Total
}

// Total is the sum of all ledgers that are incomplete.
type Total struct {
	Waiting, Undeclared, LostBlocks, LostSamples, Thinned, GivenUp uint64
	Overdue                                                        int // gateways whose alarm is on
}

// New makes a watch. Run looks.
func New(o Options) *Watch {
	return &Watch{o: o, waiting: map[string][]aged{}}
}

// Total is how it was when Run looked last.
func (w *Watch) Total() Total {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.total
}

// Run looks every 10 s until ctx ends. What it cannot read or raise it tries again.
func (w *Watch) Run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := w.look(ctx, time.Now())
		if err != nil && !w.failing && ctx.Err() == nil {
			w.o.Log.Error("ledgers are not watched; it is tried again", "err", err)
		}
		w.failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look goes through the gateways with gaps, and through those that had some.
func (w *Watch) look(ctx context.Context, now time.Time) error {
	names, err := w.o.Store.Incomplete(ctx)
	if err != nil {
		return err
	}
	if w.raised == nil {
		if err := w.recall(ctx); err != nil {
			return err
		}
	}
	var total Total
	incomplete := map[string]bool{}
	var errs []error
	for _, name := range names {
		incomplete[name] = true
		errs = append(errs, w.gateway(ctx, name, now, &total))
	}
	for name := range w.waiting {
		if !incomplete[name] {
			errs = append(errs, w.settle(ctx, name, nil, now))
		}
	}
	w.mu.Lock()
	w.total = total
	w.mu.Unlock()
	return errors.Join(errs...)
}

// recall finds the alarms that an earlier process raised: they may be over meanwhile.
func (w *Watch) recall(ctx context.Context) error {
	raised := map[string]bool{}
	q := cloud.AlarmQuery{Name: cloud.GapAlarm, View: cloud.AlarmsActive, Max: 1000}
	for {
		list, err := w.o.Store.Alarms(ctx, q)
		if err != nil {
			return err
		}
		for _, a := range list {
			if a.Own {
				raised[a.Gateway] = true
				w.waiting[a.Gateway] = nil // so that it is looked at, even if nothing is missing
			}
		}
		if len(list) < q.Max {
			w.raised = raised
			return nil
		}
		q.Before = list[len(list)-1].Place
	}
}

// gateway looks at one. While it is away the clock stands still: it could declare nothing.
func (w *Watch) gateway(ctx context.Context, name string, now time.Time, total *Total) error {
	ledger, err := w.o.Store.Ledger(ctx, name)
	if err != nil {
		return err
	}
	thing, err := w.o.Store.Thing(ctx, name)
	if err != nil {
		return err
	}
	s := ledger.Standing()
	total.Waiting, total.Undeclared, total.Thinned = total.Waiting+s.Waiting, total.Undeclared+s.Undeclared, total.Thinned+s.Thinned
	total.GivenUp += s.GivenUp
	total.LostBlocks, total.LostSamples = total.LostBlocks+s.LostBlocks, total.LostSamples+s.LostSamples
	var missing []aged
	ledger.Missing(func(epoch string, g cloud.Gap, held bool) {
		if !held {
			missing = append(missing, aged{epoch, g.From, g.To, now})
		}
	})
	missing = age(w.waiting[name], missing)
	if !thing.Connected && !w.raised[name] {
		for i := range missing {
			missing[i].since = now
		}
	}
	err = w.settle(ctx, name, missing, now)
	if w.raised[name] {
		total.Overdue++
	}
	return err
}

// settle raises the alarm where something is overdue, and ends it where nothing is.
func (w *Watch) settle(ctx context.Context, name string, missing []aged, now time.Time) error {
	var overdue []aged
	for _, a := range missing {
		if now.Sub(a.since) >= patience {
			overdue = append(overdue, a)
		}
	}
	if w.waiting[name] = missing; len(missing) == 0 {
		delete(w.waiting, name)
	}
	on := len(overdue) > 0
	if !on && !w.raised[name] {
		return nil
	}
	if err := w.o.Raise(ctx, name, on, tell(overdue), now); err != nil {
		w.waiting[name] = missing // even of none: so that it is tried again
		return fmt.Errorf("the alarm %s of %s: %w", cloud.GapAlarm, name, err)
	}
	if w.raised[name] = on; !on {
		delete(w.raised, name)
	}
	return nil
}

// tell says what is missing, in the words of the ledger.
func tell(list []aged) string {
	if len(list) == 0 {
		return ""
	}
	blocks := uint64(0)
	for _, a := range list {
		blocks += a.to - a.from + 1
	}
	first := list[0]
	return fmt.Sprintf("missing without a word: blocks %d to %d of epoch %s, %d in all; the gateway neither holds nor declares them", first.from, first.to, first.epoch, blocks)
}
