package storetest

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/wire"
)

// after puts one block whose gateway says that the numbers between prev and its own were never for this cloud.
func (f *fixture) after(prev, seq uint64) (fresh bool) {
	f.t.Helper()
	b := f.batch("plant7", "A", seq, at(int64(seq), 1))
	b.Skipped = seq - 1 - prev
	stored, err := f.Append(f.t.Context(), b)
	f.must(err)
	return stored[0]
}

// testFiltered: numbers that were never for this cloud are no gap, in whatever order blocks come, and one that comes after all is stored.
func testFiltered(t *testing.T, open Open) {
	for name, order := range map[string][][2]uint64{
		"in order":  {{0, 3}, {3, 4}, {4, 9}, {10, 12}},
		"backwards": {{10, 12}, {4, 9}, {3, 4}, {0, 3}},
		"mixed":     {{4, 9}, {0, 3}, {10, 12}, {3, 4}, {4, 9}},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, open)
			f.gateway("plant7")
			var repeats uint64
			for _, b := range order {
				if !f.after(b[0], b[1]) {
					repeats++
				}
			}
			f.reopen()
			f.wantLedger("plant7", cloud.EpochLedger{Epoch: "A", StoredBlocks: 4, StoredSamples: 4, FirstSeq: 3, LastSeq: 12, Filtered: 7, Repeats: repeats,
				Gaps: []cloud.Gap{{From: 10, To: 10, Reason: cloud.Missing}}})
			if !f.after(5, 6) || f.after(5, 6) {
				t.Error("a block that was never to come must be new the first time and a repeat the second")
			}
			f.wantLedger("plant7", cloud.EpochLedger{Epoch: "A", StoredBlocks: 5, StoredSamples: 5, FirstSeq: 3, LastSeq: 12, Filtered: 6, Repeats: repeats + 1,
				Gaps: []cloud.Gap{{From: 10, To: 10, Reason: cloud.Missing}}})

			// What is declared lost is lost, whatever else was said of it, before or after.
			f.must(f.Declare(t.Context(), "plant7", []cloud.Loss{{Epoch: "A", From: 7, To: 10, Samples: 5, Reason: "evicted"}, {Epoch: "A", From: 14, To: 15, Samples: 2, Reason: "damaged"}}))
			f.after(12, 17)
			f.wantLedger("plant7", cloud.EpochLedger{Epoch: "A", StoredBlocks: 6, StoredSamples: 6, FirstSeq: 3, LastSeq: 17, Filtered: 6, Repeats: repeats + 1,
				Gaps: []cloud.Gap{{From: 7, To: 8, Samples: 5, Reason: "evicted"}, {From: 10, To: 10, Reason: "evicted"}, {From: 14, To: 15, Samples: 2, Reason: "damaged"}}})
			bad := f.batch("plant7", "A", 20, at(1, 1))
			bad.Skipped = 20
			if _, err := f.Append(t.Context(), bad); err == nil {
				t.Error("more numbers than there are below a block were taken for never sent")
			}
		})
	}
}

// testFilteredAtRandom holds the account against a plain list, whatever is for this cloud, is declared lost, never comes, and in whatever order.
func testFilteredAtRandom(t *testing.T, open Open) {
	r := rand.New(rand.NewPCG(3, 4))
	const numbers = 400
	f := start(t, open)
	f.gateway("plant7")
	var ours []uint64 // numbers that are for this cloud
	for n := uint64(1); n <= numbers; n++ {
		if r.IntN(3) > 0 {
			ours = append(ours, n)
		}
	}
	known := map[uint64]string{} // what is to be known of a number
	last := uint64(0)
	for _, i := range r.Perm(len(ours)) {
		n, prev := ours[i], uint64(0)
		if i > 0 {
			prev = ours[i-1]
		}
		switch r.IntN(12) {
		case 0:
			continue // it never comes, and nobody says so
		case 1:
			f.must(f.Declare(t.Context(), "plant7", []cloud.Loss{{Epoch: "A", From: n, To: n, Samples: 1, Reason: "evicted"}}))
			known[n] = "evicted"
		default:
			if !f.after(prev, n) {
				t.Errorf("%d was taken for a repeat", n)
			}
			known[n] = "stored"
			for k := prev + 1; k < n; k++ {
				known[k] = "filtered"
			}
		}
		last = max(last, n)
	}
	ledger, err := f.Ledger(t.Context(), "plant7")
	f.must(err)
	gap := map[uint64]string{}
	for _, g := range ledger.Epochs[0].Gaps {
		for n := g.From; n <= g.To; n++ {
			gap[n] = g.Reason
		}
	}
	for n := uint64(1); n <= numbers; n++ {
		want := known[n]
		switch want {
		case "stored", "filtered":
			want = ""
		case "":
			want = cloud.Missing
		}
		if n > last {
			want = ""
		}
		if gap[n] != want {
			t.Errorf("number %d is %q, want %q", n, gap[n], want)
		}
	}
}

// testHeld: what a gateway says it still holds only grows, whatever the order its blocks come in; and who has gaps can be asked.
func testHeld(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	f.gateway("plant7")
	f.gateway("plant8")
	f.put("plant8", "A", 1, at(1, 1))
	put := func(seq, oldest uint64) {
		b := f.batch("plant7", "A", seq, at(int64(seq), 1))
		b.Oldest = oldest
		_, err := f.Append(ctx, b)
		f.must(err)
	}
	put(1, 1)
	incomplete := func(want ...string) {
		t.Helper()
		if got, err := f.Incomplete(ctx); err != nil || !slices.Equal(got, want) {
			t.Errorf("incomplete: %v, %v; want %v", got, err, want)
		}
	}
	incomplete()
	put(9, 5)
	put(8, 3)
	incomplete("plant7")
	ledger, err := f.Ledger(ctx, "plant7")
	f.must(err)
	if s := ledger.Standing(); ledger.Epochs[0].Held != 5 || s.Undeclared != 3 || s.Waiting != 3 || s.Blocks != 3 {
		t.Errorf("%+v: %+v", s, ledger)
	}
	f.must(f.Declare(ctx, "plant7", []cloud.Loss{{Epoch: "A", From: 2, To: 4, Samples: 6, Reason: "evicted"}}))
	f.put("plant7", "B", 1, at(20, 1)) // the buffer was wiped: what was left in it waits no longer
	ledger, err = f.Ledger(ctx, "plant7")
	f.must(err)
	if s := ledger.Standing(); s.Undeclared != 3 || s.Waiting != 0 || s.LostBlocks != 3 || s.LostSamples != 6 {
		t.Errorf("%+v: %+v", s, ledger)
	}
}

// testThinned: blocks that come with fewer samples are no gap, and said.
func testThinned(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	f.gateway("plant7")
	f.put("plant7", "A", 1, at(1, 1))
	thinned := func(from, to, samples uint64) {
		f.must(f.Declare(ctx, "plant7", []cloud.Loss{{Epoch: "A", From: from, To: to, Samples: samples, Reason: wire.LossDownsampled, Class: "normal"}}))
	}
	thinned(1, 2, 40)
	thinned(1, 2, 40)
	thinned(1, 3, 90) // three blocks by now, and the first two once more
	f.put("plant7", "A", 2, at(2, 2))
	f.must(f.Declare(ctx, "plant7", []cloud.Loss{{Epoch: "A", From: 3, To: 3, Samples: 5, Reason: "evicted", Class: "normal"}})) // what was left of it
	f.wantLedger("plant7", cloud.EpochLedger{Epoch: "A", StoredBlocks: 2, StoredSamples: 2, FirstSeq: 1, LastSeq: 2,
		Thinned: []cloud.Gap{{From: 1, To: 3, Samples: 90, Reason: wire.LossDownsampled, Class: "normal"}},
		Gaps:    []cloud.Gap{{From: 3, To: 3, Samples: 5, Reason: "evicted", Class: "normal"}}})
}

// testGivenUp: what never had a number is a sum for each reason, that only grows.
func testGivenUp(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	f.gateway("plant7")
	for _, n := range []uint64{5, 9, 7} {
		f.must(f.GiveUp(ctx, "plant7", []cloud.GivenUp{{Epoch: "A", Samples: n, Reason: "refused"}, {Epoch: "A", Samples: n / 9, Reason: "memory"}}))
	}
	if f.GiveUp(ctx, "plant7", []cloud.GivenUp{{Samples: 1, Reason: "refused"}}) == nil {
		t.Error("a sum without an epoch was taken")
	}
	f.wantLedger("plant7", cloud.EpochLedger{Epoch: "A", GivenUp: []cloud.GivenUp{{Samples: 1, Reason: "memory"}, {Samples: 9, Reason: "refused"}}})
	ledger, err := f.Ledger(ctx, "plant7")
	f.must(err)
	if s := ledger.Standing(); s.GivenUp != 10 || s.LostSamples != 0 {
		t.Errorf("%+v", s)
	}
	if names, err := f.Incomplete(ctx); err != nil || len(names) != 1 {
		t.Errorf("incomplete: %v, %v", names, err)
	}
}

// testCameAfterAll: a block that was under way when its gateway gave it up is taken out of what was declared, with its samples; and the
// gateway may say so, too.
func testCameAfterAll(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	f.gateway("plant7")
	declare := func(from, to, samples uint64) {
		f.must(f.Declare(ctx, "plant7", []cloud.Loss{{Epoch: "A", From: from, To: to, Samples: samples, Reason: "evicted", Class: "keep"}}))
	}
	declare(1, 5, 10)
	f.put("plant7", "A", 3, at(1, 1), at(2, 1))
	want := cloud.EpochLedger{Epoch: "A", StoredBlocks: 1, StoredSamples: 2, FirstSeq: 3, LastSeq: 3,
		Gaps: []cloud.Gap{{From: 1, To: 2, Samples: 8, Reason: "evicted", Class: "keep"}, {From: 4, To: 5, Reason: "evicted", Class: "keep"}}}
	f.wantLedger("plant7", want)
	declare(1, 2, 8)
	declare(4, 5, 0)
	f.wantLedger("plant7", want)
	declare(4, 4, 0) // the alarm beside it is of another class
	f.must(f.Declare(ctx, "plant7", []cloud.Loss{{Epoch: "A", From: 5, To: 5, Reason: "evicted", Class: "alarm"}}))
	want.Gaps = []cloud.Gap{want.Gaps[0], {From: 4, To: 4, Reason: "evicted", Class: "keep"}, {From: 5, To: 5, Reason: "evicted", Class: "alarm"}}
	f.wantLedger("plant7", want)
}
