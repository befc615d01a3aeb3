package buffer_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/penstock-edge/penstock/buffer"
)

// quarter keeps every fourth sample, a byte each, of a record; one that has a single one can be made no coarser.
func quarter(level int, recs []buffer.Record) (out []buffer.Record, err error) {
	if level < 1 || level > buffer.Levels {
		return nil, fmt.Errorf("level %d", level)
	}
	for _, r := range recs {
		r.Samples = max(1, r.Samples/4)
		r.Data = r.Data[:r.Samples]
		out = append(out, r)
	}
	return out, nil
}

// samples is a record of n samples.
func samples(class buffer.Class, n int) buffer.Record {
	return buffer.Record{Class: class, Samples: uint32(n), Data: make([]byte, n)}
}

// tally is how many samples of a cursor's are left, and lost by reason.
func tally(t testing.TB, c *buffer.Cursor) (left uint64, lost map[string]uint64) {
	t.Helper()
	for _, r := range through(t, c.Reader(), 100) {
		if int(r.Samples) != len(r.Data) {
			t.Fatalf("record %d has %d samples in %d bytes", r.Seq, r.Samples, len(r.Data))
		}
		left += uint64(r.Samples)
	}
	lost = map[string]uint64{}
	for _, l := range c.Losses() {
		lost[l.Reason] += l.Samples
	}
	if s := c.Stats(); s.Samples != left || s.Dropped[buffer.Downsampled].Samples != lost[buffer.Downsampled] || s.Dropped[buffer.Evicted].Samples != lost[buffer.Evicted] {
		t.Fatalf("left %d, lost %v, counted %+v", left, lost, s)
	}
	return left, lost
}

func TestNothingGivesWayBeforeItIsAsCoarseAsItGets(t *testing.T) {
	dir := t.TempDir()
	o := buffer.Options{MaxBytes: 4_000, SegmentBytes: 2_000, Full: buffer.Downsample, Thin: quarter}
	q := open(t, dir, o)
	appended, first := uint64(0), uint64(0)
	for i := range 250 {
		class := buffer.Normal
		if i%10 == 0 {
			class = buffer.Keep
		}
		last, err := q.Append(t.Context(), samples(class, 1000))
		if err != nil {
			t.Fatal(err)
		}
		appended += 1000
		if i%5 > 0 {
			continue
		}
		left, lost := tally(t, q.Cursor(""))
		if left+lost[buffer.Downsampled]+lost[buffer.Evicted] != appended {
			t.Fatalf("after %d: %d are left, lost %v", last, left, lost)
		}
		if s := q.Stats(); s.Bytes > 4_000 {
			t.Fatalf("%d bytes are kept", s.Bytes)
		}
		fine := map[buffer.Class]int{}
		for _, r := range through(t, q.Cursor("").Reader(), 100) {
			if r.Samples > 15 && r.Seq < last {
				fine[r.Class]++
			}
		}
		if lost[buffer.Evicted] > 0 && first == 0 {
			if first = last; len(fine) > 0 {
				t.Errorf("records give way while others are finer than need be: %v", fine)
			}
		}
		if i%50 == 45 {
			closed(t, q)
			q = open(t, dir, o)
		}
	}
	if first < 100 {
		t.Errorf("the first record gave way after %d; thinned sixty-four-fold, more have room", first)
	}
}

// What is thinned is exact for each cursor, whatever was acknowledged of a page, and after any reopening.
func TestThinningIsExactForEachCursor(t *testing.T) {
	dice := rand.New(rand.NewPCG(5, 6))
	dir := t.TempDir()
	failing := 0
	o := buffer.Options{
		MaxBytes: 60_000, SegmentBytes: 20_000, Full: buffer.Downsample, Thin: quarter, Cursors: []string{"main", "scada"},
		Disk: func(_ string, commit func() error) error {
			if failing--; failing == 0 {
				return errors.Join(commit(), syscall.EIO) // on disk, and nobody knows
			}
			return commit()
		},
	}
	q := open(t, dir, o)
	given, acked := [2]uint64{}, [2]uint64{}
	weight := map[uint64]buffer.Record{} // as it was appended
	for i := range 150 {
		failing = 0
		if i%7 == 3 {
			failing = 1 + dice.IntN(3)
		}
		var batch []buffer.Record
		for range 1 + dice.IntN(5) {
			r := samples(buffer.Normal, 1+dice.IntN(1000))
			r.For = buffer.Audience(dice.IntN(4))
			batch = append(batch, r)
		}
		last, err := q.Append(t.Context(), batch...)
		if err == nil {
			for i, r := range batch {
				weight[last-uint64(len(batch)-1-i)] = r
				for c := range given {
					if r.For == 0 || r.For&(1<<c) != 0 {
						given[c] += uint64(r.Samples)
					}
				}
			}
		}
		for c, name := range o.Cursors {
			recs := through(t, q.Cursor(name).Reader(), 100)
			if len(recs) > 0 && dice.IntN(3) == 0 {
				r := recs[dice.IntN(len(recs))]
				acked[c] += uint64(r.Samples)
				if err := q.Cursor(name).Ack(r.Seq, r.Seq); err != nil {
					t.Fatal(err)
				}
			}
		}
		if i%20 == 19 {
			failing = 0
			closed(t, q)
			q = open(t, dir, o)
		}
		for c, name := range o.Cursors {
			left, lost := tally(t, q.Cursor(name))
			if left+lost[buffer.Downsampled]+lost[buffer.Evicted]+acked[c] != given[c] || lost[buffer.Damaged] > 0 {
				t.Fatalf("round %d, %s: %d given, %d acknowledged, %d left, lost %v", i, name, given[c], acked[c], left, lost)
			}
		}
	}
	if _, lost := tally(t, q.Cursor("main")); lost[buffer.Downsampled] == 0 {
		t.Error("nothing was thinned")
	}
}
