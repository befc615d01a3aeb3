package buffer_test

import (
	"errors"
	"os"
	"path/filepath"
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

// A power cut can bring back a file whose removal was not on disk yet. What was acknowledged of it stays so, and nothing of it looks lost.
func TestASegmentThatComesBackAfterAPowerCutIsGoneAllTheSame(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, buffer.Options{SegmentBytes: 300})
	for i := 1; i <= 5; i++ {
		fill(t, q, i, i)
		if err := q.Ack(uint64(i), uint64(i)); err != nil { // so that the next commit deletes its page
			t.Fatal(err)
		}
	}
	fill(t, q, 6, 40)
	path := filepath.Join(dir, "0000000000000001.seg")
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := q.Stats().Newest
	if err := q.Ack(1, last); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := q.Journal(t.Context(), []byte("a commit that begins no segment"), 1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the first segment is still there: %v", err)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, first, 0o600); err != nil {
		t.Fatal(err)
	}
	q = open(t, dir, buffer.Options{})
	if s := q.Stats(); s.Records != 0 || s.Newest != last || len(q.Losses()) > 0 {
		t.Errorf("after the power cut: %+v, losses %+v", s, q.Losses())
	}
}
