package buffer

import (
	"testing"

	"pgregory.net/rapid"
)

// Ranges are a set, whatever is done to them, and their runs are in order and apart.
func TestRangesAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r ranges
		set := map[uint64]bool{}
		number := rapid.Uint64Range(1, 60)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			from, to := number.Draw(t, "from"), number.Draw(t, "to")
			from, to = min(from, to), max(from, to)
			if rapid.IntRange(0, 9).Draw(t, "what") == 0 {
				r.below(from)
				for n := range from {
					delete(set, n)
				}
				continue
			}
			before := len(set)
			added := r.add(from, to)
			for n := from; n <= to; n++ {
				set[n] = true
			}
			if int(added) != len(set)-before {
				t.Fatalf("add %d..%d says %d new, they are %d", from, to, added, len(set)-before)
			}
		}
		checkSet(t, r, set)
	})
}

func checkSet(t *rapid.T, r ranges, set map[uint64]bool) {
	for n := uint64(1); n <= 61; n++ {
		if r.has(n) != set[n] || r.covers(n, n) != set[n] {
			t.Fatalf("%d in %v: has %v, covers %v, want %v", n, r, r.has(n), r.covers(n, n), set[n])
		}
	}
	for i := 1; i < len(r); i++ {
		if r[i].from <= r[i-1].to+1 {
			t.Fatalf("runs touch: %v", r)
		}
	}
	both := r.within(5, 40)
	for _, x := range r.holes(5, 40) {
		both.add(x.from, x.to)
	}
	if len(both) != 1 || both[0] != (run{5, 40}) {
		t.Fatalf("within and holes of %v do not add up: %v", r, both)
	}
	var again ranges
	for _, x := range r {
		if key, value := x.entry(); !again.parse(key, value) {
			t.Fatalf("%v does not come back from disk", x)
		}
	}
	if len(again) != len(r) {
		t.Fatalf("%v came back as %v", r, again)
	}
}
