package ledger_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/ledger"
	"github.com/penstock-edge/penstock/cloud/store/local"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// books is a store whose ledgers a test writes.
type books struct {
	ledger.Store // what is not called is not there
	mu           sync.Mutex
	ledger       cloud.Ledger
	away         bool
	raised       []cloud.Alarm
	last         string
}

func (b *books) Incomplete(context.Context) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.ledger.Epochs {
		if len(e.Gaps) > 0 {
			return []string{"plant7"}, nil
		}
	}
	return nil, nil
}

func (b *books) Ledger(context.Context, string) (cloud.Ledger, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ledger, nil
}

func (b *books) Thing(_ context.Context, name string) (cloud.Thing, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return cloud.Thing{Name: name, Kind: cloud.KindGateway, Connected: !b.away}, nil
}

func (b *books) Alarms(context.Context, cloud.AlarmQuery) ([]cloud.Alarm, error) {
	return b.raised, nil
}

// has sets what is missing; held is where the gateway's buffer begins.
func (b *books) has(held uint64, gaps ...cloud.Gap) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ledger = cloud.Ledger{Epochs: []cloud.EpochLedger{{Epoch: "A", Held: held, Gaps: gaps}}}
}

func (b *books) isAway(away bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away = away
}

func missing(from, to uint64) cloud.Gap { return cloud.Gap{From: from, To: to, Reason: cloud.Missing} }

// say keeps what was raised last.
func (b *books) say(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = what
}

func (b *books) said() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last
}

// watch runs a watch over books.
func (b *books) watch(t *testing.T) (w *ledger.Watch) {
	t.Helper()
	w = ledger.New(ledger.Options{Store: b, Log: slog.New(slog.DiscardHandler), Raise: func(_ context.Context, gateway string, on bool, text string, _ time.Time) error {
		if !on {
			text = "is fine"
		}
		b.say(gateway + ": " + text)
		return nil
	}})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return w
}

// A gap that nobody declares raises the alarm after a minute, and not before; it ends when the gap is filled or declared.
func TestAnUndeclaredGapIsAnAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &books{}
		w := b.watch(t)
		after := func(d time.Duration, want string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if b.said() != want {
				t.Fatalf("after %v it says %q, want %q", d, b.said(), want)
			}
		}
		b.has(20, missing(5, 6), missing(20, 30)) // of these the gateway still has the second
		after(30*time.Second, "")
		b.has(20, cloud.Gap{From: 5, To: 5, Reason: "evicted"}, missing(6, 6), missing(9, 9), missing(25, 30))
		after(25*time.Second, "")
		const six = "plant7: missing without a word: blocks 6 to 6 of epoch A, 1 in all; the gateway neither holds nor declares them"
		after(15*time.Second, six)
		if got := w.Total(); got != (ledger.Total{Waiting: 6, Undeclared: 2, LostBlocks: 1, Overdue: 1}) {
			t.Errorf("in total %+v", got)
		}
		b.has(20, missing(25, 30))
		after(10*time.Second, "plant7: is fine")
		b.say("")
		after(time.Hour, "") // on its way for as long as it takes

		b.isAway(true) // who is away cannot declare anything
		b.has(40, missing(33, 33))
		after(time.Hour, "")
		b.isAway(false)
		after(time.Minute-10*time.Second, "")
		after(20*time.Second, "plant7: missing without a word: blocks 33 to 33 of epoch A, 1 in all; the gateway neither holds nor declares them")
		b.has(40)
		after(10*time.Second, "plant7: is fine")
		if got := w.Total(); got != (ledger.Total{}) {
			t.Errorf("in total %+v", got)
		}
	})
}

// An eviction that goes on and on is never declared whole, and no alarm: each number is within seconds.
func TestLossesThatAreDeclaredInTimeAreNoAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &books{}
		b.watch(t)
		for n := uint64(10); n < 1000; n += 10 {
			b.has(n+10, cloud.Gap{From: 1, To: n - 1, Reason: "evicted"}, missing(n, n+9))
			time.Sleep(10 * time.Second)
		}
		if synctest.Wait(); b.said() != "" {
			t.Errorf("it says %q", b.said())
		}
	})
}

// An alarm that an earlier process raised ends, too.
func TestAnAlarmOfBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &books{raised: []cloud.Alarm{{Gateway: "plant7", Name: cloud.GapAlarm, Own: true, State: isa.Unacknowledged}}}
		b.watch(t)
		if synctest.Wait(); b.said() != "plant7: is fine" {
			t.Errorf("it says %q", b.said())
		}
	})
}

// The real store gives what a watch asks for.
func TestOnTheRealStore(t *testing.T) {
	store, err := local.Open(t.Context(), t.TempDir(), local.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.CreateThing(t.Context(), cloud.Thing{Name: "plant7", Kind: cloud.KindGateway}); err != nil {
		t.Fatal(err)
	}
	if err := store.Declare(t.Context(), "plant7", []cloud.Loss{{Epoch: "A", From: 3, To: 4, Samples: 7, Reason: wire.LossEvicted, Class: "normal"}}); err != nil {
		t.Fatal(err)
	}
	w := ledger.New(ledger.Options{Store: store, Log: slog.New(slog.DiscardHandler), Raise: func(context.Context, string, bool, string, time.Time) error { return nil }})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	want := ledger.Total{Undeclared: 2, LostBlocks: 2, LostSamples: 7}
	for deadline := time.Now().Add(10 * time.Second); w.Total() != want && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if got := w.Total(); got != want {
		t.Errorf("in total %+v, want %+v", got, want)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
