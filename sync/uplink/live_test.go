package uplink_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/sync/uplink"
)

// TestR8_WhatIsNewOvertakesTheBacklog: after an outage of a thousand blocks, over a line that takes 20 ms a block, each new block is stored in a moment
// while the backlog goes on, and in the end everything is there once.
func TestR8_WhatIsNewOvertakesTheBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnds(0)
		e.line = 20 * time.Millisecond
		err := during(t, e, uplink.Options{}, func() {
			time.Sleep(time.Minute)
			e.cut(true)
			for range 1000 {
				e.add()
				time.Sleep(5 * time.Second)
			}
			e.cut(false)
			var worst time.Duration
			for range 4 {
				seq, sealed := e.add(), time.Now()
				time.Sleep(5 * time.Second)
				e.mu.Lock()
				stored, there := e.at[seq]
				e.mu.Unlock()
				if !there {
					t.Fatalf("block %d, which is new, is not stored after 5 s", seq)
				}
				worst = max(worst, stored.Sub(sealed))
			}
			if e.mu.Lock(); len(e.stored) < 800 {
				t.Errorf("%d blocks are stored after 20 s of a line that takes 1000", len(e.stored))
			}
			e.mu.Unlock()
			if worst > time.Second {
				t.Errorf("a new block took %v", worst)
			}
			t.Logf("a new block took %v at most", worst)
			time.Sleep(time.Minute)
		})
		if err != nil || !slices.Equal(sorted(e.stored), upTo(1004)) {
			t.Errorf("%v; %d stored, each once is wanted", err, len(e.stored))
		}
		if first := slices.IndexFunc(e.stored, func(seq uint64) bool { return seq > 990 }); first > 64 {
			t.Errorf("%d old blocks were stored before the first new one; a window's worth may have been under way", first)
		}
	})
}

// TestTheBacklogKeepsToItsRate: with 10 blocks a second allowed a hundred take ten seconds, and what is new does not count.
func TestTheBacklogKeepsToItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnds(100)
		err := during(t, e, uplink.Options{Rate: 10 * size}, func() {
			for i := range 5 {
				time.Sleep(time.Second)
				seq := e.add()
				time.Sleep(e.travel + time.Millisecond)
				e.mu.Lock()
				if !slices.Contains(e.stored, seq) {
					t.Errorf("block %d, which is new, is not stored after its way", seq)
				}
				if old := len(e.stored) - i - 1; old < 10*(i+1)-2 || old > 10*(i+2)+2 { // a second's worth at once, and then as it comes
					t.Errorf("after %d s %d of the backlog are stored", i+1, old)
				}
				e.mu.Unlock()
			}
			time.Sleep(10 * time.Second)
		})
		if err != nil || !slices.Equal(sorted(e.stored), upTo(105)) {
			t.Errorf("%v; stored %v", err, e.stored)
		}
	})
}

// TestAnswersOfQuotaHoldNobody: eight blocks are answered 0x97 for an hour; what is new and the rest of the backlog are stored meanwhile.
func TestAnswersOfQuotaHoldNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnds(100)
		began := time.Now()
		e.answer = func(seq uint64, _ int) error {
			if seq <= 8 && time.Since(began) < time.Hour {
				return errors.New("0x97: quota exceeded")
			}
			return nil
		}
		err := during(t, e, uplink.Options{Blocks: 8}, func() {
			time.Sleep(time.Second)
			seq := e.add()
			time.Sleep(e.travel + time.Millisecond)
			e.mu.Lock()
			if !slices.Contains(e.stored, seq) {
				t.Errorf("stored %v; %d is new", e.stored, seq)
			}
			e.mu.Unlock()
			time.Sleep(5 * time.Minute)
			e.mu.Lock()
			if len(e.stored) != 93 {
				t.Errorf("%d stored, want all but 8", len(e.stored))
			}
			e.mu.Unlock()
			time.Sleep(time.Hour)
		})
		if err != nil || !slices.Equal(sorted(e.stored), upTo(101)) {
			t.Errorf("%v; %d stored", err, len(e.stored))
		}
	})
}

// TestATargetThatTakesNothingIsAskedAtAPace: everything is refused for an hour; it is not asked more than some times a minute, however much waits.
func TestATargetThatTakesNothingIsAskedAtAPace(t *testing.T) {
	for _, inOrder := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			e := newEnds(1000)
			full := true
			e.answer = func(uint64, int) error {
				if full {
					return errors.New("0x97: quota exceeded")
				}
				return nil
			}
			err := during(t, e, uplink.Options{InOrder: inOrder}, func() {
				time.Sleep(time.Minute)
				e.mu.Lock()
				e.sent = nil
				e.mu.Unlock()
				time.Sleep(time.Hour)
				e.mu.Lock()
				if n := len(e.sent); n < 300 || n > 2000 {
					t.Errorf("asked %d times in an hour", n)
				}
				full = false
				e.mu.Unlock()
				time.Sleep(5 * time.Minute)
			})
			if err != nil || !slices.Equal(sorted(e.stored), upTo(1000)) {
				t.Errorf("%v; %d stored", err, len(e.stored))
			}
		})
	}
}

// TestTheWindowFitsTheRoundTrip: a long way is filled, a slow line is not stuffed, and nothing goes beyond the bounds, the target's included.
func TestTheWindowFitsTheRoundTrip(t *testing.T) {
	for what, c := range map[string]struct {
		travel, line time.Duration
		o            uplink.Options
		most         int
		atLeast      int // blocks stored within a minute
		peak         int // under way at once at most, when things have settled
	}{
		"a long way":                          {travel: 600 * time.Millisecond, o: uplink.Options{}, atLeast: 5500, peak: 64},
		"bounded in bytes":                    {travel: 600 * time.Millisecond, o: uplink.Options{Bytes: 10 * size}, atLeast: 900, peak: 10},
		"the target takes 20, and 4 are left": {travel: 50 * time.Millisecond, o: uplink.Options{Reserve: 4}, most: 20, atLeast: 10000, peak: 16},
		"a slow line":                         {travel: 50 * time.Millisecond, line: 10 * time.Millisecond, atLeast: 5000, peak: 50},
		"a very slow line":                    {travel: 50 * time.Millisecond, line: 500 * time.Millisecond, atLeast: 110, peak: 40},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEnds(50000)
				e.travel, e.line, e.most = c.travel, c.line, c.most
				err := during(t, e, c.o, func() {
					time.Sleep(time.Minute)
					e.mu.Lock()
					e.peak = e.flying
					t.Logf("%d stored in the first minute, %d under way", len(e.stored), e.flying)
					before := len(e.stored)
					e.mu.Unlock()
					time.Sleep(time.Minute)
					e.mu.Lock()
					defer e.mu.Unlock()
					if n := len(e.stored) - before; n < c.atLeast {
						t.Errorf("%d blocks stored in a minute, want %d", n, c.atLeast)
					}
				})
				if err != nil || e.peak > c.peak {
					t.Errorf("%v; %d under way at once, want %d at most", err, e.peak, c.peak)
				}
			})
		})
	}
}
