package buffer

import (
	"slices"
	"testing"
	"time"
)

// A commit can be on disk although it was reported as failed: its last fsync went wrong. Its numbers are given again then,
// and after a restart it must be the acknowledged records that have them.
func TestAFailedCommitThatIsOnDiskIsVoid(t *testing.T) {
	for _, before := range []int{0, 2} {
		dir := t.TempDir()
		q, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range before {
			if _, err := q.Append(t.Context(), Record{Class: Normal, Data: []byte("earlier")}); err != nil {
				t.Fatal(err)
			}
		}
		if err := q.Journal(t.Context(), []byte("journalled"), 1); err != nil {
			t.Fatal(err)
		}
		void := q.plan([]*request{{seal: true, recs: []Record{{Class: Normal, Data: []byte("void")}, {Class: Normal, Data: []byte("void")}}}}, time.Now())
		if err := void.segment.update(void.write); err != nil {
			t.Fatal(err)
		}
		q.doubt = true
		if seq, err := q.Append(t.Context(), Record{Class: Normal, Data: []byte("good")}); err != nil || seq != uint64(before+1) {
			t.Fatalf("append: %d, %v", seq, err)
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
		if q, err = Open(dir, Options{}); err != nil {
			t.Fatal(err)
		}
		recs, err := q.Next(t.Context(), uint64(before), 10)
		if err != nil || len(recs) != 1 || string(recs[0].Data) != "good" || q.Stats().Newest != uint64(before+1) || len(q.Losses()) > 0 {
			t.Errorf("after %d: %+v, %v, %+v", before, recs, err, q.Losses())
		}
		if !slices.Equal([]string{"journalled"}, texts(q.Unsealed())) {
			t.Errorf("the journal that was never sealed is %q", q.Unsealed())
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func texts(b [][]byte) (out []string) {
	for _, x := range b {
		out = append(out, string(x))
	}
	return out
}
