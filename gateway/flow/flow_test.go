package flow_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/flow"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestASampleIsJournalledWithinASecondAndSealedWithinFive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		s := start(t, points(1, config.Point{}), &d, flow.Options{})
		s.read(0, telemetry.Int64(1))
		time.Sleep(time.Second + time.Millisecond)
		if got := numbers(t, d.blocks()); !slices.Equal(got, []int64{1}) {
			t.Errorf("the first block holds %v after a second, want [1]: whoever starts a gateway looks for a sign of life", got)
		}
		s.read(0, telemetry.Int64(2))
		if s.Unsaved() != 1 {
			t.Errorf("%d unsaved before the flush, want 1", s.Unsaved())
		}
		time.Sleep(time.Second)
		if d.journalled() != 1 || len(d.blocks()) != 1 || s.Unsaved() != 0 || s.Pending() != 1 {
			t.Errorf("journal %d, blocks %d, unsaved %d, pending %d; want the second sample in the journal", d.journalled(), len(d.blocks()), s.Unsaved(), s.Pending())
		}
		time.Sleep(4 * time.Second)
		if got := numbers(t, d.blocks()); !slices.Equal(got, []int64{1, 2}) || d.journalled() != 0 {
			t.Errorf("sealed %v, journal %d; want [1 2] and none", got, d.journalled())
		}
		if err := s.end(); err != nil {
			t.Error(err)
		}
	})
}

func TestAlwaysMeansOnDiskWhenPutReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		s := start(t, points(1, config.Point{Deadband: &config.Deadband{}}), &d, flow.Options{Always: true})
		s.read(0, telemetry.Int64(1))
		if d.journalled() != 1 || s.Unsaved() != 0 {
			t.Errorf("journal %d, unsaved %d; want 1 and 0", d.journalled(), s.Unsaved())
		}
		tries := d.tries
		s.read(0, telemetry.Int64(1))
		if d.tries != tries {
			t.Error("a sample that is not kept cost a write")
		}
		d.fill(true)
		s.read(0, telemetry.Int64(2)) // returns: a disk that refuses does not stop the polling
		d.fill(false)
		if err := s.end(); err != nil {
			t.Error(err)
		}
		s.read(0, telemetry.Int64(3)) // nobody is there to wait for
		if got := numbers(t, d.blocks()); !slices.Equal(got, []int64{1, 2}) {
			t.Errorf("sealed %v, want [1 2]", got)
		}
	})
}

func TestADiskThatIsFullLosesAndDoublesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		s := start(t, points(1, config.Point{}), &d, flow.Options{})
		var want []int64
		for i := range int64(120) {
			d.fill(i > 20 && i < 100)
			s.read(0, telemetry.Int64(i))
			want = append(want, i)
			time.Sleep(time.Second)
		}
		if err := s.end(); err != nil {
			t.Error(err)
		}
		if got := numbers(t, d.blocks()); !slices.Equal(got, want) {
			t.Errorf("sealed %v, want 0 to 119 in order", got)
		}
		if st := s.Stats(); st.Kept != 120 || st.Dropped != 0 || s.Unsaved() != 0 {
			t.Errorf("%+v, unsaved %d", st, s.Unsaved())
		}
	})
}

func TestMemoryIsBoundedAndWhatIsDroppedIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disk{full: true}
		s := start(t, points(1, config.Point{}), &d, flow.Options{MaxPending: 100, BlockSize: 10})
		for i := range int64(150) {
			s.read(0, telemetry.Int64(i))
			synctest.Wait()
		}
		if st := s.Stats(); st.Read != 150 || st.Kept != 100 || st.Dropped != 50 {
			t.Errorf("%+v, want 100 kept and 50 dropped", st)
		}
		if d.tries > 3 {
			t.Errorf("the full disk was asked %d times in a moment: it has a pace", d.tries)
		}
		d.fill(false)
		time.Sleep(5 * time.Second)
		s.read(0, telemetry.Int64(150))
		if err := s.end(); err != nil {
			t.Error(err)
		}
		if got := numbers(t, d.blocks()); len(got) != 101 || got[99] != 99 || got[100] != 150 {
			t.Errorf("sealed %d samples, want the first 100 and the one after", len(got))
		}
	})
}

func TestAStopOnAFullDiskIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disk{full: true}
		s := start(t, points(1, config.Point{}), &d, flow.Options{})
		s.read(0, telemetry.Int64(1))
		if err := s.end(); !errors.Is(err, errFull) {
			t.Errorf("Run: %v, want the disk's error", err)
		}
	})
}

func TestABlockIsSealedAtItsSizeAndSplitWhereItIsTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		s := start(t, points(1, config.Point{}), &d, flow.Options{BlockSize: 40, Send: time.Hour})
		noise := make([]byte, 30<<10) // 60 KiB of text that does not compress below 30
		for range 40 {
			_, _ = rand.Read(noise) // it never fails
			s.read(0, telemetry.String(hex.EncodeToString(noise)))
		}
		synctest.Wait()
		blocks := d.blocks()
		if n := len(samples(t, blocks)); n != 40 {
			t.Fatalf("%d of 40 samples are sealed at the block's size", n)
		}
		for _, b := range blocks {
			if len(b.Data) > 512<<10 {
				t.Errorf("a block of %d bytes: a server that takes 1 MiB would refuse it, and wait for it for ever", len(b.Data))
			}
		}
		if err := s.end(); err != nil {
			t.Error(err)
		}
	})
}

func TestPointsToKeepHaveBlocksOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		s := start(t, points(2, config.Point{}), &d, flow.Options{Keep: func(p string) bool { return p == "press.b" }})
		for i := range int64(4) {
			s.read(telemetry.PointID(i%2), telemetry.Int64(i))
		}
		if err := s.end(); err != nil {
			t.Error(err)
		}
		got := d.blocks()
		if len(got) != 2 || got[0].Class != buffer.Keep || got[1].Class != buffer.Normal {
			t.Fatalf("%d blocks, want one of the class keep and one of the class normal", len(got))
		}
		if n := numbers(t, got); !slices.Equal(n, []int64{1, 3, 0, 2}) {
			t.Errorf("sealed %v", n)
		}
	})
}

func TestWhatACrashLeftIsSealedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		q, err := buffer.Open(dir, buffer.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := start(t, points(1, config.Point{}), q, flow.Options{Always: true, Send: time.Hour})
		s.read(0, telemetry.Int64(1))
		s.read(0, telemetry.Int64(2))
		if err := q.Close(); err != nil { // what is sealed after this is lost, as in a crash
			t.Fatal(err)
		}
		if err := s.end(); !errors.Is(err, buffer.ErrClosed) {
			t.Fatalf("Run: %v", err)
		}
		if q, err = buffer.Open(dir, buffer.Options{}); err != nil {
			t.Fatal(err)
		}
		left := q.Unsealed()
		if len(left) != 2 {
			t.Fatalf("%d journal entries are left, want 2", len(left))
		}
		full := &moody{Sink: q, mood: errFull}
		o := flow.Options{Leftovers: []buffer.Record{{Class: buffer.Normal, Samples: 1, Data: left[0]}, {Class: buffer.Normal, Samples: 1, Data: left[1]}}}
		s = start(t, points(1, config.Point{}), full, o)
		s.read(0, telemetry.Int64(3))
		time.Sleep(7 * time.Second)
		synctest.Wait()
		full.mood = nil
		if err := s.end(); err != nil {
			t.Fatal(err)
		}
		recs, err := q.Next(t.Context(), 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		if got := numbers(t, recs); !slices.Equal(got, []int64{1, 2, 3}) {
			t.Errorf("sealed %v, want [1 2 3]", got)
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFlowSaysOnceThatTheDiskRefusesAndOnceThatItIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := map[string]int{}
		d := &disk{full: true}
		f := flow.New(points(1, config.Point{}), d, flow.Options{}, slog.New(&counting{Handler: slog.DiscardHandler, said: said}))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		f.Put([]telemetry.Sample{{Value: telemetry.Int64(1), Time: 1}})
		time.Sleep(time.Minute)
		d.fill(false)
		time.Sleep(time.Minute)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if said["ERROR"] != 1 || said["INFO"] != 1 {
			t.Errorf("logged %v, want one error and one info", said)
		}
	})
}

// With full: drop-newest the buffer counts what it refuses. Offered again, it would count it again, and in the end older samples would
// have displaced newer ones in memory.
func TestWhatAFullBufferRefusesIsCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, err := buffer.Open(t.TempDir(), buffer.Options{MaxBytes: 100, Full: buffer.DropNewest})
		if err != nil {
			t.Fatal(err)
		}
		s := start(t, points(1, config.Point{}), q, flow.Options{})
		for i := range int64(60) {
			s.read(0, telemetry.Int64(i))
			time.Sleep(time.Second)
		}
		if n := s.Pending(); n > 5 {
			t.Errorf("%d samples wait in memory", n)
		}
		if err := s.end(); err != nil {
			t.Errorf("Run: %v; a buffer that refuses as configured is no error", err)
		}
		recs, err := q.Next(t.Context(), 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		stored, refused := len(numbers(t, recs)), int(q.Stats().Dropped["refused"].Samples)
		if stored == 0 || stored+refused != 60 {
			t.Errorf("%d stored and %d counted as refused, of 60", stored, refused)
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestWhoTapsSeesEverySampleAsItIsJudged: also those that are not worth keeping, and before a disk is asked for anything.
func TestWhoTapsSeesEverySampleAsItIsJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		var seen []telemetry.Quality
		tap := func(samples []telemetry.Sample) {
			for _, s := range samples {
				seen = append(seen, s.Quality)
			}
		}
		p := config.Point{Deadband: &config.Deadband{Absolute: 10}, Range: &config.Range{Min: 0, Max: 5}}
		s := start(t, points(1, p), &d, flow.Options{Tap: tap})
		for _, v := range []int64{1, 2, 7} {
			s.read(0, telemetry.Int64(v))
		}
		if want := []telemetry.Quality{telemetry.Good, telemetry.Good, telemetry.BadOutOfRange}; !slices.Equal(seen, want) {
			t.Errorf("seen %v, want %v", seen, want)
		}
		if err := s.end(); err != nil {
			t.Error(err)
		}
	})
}
