package uplink_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/sync/uplink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const size = 1000 // bytes of a block

// ends is an outbox and the cloud at the other end of the line.
type ends struct {
	mu      sync.Mutex
	last    uint64          // the number given last
	blocks  map[uint64]bool // in the outbox
	arrived chan struct{}
	broken  error // the outbox cannot be read

	away   bool                          // there is no connection
	back   chan struct{}                 // closed when there is one again
	most   int                           // what the target says it takes at once; 0: it says nothing
	travel time.Duration                 // how long a block is under way
	line   time.Duration                 // how long the line is taken by a block; 0: not at all
	free   time.Time                     // when the line is free again
	answer func(seq uint64, n int) error // what becomes of the n-th attempt (from 1) at a block; nil: it is stored

	tried   map[uint64]int
	sent    []uint64             // each attempt, in order
	stored  []uint64             // what the cloud has, in order
	at      map[uint64]time.Time // when it was stored
	acked   []uint64             // what may be forgotten
	refused []uint64
	flying  int
	peak    int // blocks under way at once
}

func newEnds(n int) *ends {
	e := &ends{
		blocks: map[uint64]bool{}, arrived: make(chan struct{}), back: make(chan struct{}), tried: map[uint64]int{}, at: map[uint64]time.Time{},
		travel: 50 * time.Millisecond, answer: func(uint64, int) error { return nil },
	}
	for range n {
		e.add()
	}
	return e
}

func (e *ends) add() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last++
	e.blocks[e.last] = true
	close(e.arrived)
	e.arrived = make(chan struct{})
	return e.last
}

// cut ends the connection, or brings it back.
func (e *ends) cut(away bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.away = away; !away {
		close(e.back)
		e.back = make(chan struct{})
	}
}

func (e *ends) Reader() uplink.Reader { return e }

func (e *ends) Newest() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last
}

func (e *ends) Next(ctx context.Context, after uint64) (uplink.Block, error) {
	for {
		e.mu.Lock()
		arrived, broken := e.arrived, e.broken
		for seq := after + 1; seq <= e.last; seq++ {
			if e.blocks[seq] {
				e.mu.Unlock()
				return uplink.Block{Seq: seq, Samples: 10, Data: make([]byte, size)}, nil
			}
		}
		e.mu.Unlock()
		if broken != nil {
			return uplink.Block{}, broken
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return uplink.Block{}, ctx.Err()
		}
	}
}

func (e *ends) Stored(b uplink.Block) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.acked = append(e.acked, b.Seq)
	delete(e.blocks, b.Seq)
	return nil
}

func (e *ends) Refused(b uplink.Block, _ error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refused = append(e.refused, b.Seq)
	delete(e.blocks, b.Seq)
	return nil
}

func (e *ends) Ready(ctx context.Context) (int, error) {
	for {
		e.mu.Lock()
		away, back := e.away, e.back
		e.mu.Unlock()
		if !away {
			return e.most, nil
		}
		select {
		case <-back:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// leave is the block's way onto the line: how long it takes to the other end.
func (e *ends) leave(seq uint64) (n int, took time.Duration, away bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tried[seq]++
	e.sent = append(e.sent, seq)
	e.flying++
	e.peak = max(e.peak, e.flying)
	now := time.Now()
	if e.free.Before(now) {
		e.free = now
	}
	e.free = e.free.Add(e.line)
	return e.tried[seq], e.free.Sub(now) + e.travel, e.away
}

func (e *ends) Publish(ctx context.Context, b uplink.Block) error {
	n, took, away := e.leave(b.Seq)
	if away {
		took = 0
	}
	select {
	case <-time.After(took):
	case <-ctx.Done():
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.flying--
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case away || e.away:
		return uplink.ErrAway
	}
	err := e.answer(b.Seq, n)
	if err == nil {
		e.stored = append(e.stored, b.Seq)
		e.at[b.Seq] = time.Now()
	}
	return err
}

// during runs the uplink in virtual time while the story is told, and gives Run's error.
func during(t *testing.T, e *ends, o uplink.Options, story func()) (err error) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- uplink.Run(ctx, e, e, o) }()
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

func sorted(list []uint64) []uint64 {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

func TestBlocksGoOutInOrderAndAreForgottenWhenStored(t *testing.T) {
	for _, inOrder := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			e := newEnds(20)
			err := during(t, e, uplink.Options{Blocks: 1, InOrder: inOrder}, func() {
				time.Sleep(2 * time.Second)
				e.add()
				time.Sleep(time.Second)
			})
			if err != nil || !slices.Equal(e.sent, upTo(21)) || !slices.Equal(e.acked, upTo(21)) {
				t.Errorf("%v; sent %v, forgotten %v; want 1 to 21", err, e.sent, e.acked)
			}
		})
	}
}

func TestABlockIsSentUntilItIsStored(t *testing.T) {
	for _, inOrder := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			e := newEnds(3)
			e.answer = func(seq uint64, n int) error {
				if seq == 2 && n < 30 {
					return errors.New("the store is closed")
				}
				return nil
			}
			err := during(t, e, uplink.Options{InOrder: inOrder}, func() {
				time.Sleep(time.Minute)
				e.mu.Lock()
				acked, n := sorted(e.acked), e.tried[2]
				e.mu.Unlock()
				if !slices.Equal(acked, []uint64{1, 3}) {
					t.Errorf("after a minute of failures %v are forgotten, want all but 2", acked)
				}
				if n < 8 || n > 20 {
					t.Errorf("tried %d times in a minute, want a back-off up to 10 s", n)
				}
				time.Sleep(10 * time.Minute)
			})
			if err != nil || !slices.Equal(sorted(e.acked), upTo(3)) || len(e.refused) != 0 {
				t.Errorf("%v; forgotten %v, refused %v", err, e.acked, e.refused)
			}
		})
	}
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
		err := during(t, e, uplink.Options{Blocks: 1}, func() { time.Sleep(time.Minute) })
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
		err := during(t, e, uplink.Options{Blocks: 5}, func() { time.Sleep(time.Second) })
		if took := time.Since(began); err != nil || took != time.Second || len(e.acked)+len(e.refused) != 0 || len(e.sent) != 4 {
			t.Errorf("%v after %v; sent %v, forgotten %v; want 4, as a place is kept for what is new", err, took, e.sent, e.acked)
		}
	})
}

func TestAnOutboxThatCannotBeReadIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnds(0)
		e.broken = errors.New("input/output error")
		if err := during(t, e, uplink.Options{}, func() {}); !errors.Is(err, e.broken) {
			t.Errorf("Run: %v", err)
		}
	})
}
