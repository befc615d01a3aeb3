package buffer_test

import (
	"testing"

	"github.com/penstock-edge/penstock/buffer"
)

// A number given once is never given again, also when all that had numbers is acknowledged and gone: the receiver would take what comes
// under a number that it knows for a repeat, and forget it.
func TestNumbersGoOnAfterReopening(t *testing.T) {
	dir := t.TempDir()
	last := uint64(0)
	for life := range 4 {
		q := open(t, dir, buffer.Options{})
		if left := q.Stats().Records; left != 0 {
			t.Errorf("life %d: %d records are left of those acknowledged", life, left)
		}
		for range 3 {
			seq, err := q.Append(t.Context(), text(1))
			if err != nil {
				t.Fatal(err)
			}
			if seq <= last {
				t.Errorf("life %d: number %d is given after %d", life, seq, last)
			}
			last = seq
			if err := q.Ack(seq, seq); err != nil {
				t.Fatal(err)
			}
		}
		if err := q.Journal(t.Context(), []byte("the next commit clears away what was acknowledged"), 1); err != nil {
			t.Fatal(err)
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
