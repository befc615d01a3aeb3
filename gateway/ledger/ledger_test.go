package ledger

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/wire"
)

// found is a buffer that has found losses. Its word of what it forgot is lost with the process unless it has committed.
type found struct{ losses, forgotten []buffer.Loss }

func (f *found) Losses() []buffer.Loss { return append([]buffer.Loss(nil), f.losses...) }

func (f *found) Forget(known ...buffer.Loss) error {
	f.forgotten = append(f.forgotten, known...)
	for _, x := range known {
		for i, y := range f.losses {
			if x.From == y.From && x.Reason == y.Reason {
				f.losses[i].From, f.losses[i].Samples = x.To+1, y.Samples-x.Samples
				if y.To <= x.To {
					f.losses = append(f.losses[:i:i], f.losses[i+1:]...)
				}
				break
			}
		}
	}
	return nil
}

func evicted(from, to, samples uint64) buffer.Loss {
	return buffer.Loss{From: from, To: to, Samples: samples, Reason: buffer.Evicted, Class: buffer.Normal}
}

func shelfOf(t *testing.T, dir string) *state.DB {
	t.Helper()
	db, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func open(t *testing.T, store Store, epoch string, f *found) *Ledger {
	t.Helper()
	l, err := Open(store, "main", epoch, f)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *Ledger) take(t *testing.T) {
	t.Helper()
	if err := l.Take(); err != nil {
		t.Fatal(err)
	}
}

func (l *Ledger) wants(t *testing.T, want ...Run) {
	t.Helper()
	epochs := l.Account().Epochs
	if got := epochs[len(epochs)-1].Gaps; !reflect.DeepEqual(got, append(runs{}, want...)) {
		t.Fatalf("the ledger has\n%+v, want\n%+v", got, want)
	}
}

// What the buffer lost is in the ledger once, though a crash brings it back to the buffer, grown meanwhile.
func TestALossIsBookedOnce(t *testing.T) {
	db, f := shelfOf(t, t.TempDir()), &found{losses: []buffer.Loss{evicted(1, 5, 50)}}
	l := open(t, db, "A", f)
	l.take(t)
	f.losses = []buffer.Loss{evicted(6, 9, 40)}
	l.take(t)
	l.wants(t, Run{From: 1, To: 9, Samples: 90, Reason: "evicted", Class: "normal"})

	f.losses = []buffer.Loss{evicted(6, 12, 70)} // what it had forgotten of 6 to 9 was not on disk
	l = open(t, db, "A", f)
	l.take(t)
	l.wants(t, Run{From: 1, To: 12, Samples: 120, Reason: "evicted", Class: "normal"})

	f.losses = []buffer.Loss{{From: 3, To: 3, Samples: 10, Reason: buffer.Damaged, Class: buffer.Alarm}, evicted(12, 13, 15)} // found once more
	l.take(t)
	l.wants(t, Run{From: 1, To: 13, Samples: 127, Reason: "evicted", Class: "normal"})
}

// A target is told of a run again when it has grown, whole, and not otherwise.
func TestWhatIsOwed(t *testing.T) {
	db, f := shelfOf(t, t.TempDir()), &found{losses: []buffer.Loss{evicted(1, 5, 50), {From: 9, To: 9, Reason: buffer.Damaged, Class: buffer.Alarm}}}
	l := open(t, db, "A", f)
	l.take(t)
	first := l.Owed(10)
	if len(first.Losses) != 2 || len(l.Owed(1).Losses) != 1 || first.Losses[1] != (wire.Loss{Epoch: "A", From: 9, To: 9, Reason: "damaged", Class: "alarm"}) {
		t.Fatalf("owed %+v", first)
	}
	f.losses = []buffer.Loss{evicted(6, 7, 5)} // while the declaration was under way
	l.take(t)
	declared := func(d wire.Declaration) {
		if err := l.Declared(d); err != nil {
			t.Fatal(err)
		}
	}
	declared(first)
	if got := l.Owed(10).Losses; len(got) != 1 || got[0] != (wire.Loss{Epoch: "A", From: 1, To: 7, Samples: 55, Reason: "evicted", Class: "normal"}) {
		t.Fatalf("owed %+v", got)
	}
	if s := l.Sum(); s.Undeclared != 7 || len(s.Counts) != 2 {
		t.Errorf("in sum %+v", s)
	}
	l = open(t, db, "B", f) // the buffer was wiped: its old life is still owed
	declared(l.Owed(10))
	if got := l.Owed(10).Losses; len(got) != 0 {
		t.Errorf("owed %+v", got)
	}
	if a := l.Account(); len(a.Epochs) != 2 || a.Epochs[0].Epoch != "A" || !a.Epochs[0].Gaps[0].Declared {
		t.Errorf("%+v", a)
	}
}

// Thinning the same blocks again adds to what was taken out of them.
func TestThinnedTwice(t *testing.T) {
	thin := func(from, to, samples uint64) buffer.Loss {
		return buffer.Loss{From: from, To: to, Samples: samples, Reason: wire.LossDownsampled, Class: buffer.Normal}
	}
	f := &found{losses: []buffer.Loss{thin(1, 4, 40), evicted(2, 2, 3)}}
	l := open(t, shelfOf(t, t.TempDir()), "A", f)
	l.take(t)
	f.losses = []buffer.Loss{thin(3, 6, 10)}
	l.take(t)
	e := l.Account().Epochs[0]
	if !reflect.DeepEqual(e.Thinned, runs{{From: 1, To: 6, Samples: 50, Reason: "downsampled", Class: "normal"}}) || len(e.Gaps) != 1 {
		t.Errorf("%+v", e)
	}
}

// What never had a number is a sum that only grows, is told again when it has, and outlives a restart.
func TestGivenUp(t *testing.T) {
	db, f := shelfOf(t, t.TempDir()), &found{}
	l := open(t, db, "A", f)
	give := func(n uint64, owed ...wire.GivenUp) {
		t.Helper()
		if err := l.GiveUp("refused", n); err != nil {
			t.Fatal(err)
		}
		if got := l.Owed(10); !reflect.DeepEqual(got.GivenUp, owed) {
			t.Fatalf("with %d given up %+v is owed, want %+v", n, got, owed)
		}
	}
	give(0)
	give(7, wire.GivenUp{Epoch: "A", Samples: 7, Reason: "refused"})
	under := l.Owed(10)
	give(9, wire.GivenUp{Epoch: "A", Samples: 9, Reason: "refused"})
	if err := l.Declared(under); err != nil {
		t.Fatal(err)
	}
	give(8, wire.GivenUp{Epoch: "A", Samples: 9, Reason: "refused"}) // it has grown since
	if s := l.Sum(); s.UndeclaredSamples != 9 || s.Undeclared != 0 || len(s.Counts) != 1 {
		t.Errorf("in sum %+v", s)
	}
	if err := l.Declared(l.Owed(10)); err != nil {
		t.Fatal(err)
	}
	l = open(t, db, "A", f)
	give(9)
	if l.GivenUp("refused") != 9 || l.Sum().UndeclaredSamples != 0 {
		t.Errorf("after a restart %+v", l.Account())
	}
	l = open(t, db, "B", f)
	give(1, wire.GivenUp{Epoch: "B", Samples: 1, Reason: "refused"})
}

// What came after all is not lost.
func TestItCameAfterAll(t *testing.T) {
	f := &found{losses: []buffer.Loss{evicted(1, 5, 50)}}
	l := open(t, shelfOf(t, t.TempDir()), "A", f)
	for _, n := range []uint64{3, 9, 3, 1} { // the first of them before the loss was taken over
		if err := l.Came(n, 10); err != nil {
			t.Fatal(err)
		}
	}
	l.wants(t, Run{From: 2, To: 2, Samples: 10, Reason: "evicted", Class: "normal"}, Run{From: 4, To: 5, Samples: 20, Reason: "evicted", Class: "normal"})
}

// Blocks come in any order out of a run, each with its own samples: however the shares were wrong on the way, the last one has what it had.
func TestWhatComesInAnyOrderLeavesTheRest(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 20 {
		f := &found{}
		l := open(t, shelfOf(t, t.TempDir()), "A", f)
		samples, all := map[uint64]uint64{}, uint64(0)
		for n := uint64(1); n <= 8; n++ {
			samples[n] = 1 + r.Uint64N(40)
			all += samples[n]
		}
		f.losses = []buffer.Loss{evicted(1, 8, all)}
		order := r.Perm(8)
		last := uint64(order[7] + 1)
		for _, n := range order[:7] {
			if err := l.Came(uint64(n+1), samples[uint64(n+1)]); err != nil {
				t.Fatal(err)
			}
		}
		if got := l.Account().Epochs[0].Gaps; len(got) != 1 || got[0].From != last || got[0].Samples != samples[last] {
			t.Fatalf("%v came of %v: %+v is left", order[:7], samples, got)
		}
	}
}

// broken is a store that writes nothing.
type broken struct{ Store }

func (broken) Update(string, func(state.Shelf) error) error {
	return errors.New("no space left on device")
}

// What cannot be written down stays with the buffer.
func TestNothingIsForgottenThatIsNotWritten(t *testing.T) {
	f := &found{losses: []buffer.Loss{evicted(1, 5, 50)}}
	l := open(t, broken{shelfOf(t, t.TempDir())}, "A", f)
	if err := l.Take(); err == nil || len(f.losses) != 1 {
		t.Fatalf("%v; the buffer has %+v", err, f.losses)
	}
	l.wants(t)
}

func TestTheListIsBounded(t *testing.T) {
	f := &found{}
	l := open(t, shelfOf(t, t.TempDir()), "A", f)
	for i := range uint64(maxRuns + 10) {
		f.losses = append(f.losses, evicted(2*i+1, 2*i+1, 2))
	}
	l.take(t)
	if got := len(l.Owed(2 * maxRuns).Losses); got != maxRuns+10 {
		t.Fatalf("%d runs are owed", got)
	}
	if err := l.Declared(l.Owed(2 * maxRuns)); err != nil {
		t.Fatal(err)
	}
	a := l.Account()
	if len(a.Epochs[0].Gaps) != maxRuns || !reflect.DeepEqual(a.Older, []Count{{"evicted", "normal", 10, 20}}) || a.Epochs[0].Gaps[0].From != 21 {
		t.Errorf("%d runs, from %d, and %+v", len(a.Epochs[0].Gaps), a.Epochs[0].Gaps[0].From, a.Older)
	}
	if s := l.Sum(); s.Counts[0].Blocks != maxRuns+10 || s.Undeclared != 0 {
		t.Errorf("in sum %+v", s)
	}
}

// Whatever is lost and comes in whatever order, the ledger has each number once, in order, with no sample more than was lost.
func TestAtRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	f := &found{}
	l := open(t, shelfOf(t, t.TempDir()), "A", f)
	lost, came := map[uint64]bool{}, map[uint64]bool{}
	var samples uint64
	for range 300 {
		from := 1 + r.Uint64N(500)
		if r.IntN(3) == 0 {
			if err := l.Came(from, 1); err != nil {
				t.Fatal(err)
			}
			if lost[from] {
				delete(lost, from)
				came[from] = true
			}
			continue
		}
		to := from + r.Uint64N(5)
		for n := from; n <= to; n++ {
			if came[n] {
				to = n - 1 // it is gone from the buffer
				break
			}
		}
		if to < from {
			continue
		}
		for n := from; n <= to; n++ {
			lost[n] = true
		}
		samples += to - from + 1
		f.losses = []buffer.Loss{evicted(from, to, to-from+1)}
		l.take(t)
	}
	next, sum := uint64(1), uint64(0)
	for _, run := range l.Account().Epochs[0].Gaps {
		if run.From < next || run.To < run.From {
			t.Fatalf("%+v after %d", run, next)
		}
		for n := run.From; n <= run.To; n++ {
			if !lost[n] {
				t.Errorf("%d is in the ledger and was not lost", n)
			}
			delete(lost, n)
		}
		next, sum = run.To+2, sum+run.Samples // neighbours of one kind are one
	}
	if len(lost) > 0 || sum > samples {
		t.Errorf("not in the ledger: %v; %d samples of %d", lost, sum, samples)
	}
}
