package buffer_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/buffer"
)

func of(class buffer.Class, text string) buffer.Record {
	return buffer.Record{Class: class, Samples: 1, Data: []byte(text)}
}

// allOf takes everything of some classes that is there now.
func allOf(t testing.TB, q *buffer.Queue, max int, classes ...buffer.Class) (recs []buffer.Record) {
	t.Helper()
	var after uint64
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond) // what is there is given whatever ctx says
		more, err := q.NextOf(ctx, after, max, classes...)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return recs
		}
		if err != nil {
			t.Fatal(err)
		}
		recs = append(recs, more...)
		after = recs[len(recs)-1].Seq
	}
}

// TestEachClassIsDeliveredByItselfInItsOrder holds random appends and acknowledgements, in any order and across reopening, against a list.
func TestEachClassIsDeliveredByItselfInItsOrder(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	q := open(t, dir, buffer.Options{SegmentBytes: 20_000})
	left := map[uint64]buffer.Class{}
	for round := range 6 {
		for range 25 {
			var batch []buffer.Record
			for range 1 + dice.IntN(20) {
				batch = append(batch, of(buffer.Class(dice.IntN(3)), "some bytes of a record"))
			}
			last, err := q.Append(t.Context(), batch...)
			if err != nil {
				t.Fatal(err)
			}
			slices.SortStableFunc(batch, func(a, b buffer.Record) int { return int(a.Class) - int(b.Class) }) // numbers are given class by class
			for i, r := range batch {
				left[last-uint64(len(batch)-1-i)] = r.Class
			}
			for seq := range left {
				if dice.IntN(3) > 0 {
					break
				}
				if err := q.Ack(seq, seq); err != nil {
					t.Fatal(err)
				}
				delete(left, seq)
			}
		}
		if round%2 == 1 {
			if err := q.Close(); err != nil {
				t.Fatal(err)
			}
			q = open(t, dir, buffer.Options{SegmentBytes: 20_000})
		}
		for _, classes := range [][]buffer.Class{{buffer.Alarm}, {buffer.Keep}, {buffer.Keep, buffer.Normal}, {buffer.Alarm, buffer.Keep, buffer.Normal}, nil} {
			var want []uint64
			for seq, class := range left {
				if len(classes) == 0 || slices.Contains(classes, class) {
					want = append(want, seq)
				}
			}
			slices.Sort(want)
			if got := seqs(allOf(t, q, 1+dice.IntN(30), classes...)); !slices.Equal(got, want) {
				t.Fatalf("round %d, classes %v: %d records, want %d\n%v\n%v", round, classes, len(got), len(want), got, want)
			}
		}
	}
}

// TestAnAlarmIsThereAtOnceBehindABacklog: whoever waits for alarms gets one as soon as it is on disk, and no record twice with who waits for
// the rest.
func TestAnAlarmIsThereAtOnceBehindABacklog(t *testing.T) {
	q := open(t, t.TempDir(), buffer.Options{SegmentBytes: 1 << 20})
	blocks := slices.Repeat([]buffer.Record{of(buffer.Normal, "a block that is far from the end of the line")}, 1000)
	for range 30 {
		if _, err := q.Append(t.Context(), blocks...); err != nil {
			t.Fatal(err)
		}
	}
	got := make(chan buffer.Record, 1)
	var waiting sync.WaitGroup
	waiting.Go(func() {
		recs, err := q.NextOf(t.Context(), 0, 10, buffer.Alarm)
		if err != nil || len(recs) != 1 {
			t.Errorf("%d records, %v", len(recs), err)
			recs = make([]buffer.Record, 1)
		}
		got <- recs[0]
	})
	if _, err := q.Append(t.Context(), blocks[:10]...); err != nil { // wakes, and is none
		t.Fatal(err)
	}
	seq, err := q.Append(t.Context(), of(buffer.Alarm, "oil is hot"))
	if err != nil {
		t.Fatal(err)
	}
	waiting.Wait()
	if r := <-got; r.Seq != seq || r.Class != buffer.Alarm || string(r.Data) != "oil is hot" {
		t.Errorf("got %+v, want number %d", r, seq)
	}
	began := time.Now()
	for range 1000 {
		if recs, err := q.NextOf(t.Context(), 0, 1, buffer.Alarm); err != nil || recs[0].Seq != seq {
			t.Fatal(recs, err)
		}
	}
	if each := time.Since(began) / 1000; each > 2*time.Millisecond {
		t.Errorf("finding the alarm behind 30,010 blocks takes %v", each)
	}
	others := allOf(t, q, 10_000, buffer.Keep, buffer.Normal)
	if len(others) != 30_010 || slices.Contains(seqs(others), seq) {
		t.Errorf("%d of the other classes, want 30,010 without the alarm", len(others))
	}
}

// TestAnAlarmThatNobodyTakesCostsNothing: others come and go behind it for ever.
func TestAnAlarmThatNobodyTakesCostsNothing(t *testing.T) {
	q := open(t, t.TempDir(), buffer.Options{})
	var last uint64
	for range 300 {
		var err error
		if last, err = q.Append(t.Context(), of(buffer.Alarm, "a")); err != nil {
			t.Fatal(err)
		}
		if last > 1 {
			if err := q.Ack(last, last); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := q.Indexed(buffer.Alarm); n > 130 {
		t.Errorf("%d pages are held for one alarm", n)
	}
	if got := seqs(allOf(t, q, 10, buffer.Alarm)); !slices.Equal(got, []uint64{1}) {
		t.Errorf("left are %v", got)
	}
}

// TestADamagedAlarmIsDeclaredAndTheNextIsDelivered: a page that can't be read holds up nobody.
func TestADamagedAlarmIsDeclaredAndTheNextIsDelivered(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, buffer.Options{})
	for _, r := range []buffer.Record{of(buffer.Alarm, "oil is hot"), of(buffer.Normal, "a block"), of(buffer.Alarm, "door is open")} {
		if _, err := q.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, q)
	change(t, dir, 0, func(b []byte) []byte { b[bytes.Index(b, []byte("oil is hot"))] ^= 1; return b })
	q = open(t, dir, buffer.Options{})
	if got := allOf(t, q, 10, buffer.Alarm); len(got) != 1 || string(got[0].Data) != "door is open" {
		t.Errorf("delivered %+v", got)
	}
	if l := q.Losses(); len(l) != 1 || l[0].From != 1 || l[0].Class != buffer.Alarm {
		t.Errorf("losses %+v", l)
	}
	if got := allOf(t, q, 10, buffer.Keep, buffer.Normal); len(got) != 1 || string(got[0].Data) != "a block" {
		t.Errorf("of the others %+v", got)
	}
}
