package storetest

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/wire"
)

func testSequence(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	f.gateway("plant7")
	f.gateway("plant8")
	if !f.put("plant7", "A", 1, at(1, 1)) || f.put("plant7", "A", 1, at(1, 1)) {
		t.Error("a block must be new the first time and a repeat the second")
	}
	if !f.put("plant7", "B", 1, at(2, 2)) || !f.put("plant8", "A", 1, at(1, 1)) {
		t.Error("another epoch or another gateway has numbers of its own")
	}
	for range 2 {
		if !f.put("plant7", "", 0, at(3, 3)) {
			t.Error("a message without a number is always new")
		}
	}
	f.wants(f.read(cloud.Query{Thing: "plant7", Point: "p"}), at(1, 1), at(2, 2), at(3, 3), at(3, 3))

	// Two of three in one call are repeats, one of them of its own neighbour.
	stored, err := f.Append(ctx, f.batch("plant7", "A", 1, at(9, 9)), f.batch("plant7", "A", 2, at(4, 4)), f.batch("plant7", "A", 2, at(9, 9)))
	f.must(err)
	if want := []bool{false, true, false}; !reflect.DeepEqual(stored, want) {
		t.Errorf("stored %v, want %v", stored, want)
	}
	f.wants(f.read(cloud.Query{Thing: "plant7", Point: "p", Last: 1}), at(4, 4))
	f.wantLedger("plant7",
		cloud.EpochLedger{Epoch: "A", StoredBlocks: 2, StoredSamples: 2, FirstSeq: 1, LastSeq: 2, Repeats: 3},
		cloud.EpochLedger{Epoch: "B", StoredBlocks: 1, StoredSamples: 1, FirstSeq: 1, LastSeq: 1})
}

// testLedger: what came and what did not, whatever the order it came in.
func testLedger(t *testing.T, open Open) {
	t.Run("gaps by reason", func(t *testing.T) { testGaps(t, open) })
	t.Run("any order", func(t *testing.T) { testAnyOrder(t, open) })
	t.Run("declared twice", func(t *testing.T) { testDeclaredTwice(t, open) })
	t.Run("never for this cloud", func(t *testing.T) { testFiltered(t, open) })
	t.Run("never for this cloud, at random", func(t *testing.T) { testFilteredAtRandom(t, open) })
	t.Run("held", func(t *testing.T) { testHeld(t, open) })
	t.Run("given up", func(t *testing.T) { testGivenUp(t, open) })
	t.Run("thinned", func(t *testing.T) { testThinned(t, open) })
	t.Run("came after all", func(t *testing.T) { testCameAfterAll(t, open) })
	t.Run("nothing to say", func(t *testing.T) {
		f, ctx := start(t, open), t.Context()
		f.gateway("plant7")
		f.wantLedger("plant7")
		if _, err := f.Ledger(ctx, "nobody"); !errors.Is(err, cloud.ErrNotFound) {
			t.Errorf("ledger of an unknown gateway: %v, want ErrNotFound", err)
		}
		bad := []cloud.Loss{{From: 1, To: 2, Reason: "evicted"}, {Epoch: "A", From: 2, To: 1, Reason: "evicted"},
			{Epoch: "A", To: 1, Reason: "evicted"}, {Epoch: "A", From: 1, To: 1, Reason: "missing"}}
		for _, l := range bad {
			if f.Declare(ctx, "plant7", []cloud.Loss{{Epoch: "A", From: 7, To: 8, Reason: "evicted"}, l}) == nil {
				t.Errorf("%+v was taken for a loss", l)
			}
		}
		f.wantLedger("plant7")
	})
}

func testGaps(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	f.gateway("plant7")
	for _, seq := range []uint64{3, 4, 10, 11} {
		f.put("plant7", "A", seq, at(int64(seq), 1), at(int64(seq), 2))
	}
	f.must(f.Declare(ctx, "plant7", []cloud.Loss{
		{Epoch: "A", From: 6, To: 7, Samples: 20, Reason: "evicted"},
		{Epoch: "A", From: 8, To: 8, Samples: 5, Reason: "damaged"},
		{Epoch: "A", From: 13, To: 14, Samples: 9, Reason: "evicted"}, // beyond what has come
		{Epoch: "B", From: 1, To: 4, Samples: 4, Reason: "evicted"},   // an epoch of which nothing came
	}))
	f.wantLedger("plant7",
		cloud.EpochLedger{Epoch: "A", StoredBlocks: 4, StoredSamples: 8, FirstSeq: 3, LastSeq: 11, Gaps: []cloud.Gap{
			{From: 1, To: 2, Reason: "missing"}, {From: 5, To: 5, Reason: "missing"}, {From: 6, To: 7, Samples: 20, Reason: "evicted"},
			{From: 8, To: 8, Samples: 5, Reason: "damaged"}, {From: 9, To: 9, Reason: "missing"},
			{From: 12, To: 12, Reason: "missing"}, {From: 13, To: 14, Samples: 9, Reason: "evicted"}}},
		cloud.EpochLedger{Epoch: "B", Gaps: []cloud.Gap{{From: 1, To: 4, Samples: 4, Reason: "evicted"}}})

	// What was given up comes after all: it is stored, and no gap; its one sample is not lost.
	f.put("plant7", "A", 8, at(8, 1))
	f.put("plant7", "A", 7, at(7, 1))
	ledger, err := f.Ledger(ctx, "plant7")
	f.must(err)
	want := []cloud.Gap{{From: 1, To: 2, Reason: "missing"}, {From: 5, To: 5, Reason: "missing"}, {From: 6, To: 6, Samples: 19, Reason: "evicted"},
		{From: 9, To: 9, Reason: "missing"}, {From: 12, To: 12, Reason: "missing"}, {From: 13, To: 14, Samples: 9, Reason: "evicted"}}
	if got := ledger.Epochs[0].Gaps; !reflect.DeepEqual(got, want) {
		t.Errorf("gaps are %+v, want %+v", got, want)
	}
}

func testAnyOrder(t *testing.T, open Open) {
	f := start(t, open)
	f.gateway("plant7")
	order := rand.New(rand.NewPCG(1, 2)).Perm(300)
	var all sync.WaitGroup
	for part := range 4 { // from several connections at once
		all.Go(func() {
			for i, n := range order {
				if i%4 != part {
					continue
				}
				if _, err := f.Append(t.Context(), f.fresh().batch("plant7", "A", uint64(n)+1, at(int64(n), 1))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	f.wantLedger("plant7", cloud.EpochLedger{Epoch: "A", StoredBlocks: 300, StoredSamples: 300, FirstSeq: 1, LastSeq: 300})
	for _, n := range order[:50] {
		if f.put("plant7", "A", uint64(n)+1, at(int64(n), 1)) {
			t.Fatalf("block %d was stored twice", n+1)
		}
	}
}

func testDeclaredTwice(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	f.gateway("plant7")
	declare := func(from, to, samples uint64) {
		f.must(f.Declare(ctx, "plant7", []cloud.Loss{{Epoch: "A", From: from, To: to, Samples: samples, Reason: "evicted"}}))
	}
	gaps := func(want ...cloud.Gap) {
		t.Helper()
		f.wantLedger("plant7", cloud.EpochLedger{Epoch: "A", Gaps: want})
	}
	declare(1, 5, 50)
	declare(1, 5, 50)
	declare(2, 3, 20) // a part of what is known
	gaps(cloud.Gap{From: 1, To: 5, Samples: 50, Reason: "evicted"})
	declare(1, 9, 90) // the run has grown
	gaps(cloud.Gap{From: 1, To: 9, Samples: 90, Reason: "evicted"})
	declare(8, 12, 30) // overlaps: its own word of its own numbers, and what is left to the others
	gaps(cloud.Gap{From: 1, To: 12, Samples: 90, Reason: "evicted"})
}

// fresh is the fixture with an encoder of its own, for another goroutine.
func (f *fixture) fresh() *fixture {
	own := *f
	own.enc = wire.NewEncoder(wire.Balanced)
	return &own
}

func (f *fixture) wantLedger(gateway string, want ...cloud.EpochLedger) {
	f.t.Helper()
	got, err := f.Ledger(f.t.Context(), gateway)
	f.must(err)
	if len(got.Epochs) != len(want) {
		f.t.Fatalf("ledger has %d epochs, want %d: %+v", len(got.Epochs), len(want), got)
	}
	for i := range want {
		if want[i].Gaps == nil {
			want[i].Gaps = []cloud.Gap{}
		}
		if want[i].GivenUp == nil {
			want[i].GivenUp = []cloud.GivenUp{}
		}
		if want[i].Thinned == nil {
			want[i].Thinned = []cloud.Gap{}
		}
		if !reflect.DeepEqual(got.Epochs[i], want[i]) {
			f.t.Errorf("epoch %s:\ngot  %+v\nwant %+v", want[i].Epoch, got.Epochs[i], want[i])
		}
	}
}
