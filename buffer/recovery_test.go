package buffer_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/penstock-edge/penstock/buffer"
)

// change edits a segment's file: the n-th of the folder, counted from behind for n < 0.
func change(t *testing.T, dir string, n int, edit func(b []byte) []byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil || len(files) == 0 {
		t.Fatal("no segments")
	}
	path := files[(n+len(files))%len(files)]
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, edit(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

func closed(t *testing.T, q *buffer.Queue) {
	t.Helper()
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
}

// A number that was given must never be given again, also when the newest segment cannot say any more which it gave.
func TestADamagedNewestSegmentNeverGivesANumberTwice(t *testing.T) {
	for name, edit := range map[string]func([]byte) []byte{
		"first meta page":  func(b []byte) []byte { b[20] ^= 1; return b },
		"second meta page": func(b []byte) []byte { b[4096+60] ^= 1; return b },
		"both meta pages":  func(b []byte) []byte { clear(b[:8192]); return b },
		"cut to nothing":   func([]byte) []byte { return nil },
	} {
		dir := t.TempDir()
		q := open(t, dir, buffer.Options{})
		fill(t, q, 1, 9)
		if err := q.Ack(1, 9); err != nil {
			t.Fatal(err)
		}
		closed(t, q)
		change(t, dir, -1, edit)
		for range 2 { // what was booked at the first opening is not booked again
			q = open(t, dir, buffer.Options{})
			seq, err := q.Append(t.Context(), text(1))
			if err != nil || seq <= 9 {
				t.Errorf("%s: number %d is given after 9, %v", name, seq, err)
			}
			if n := len(q.Losses()); n > 1 {
				t.Errorf("%s: losses %v", name, q.Losses())
			}
			closed(t, q)
		}
	}
}

// One flipped bit in a page of many records costs one record, also when it makes the record's length wrong.
func TestAFlippedBitCostsOneRecord(t *testing.T) {
	for _, at := range []int{-12, -11, -5, 0, 3} { // length, checksum and data of a record in the middle
		dir := t.TempDir()
		q := open(t, dir, buffer.Options{})
		var recs []buffer.Record
		for i := range 100 {
			recs = append(recs, buffer.Record{Class: buffer.Normal, Samples: 1, Data: fmt.Appendf(nil, "this is number %d", i+1)})
		}
		if _, err := q.Append(t.Context(), recs...); err != nil {
			t.Fatal(err)
		}
		closed(t, q)
		change(t, dir, 0, func(b []byte) []byte { b[bytes.Index(b, []byte("this is number 50"))+at] ^= 4; return b })
		q = open(t, dir, buffer.Options{})
		if n := len(all(t, q)); n != 99 {
			t.Errorf("bit at %d: %d records are left", at, n)
		}
		if l := q.Losses(); len(l) != 1 || l[0].From != 50 || l[0].To != 50 || l[0].Reason != buffer.Damaged {
			t.Errorf("bit at %d: losses %+v", at, l)
		}
	}
}

// Acknowledged in part, reopened, evicted: every sample is counted once, though the page's records weigh differently.
func TestCountsStayExactAfterReopening(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, buffer.Options{})
	for range 3 {
		var recs []buffer.Record
		for i := range 10 {
			recs = append(recs, buffer.Record{Class: buffer.Normal, Samples: uint32(i + 1), Data: make([]byte, 88)})
		}
		if _, err := q.Append(t.Context(), recs...); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Ack(3, 5); err != nil { // 3+4+5 samples of the first page
		t.Fatal(err)
	}
	closed(t, q)
	q = open(t, dir, buffer.Options{MaxBytes: 2500})
	if s := q.Stats(); s.Samples != 3*55-12 || s.Records != 27 {
		t.Errorf("after reopening: %+v", s)
	}
	if err := q.Ack(7, 7); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Append(t.Context(), text(1)); err != nil { // the first page gives way
		t.Fatal(err)
	}
	if s := q.Stats(); s.Samples != 2*55+1 || s.Dropped[buffer.Evicted] != (buffer.Dropped{Records: 6, Samples: 55 - 12 - 7}) {
		t.Errorf("after eviction: %+v", s)
	}
	var lost uint64
	for _, l := range q.Losses() {
		lost += l.Samples
	}
	if lost != 55-12-7 {
		t.Errorf("losses %+v", q.Losses())
	}
}

// A folder whose segments were taken away begins at number 1 again, so it must not go on under the epoch it had.
func TestAnEmptiedFolderHasAnotherEpoch(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, buffer.Options{})
	epoch := q.Epoch()
	closed(t, q)
	if err := os.Remove(filepath.Join(dir, "epoch")); err != nil {
		t.Fatal(err)
	}
	q = open(t, dir, buffer.Options{})
	if q.Epoch() != epoch {
		t.Errorf("the epoch was lost with its file, though the segments know it")
	}
	closed(t, q)
	if err := os.Remove(filepath.Join(dir, "0000000000000001.seg")); err != nil {
		t.Fatal(err)
	}
	if q = open(t, dir, buffer.Options{}); q.Epoch() == epoch {
		t.Errorf("numbers begin anew in the same epoch")
	}
}

// A rename that reports an error may have been done all the same. Then the new name would make void whatever the segment before it
// takes, so that takes nothing.
func TestNothingIsTakenWhileANewSegmentIsInDoubt(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, buffer.Options{SegmentBytes: 1})
	fill(t, q, 1, 2)
	third := filepath.Join(dir, "0000000000000003.seg")
	if err := os.Mkdir(third, 0o700); err != nil { // so that the rename fails
		t.Fatal(err)
	}
	for range 2 {
		if seq, err := q.Append(t.Context(), text(3)); err == nil {
			t.Errorf("record %d is taken", seq)
		}
	}
	if err := os.Remove(third); err != nil {
		t.Fatal(err)
	}
	fill(t, q, 3, 5)
	closed(t, q)
	q = open(t, dir, buffer.Options{})
	if got := fmt.Sprint(seqs(all(t, q))); got != "[1 2 3 4 5]" || len(q.Losses()) > 0 {
		t.Errorf("after reopening there are %s, losses %v", got, q.Losses())
	}
}
