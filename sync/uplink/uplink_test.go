package uplink_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/sync/uplink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ends is an outbox and the cloud at the other end of the line.
type ends struct {
	mu      sync.Mutex
	blocks  []uplink.Block // in the outbox
	arrived chan struct{}
	broken  error // the outbox cannot be read

	travel  time.Duration                 // how long a block is under way
	answer  func(seq uint64, n int) error // what becomes of the n-th attempt (from 1) at a block; nil: it is stored
	tried   map[uint64]int
	sent    []uint64 // each attempt, in order
	stored  []uint64 // what the cloud has, in order
	acked   []uint64 // what may be forgotten
	refused []uint64
	flying  int
	most    int // blocks under way at once
}

func newEnds(n int) *ends {
	e := &ends{arrived: make(chan struct{}), tried: map[uint64]int{}, travel: 50 * time.Millisecond, answer: func(uint64, int) error { return nil }}
	for range n {
		e.add()
	}
	return e
}

func (e *ends) add() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.blocks = append(e.blocks, uplink.Block{Seq: uint64(len(e.blocks) + 1), Samples: 10})
	close(e.arrived)
	e.arrived = make(chan struct{})
}

func (e *ends) Next(ctx context.Context, after uint64, max int) ([]uplink.Block, error) {
	for {
		e.mu.Lock()
		left, arrived, broken := e.blocks[after:], e.arrived, e.broken
		e.mu.Unlock()
		if broken != nil || len(left) > 0 {
			return left[:min(max, len(left))], broken
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (e *ends) Stored(b uplink.Block) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.acked = append(e.acked, b.Seq)
	return nil
}

func (e *ends) Refused(b uplink.Block, _ error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refused = append(e.refused, b.Seq)
	return nil
}

func (e *ends) Publish(ctx context.Context, b uplink.Block) error {
	e.mu.Lock()
	e.tried[b.Seq]++
	n := e.tried[b.Seq]
	e.sent = append(e.sent, b.Seq)
	e.flying++
	e.most = max(e.most, e.flying)
	e.mu.Unlock()
	select {
	case <-time.After(e.travel):
	case <-ctx.Done():
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.flying--
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err := e.answer(b.Seq, n)
	if err == nil {
		e.stored = append(e.stored, b.Seq)
	}
	return err
}

// during runs the uplink in virtual time while the story is told, and gives Run's error.
func during(t *testing.T, e *ends, window int, story func()) (err error) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- uplink.Run(ctx, e, e, window, slog.New(slog.DiscardHandler)) }()
	story()
	synctest.Wait()
	cancel()
	return <-done
}

func upTo(n uint64) (list []uint64) {
	for i := range n {
		list = append(list, i+1)
	}
	return list
}

func TestBlocksGoOutInOrderAndAreForgottenWhenStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnds(20)
		err := during(t, e, 1, func() {
			time.Sleep(2 * time.Second)
			e.add()
			time.Sleep(time.Second)
		})
		if err != nil || !slices.Equal(e.sent, upTo(21)) || !slices.Equal(e.acked, upTo(21)) {
			t.Errorf("%v; sent %v, forgotten %v; want 1 to 21", err, e.sent, e.acked)
		}
	})
}

func TestSoManyAreUnderWayAtOnceAndNoMore(t *testing.T) {
	for window, most := range map[int]int{1: 1, 3: 3, 0: uplink.DefaultWindow} {
		t.Run(fmt.Sprint(window), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEnds(40)
				err := during(t, e, window, func() { time.Sleep(time.Minute) })
				slices.Sort(e.acked)
				if err != nil || e.most != most || !slices.Equal(e.acked, upTo(40)) {
					t.Errorf("%v; %d under way at once, want %d; forgotten %v", err, e.most, most, e.acked)
				}
			})
		})
	}
}

func TestABlockIsSentUntilItIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnds(3)
		e.answer = func(seq uint64, n int) error {
			if seq == 2 && n < 30 {
				return errors.New("the connection was lost")
			}
			return nil
		}
		err := during(t, e, 2, func() {
			time.Sleep(time.Minute)
			e.mu.Lock()
			acked, n := slices.Clone(e.acked), e.tried[2]
			e.mu.Unlock()
			if !slices.Equal(acked, []uint64{1, 3}) {
				t.Errorf("after a minute of failures %v are forgotten, want all but 2", acked)
			}
			if n < 8 || n > 20 {
				t.Errorf("tried %d times in a minute, want a back-off up to 10 s", n)
			}
			time.Sleep(10 * time.Minute)
		})
		if err != nil || !slices.Equal(e.acked, []uint64{1, 3, 2}) || len(e.refused) != 0 {
			t.Errorf("%v; forgotten %v, refused %v", err, e.acked, e.refused)
		}
	})
}

func TestWhatIsNeverUnderstoodIsGivenUpAtOnceAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnds(5)
		e.answer = func(seq uint64, _ int) error {
			if seq == 3 {
				return fmt.Errorf("0x99: %w", uplink.ErrNotUnderstood)
			}
			return nil
		}
		err := during(t, e, 1, func() { time.Sleep(time.Minute) })
		if err != nil || !slices.Equal(e.refused, []uint64{3}) || !slices.Equal(e.acked, []uint64{1, 2, 4, 5}) || e.tried[3] != 1 {
			t.Errorf("%v; refused %v after %d attempts, forgotten %v", err, e.refused, e.tried[3], e.acked)
		}
	})
}

func TestAStopLeavesWhatIsUnderWayInTheOutbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnds(10)
		e.travel = time.Hour
		began := time.Now()
		err := during(t, e, 4, func() { time.Sleep(time.Second) })
		if took := time.Since(began); err != nil || took != time.Second || len(e.acked)+len(e.refused) != 0 || len(e.sent) != 4 {
			t.Errorf("%v after %v; sent %v, forgotten %v", err, took, e.sent, e.acked)
		}
	})
}

func TestAnOutboxThatCannotBeReadIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnds(0)
		e.broken = errors.New("input/output error")
		if err := during(t, e, 4, func() {}); !errors.Is(err, e.broken) {
			t.Errorf("Run: %v", err)
		}
	})
}
