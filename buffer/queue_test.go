package buffer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/buffer"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("PENSTOCK_TEST_WRITER"); dir != "" {
		writer(dir)
		return
	}
	if dir := os.Getenv("PENSTOCK_TEST_FULL"); dir != "" {
		if err := full(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, dir string, o buffer.Options) *buffer.Queue {
	t.Helper()
	q, err := buffer.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() })
	return q
}

func text(i int) buffer.Record {
	return buffer.Record{Class: buffer.Normal, Samples: uint32(i % 7), Data: fmt.Appendf(nil, "record %d", i)}
}

// fill appends records from..to, one a commit.
func fill(t testing.TB, q *buffer.Queue, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		if _, err := q.Append(t.Context(), text(i)); err != nil {
			t.Fatal(err)
		}
	}
}

// all takes everything that is there, in the order of delivery. A record that turns out to be damaged is not
// there any more once it was looked for, so the end is known by the counts.
func all(t testing.TB, q *buffer.Queue) (recs []buffer.Record) {
	t.Helper()
	var after uint64
	for uint64(len(recs)) < q.Stats().Records {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		more, err := q.Next(ctx, after, 100)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		recs = append(recs, more...)
		after = recs[len(recs)-1].Seq
	}
	return recs
}

func seqs(recs []buffer.Record) (out []uint64) {
	for _, r := range recs {
		out = append(out, r.Seq)
	}
	return out
}

func TestWhatWasAppendedIsDeliveredInOrderAfterAnyReopening(t *testing.T) {
	dir := t.TempDir()
	epoch := ""
	for round := range 5 {
		q := open(t, dir, buffer.Options{SegmentBytes: 300})
		if epoch == "" {
			epoch = q.Epoch()
		}
		if q.Epoch() != epoch {
			t.Fatalf("epoch changed from %s to %s", epoch, q.Epoch())
		}
		fill(t, q, round*20+1, round*20+20)
		recs := all(t, q)
		if len(recs) != (round+1)*20 {
			t.Fatalf("round %d: %d records, want %d", round, len(recs), (round+1)*20)
		}
		for i, r := range recs {
			if r.Seq != uint64(i+1) || string(r.Data) != fmt.Sprintf("record %d", i+1) || r.Samples != uint32((i+1)%7) {
				t.Fatalf("record %d is %d %q", i+1, r.Seq, r.Data)
			}
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAcknowledgedIsForgottenAndEmptySegmentsAreUnlinked(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, buffer.Options{SegmentBytes: 300})
	fill(t, q, 1, 100)
	segments := q.Stats().Segments
	if segments < 5 {
		t.Fatalf("%d segments, want a chain", segments)
	}
	for _, r := range [][2]uint64{{50, 60}, {1, 49}, {61, 95}, {97, 97}} {
		if err := q.Ack(r[0], r[1]); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(seqs(all(t, q))); got != "[96 98 99 100]" {
		t.Errorf("left are %s", got)
	}
	fill(t, q, 101, 101)
	if n := q.Stats().Segments; n > 3 {
		t.Errorf("%d segments are left", n)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	q = open(t, dir, buffer.Options{})
	if got := fmt.Sprint(seqs(all(t, q))); got != "[96 98 99 100 101]" {
		t.Errorf("after reopening left are %s", got)
	}
	fill(t, q, 102, 102)
	if got := q.Stats().Newest; got != 102 {
		t.Errorf("newest %d, want 102", got)
	}
}

func TestASealReplacesItsJournalInOneStep(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, buffer.Options{})
	for i := range 3 {
		if err := q.Journal(t.Context(), []byte{byte(i)}, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	q = open(t, dir, buffer.Options{})
	if got := fmt.Sprint(q.Unsealed()); got != "[[0] [1] [2]]" {
		t.Fatalf("unsealed %s", got)
	}
	if _, err := q.Seal(t.Context(), text(1)); err != nil {
		t.Fatal(err)
	}
	if err := q.Journal(t.Context(), []byte{9}, 1); err != nil {
		t.Fatal(err)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	q = open(t, dir, buffer.Options{})
	if got := fmt.Sprint(q.Unsealed()); got != "[[9]]" {
		t.Errorf("unsealed after a seal: %s", got)
	}
	if n := len(all(t, q)); n != 1 {
		t.Errorf("%d records, want the sealed one", n)
	}
}

func TestTheJournalMovesIntoANewSegment(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, buffer.Options{SegmentBytes: 200})
	if err := q.Journal(t.Context(), []byte("early"), 1); err != nil {
		t.Fatal(err)
	}
	fill(t, q, 1, 50)
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	q = open(t, dir, buffer.Options{})
	if got := q.Unsealed(); len(got) != 1 || string(got[0]) != "early" {
		t.Errorf("unsealed %q", got)
	}
}

func TestAFullBufferGivesUpTheOldestOfTheLeastClassAndCounts(t *testing.T) {
	q := open(t, t.TempDir(), buffer.Options{MaxBytes: 10 * 112, SegmentBytes: 400})
	var appended, lost, left uint64
	for i := range 50 {
		r := buffer.Record{Class: buffer.Class(i % 3), Samples: uint32(i + 1), Data: make([]byte, 100)}
		appended += uint64(r.Samples)
		if _, err := q.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	classes := map[buffer.Class]int{}
	for _, r := range all(t, q) {
		classes[r.Class]++
		left += uint64(r.Samples)
	}
	if classes[buffer.Alarm] != 10 || len(classes) != 1 {
		t.Errorf("left by class: %v, want 10 alarms and nothing else", classes)
	}
	for _, l := range q.Losses() {
		lost += l.Samples
	}
	if s := q.Stats(); lost+left != appended || s.Dropped[buffer.Evicted].Samples != lost || s.Samples != left {
		t.Errorf("appended %d, left %d, declared %d, counted %+v", appended, left, lost, s)
	}
}

func TestDropNewestRefuses(t *testing.T) {
	q := open(t, t.TempDir(), buffer.Options{MaxBytes: 250, Full: buffer.DropNewest})
	r := buffer.Record{Class: buffer.Normal, Data: make([]byte, 100)}
	for i, want := range []error{nil, nil, buffer.ErrFull} {
		if _, err := q.Append(t.Context(), r); !errors.Is(err, want) {
			t.Fatalf("append %d: %v, want %v", i, err, want)
		}
	}
	if err := q.Ack(1, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Append(t.Context(), r); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func TestOldRecordsAreGivenUp(t *testing.T) {
	q := open(t, t.TempDir(), buffer.Options{MaxAge: 20 * time.Millisecond})
	fill(t, q, 1, 3)
	time.Sleep(30 * time.Millisecond)
	fill(t, q, 4, 4)
	if got := fmt.Sprint(seqs(all(t, q))); got != "[4]" {
		t.Errorf("left are %s", got)
	}
	if l := q.Losses(); len(l) != 1 || l[0].From != 1 || l[0].To != 3 || l[0].Reason != buffer.Evicted {
		t.Errorf("losses %+v", l)
	}
}

func TestLossesStayUntilTheyAreForgotten(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, buffer.Options{})
	fill(t, q, 1, 5)
	if err := q.Discard(3); err != nil {
		t.Fatal(err)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	q = open(t, dir, buffer.Options{})
	want := buffer.Loss{From: 3, To: 3, Samples: 3, Reason: buffer.Damaged, Class: buffer.Normal}
	if l := q.Losses(); len(l) != 1 || l[0] != want {
		t.Fatalf("losses %+v, want %+v", l, want)
	}
	if err := q.Forget(want); err != nil {
		t.Fatal(err)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	q = open(t, dir, buffer.Options{})
	if l := q.Losses(); len(l) != 0 {
		t.Errorf("losses after Forget: %+v", l)
	}
}

func TestNextWaitsForARecordOrTheEnd(t *testing.T) {
	q := open(t, t.TempDir(), buffer.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan []buffer.Record, 1)
	go func() {
		recs, err := q.Next(ctx, 0, 10)
		if err != nil {
			t.Error(err)
		}
		got <- recs
	}()
	fill(t, q, 1, 1)
	if recs := <-got; len(recs) != 1 || recs[0].Seq != 1 {
		t.Errorf("got %+v", recs)
	}
	cancel()
	if _, err := q.Next(ctx, 1, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

func TestASecondProcessIsTold(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, buffer.Options{})
	if _, err := buffer.Open(dir, buffer.Options{}); !errors.Is(err, buffer.ErrInUse) {
		t.Errorf("second open: %v", err)
	}
}

func TestManyWritersOneReader(t *testing.T) {
	q := open(t, t.TempDir(), buffer.Options{SegmentBytes: 4000})
	const writers, each = 16, 50
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for i := range each {
				if _, err := q.Append(t.Context(), text(i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := map[uint64]bool{}
	var after uint64
	for len(seen) < writers*each {
		recs, err := q.Next(t.Context(), after, 1+rand.IntN(20))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range recs {
			if seen[r.Seq] || r.Seq <= after {
				t.Fatalf("record %d came twice or late", r.Seq)
			}
			seen[r.Seq], after = true, r.Seq
		}
		if err := q.Ack(recs[0].Seq, after); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	if s := q.Stats(); s.Records != 0 || s.Samples != 0 || s.Bytes != 0 {
		t.Errorf("left over: %+v", s)
	}
}

// TestR11_NothingIsGivenUpForItsAgeWhileNobodyKnowsTheTime: nor afterwards, if it came then.
func TestR11_NothingIsGivenUpForItsAgeWhileNobodyKnowsTheTime(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	q := open(t, t.TempDir(), buffer.Options{MaxAge: time.Hour, Now: func() time.Time { return now }})
	fill(t, q, 1, 1)
	sure := now
	now = time.Unix(0, 0)
	fill(t, q, 2, 2)
	if got := fmt.Sprint(seqs(all(t, q))); got != "[1 2]" {
		t.Errorf("left are %s", got)
	}
	now = sure.Add(2 * time.Hour)
	fill(t, q, 3, 3)
	if got := fmt.Sprint(seqs(all(t, q))); got != "[2 3]" {
		t.Errorf("left are %s", got)
	}
}
