package uplink_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/sync/uplink"
)

// lane is an outbox of its own on the publisher of another's ends.
type lane struct {
	*ends
	to *ends
}

func (e *ends) forgotten() []uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.acked)
}

const urgent = 1_000_000 // is added to an urgent block's number for the publisher

func (l lane) Publish(ctx context.Context, b uplink.Block) error {
	b.Seq += urgent
	return l.to.Publish(ctx, b)
}

// TestALaneDoesNotWaitForAnother: blocks are under way for an hour each, or refused as busy for ever, and a thousand wait behind
// them; what comes in the other lane is stored at once.
func TestALaneDoesNotWaitForAnother(t *testing.T) {
	for name, answer := range map[string]func(uint64, int) error{
		"slow": func(uint64, int) error { time.Sleep(time.Hour); return nil },
		"busy": func(uint64, int) error { return errors.New("0x97: quota exceeded") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				blocks, alarms := newEnds(1000), newEnds(0)
				blocks.answer = func(seq uint64, n int) error {
					if seq > urgent {
						return nil
					}
					blocks.mu.Unlock() // the publisher answers the others meanwhile
					defer blocks.mu.Lock()
					return answer(seq, n)
				}
				ctx, cancel := context.WithCancel(t.Context())
				var lanes sync.WaitGroup
				lanes.Go(func() { _ = uplink.Run(ctx, blocks, blocks, uplink.Options{}) })
				lanes.Go(func() { _ = uplink.Run(ctx, alarms, lane{alarms, blocks}, uplink.Options{Blocks: 2, InOrder: true}) })
				time.Sleep(time.Minute)
				for n := range 3 {
					alarms.add()
					time.Sleep(blocks.travel + time.Millisecond)
					if stored := alarms.forgotten(); !slices.Equal(stored, upTo(uint64(n+1))) {
						t.Errorf("after one way %v of %d alarms are stored", stored, n+1)
					}
				}
				if stored := blocks.forgotten(); len(stored) != 0 {
					t.Errorf("blocks %v are stored", stored)
				}
				cancel()
				lanes.Wait()
			})
		})
	}
}
