package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

func start(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), t.TempDir(), Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.CreateThing(t.Context(), cloud.Thing{Name: "g", Kind: cloud.KindGateway}); err != nil {
		t.Fatal(err)
	}
	return s
}

// batch has n samples of one point, a step apart.
func batch(t *testing.T, seq uint64, from int64, n int, step int64) cloud.Batch {
	t.Helper()
	samples := make([]telemetry.Sample, n)
	for i := range samples {
		samples[i] = telemetry.Sample{Time: from + int64(i)*step, Value: telemetry.Int64(int64(seq))}
	}
	block, err := wire.NewEncoder(wire.Fastest).AppendBlock(nil, []string{"p"}, samples)
	if err != nil {
		t.Fatal(err)
	}
	return cloud.Batch{Thing: "g", Epoch: "E", Seq: seq, Block: block, Samples: n, Points: 1, From: from, To: samples[n-1].Time}
}

func count(t *testing.T, s *Store, q cloud.Query) (n int) {
	t.Helper()
	last := int64(-1 << 63)
	q.Thing, q.Point = "g", "p"
	err := s.Range(t.Context(), q, func(smp telemetry.Sample) bool {
		if smp.Time < last {
			t.Fatalf("sample %d has time %d after %d", n, smp.Time, last)
		}
		last = smp.Time
		n++
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// limit bounds the file as a full disk would; 0 lifts the bound.
func limit(t *testing.T, s *Store, pages int64) {
	t.Helper()
	query := fmt.Sprintf("PRAGMA max_page_count = %d", max(pages, 1))
	if pages == 0 {
		query = "PRAGMA max_page_count = 1073741823"
	}
	var now int64
	if err := s.writer.write(t.Context(), func(c *conn) error { return c.one(context.Background(), query, nil, &now) }); err != nil {
		t.Fatal(err)
	}
}

func TestFullDiskStoresAllOrNothing(t *testing.T) {
	s := start(t)
	limit(t, s, 60)
	big := batch(t, 1, 0, 100_000, 7919)
	for i := range big.Block { // what compresses badly; nobody looks inside before compaction
		big.Block[i] ^= byte(i * i >> 3)
	}
	big.Block = append(big.Block, strings.Repeat("x", 600_000)...)
	if _, err := s.Append(t.Context(), batch(t, 2, 0, 10, 1), big); err == nil {
		t.Fatal("a full disk took it")
	}
	if n := count(t, s, cloud.Query{}); n != 0 {
		t.Errorf("%d samples of the call that went wrong are there", n)
	}
	small := batch(t, 2, 0, 10, 1)
	if stored, err := s.Append(t.Context(), small); err != nil || !stored[0] {
		t.Errorf("what still fits: %v, %v", stored, err)
	}
	limit(t, s, 0)
	fits := batch(t, 1, 100, 10, 1)
	if stored, err := s.Append(t.Context(), fits); err != nil || !stored[0] {
		t.Errorf("the same number again, with room: %v, %v", stored, err)
	}
	if n := count(t, s, cloud.Query{}); n != 20 {
		t.Errorf("%d samples, want 20", n)
	}
}

func TestNeighboursInATransactionAreIndependent(t *testing.T) {
	s := start(t)
	held, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		s.writer.write(t.Context(), func(*conn) error {
			close(held)
			<-release
			return errors.New("changes nothing")
		})
	})
	<-held
	for i := range 100 {
		all.Go(func() {
			b := batch(t, uint64(i)/2+1, int64(i), 1, 1) // each number twice
			if i%10 == 9 {
				b.Thing = "nobody"
			}
			_, err := s.Append(t.Context(), b)
			if (err != nil) != (i%10 == 9) {
				t.Errorf("append %d: %v", i, err)
			}
		})
	}
	close(release)
	all.Wait()
	ledger, err := s.Ledger(t.Context(), "g")
	if err != nil || ledger.Epochs[0].StoredBlocks != 50 || ledger.Epochs[0].Repeats != 40 {
		t.Errorf("%+v, %v; want 50 blocks and 40 repeats", ledger, err)
	}
}

func TestHistoryBeyondAWindowIsWhole(t *testing.T) {
	s := start(t)
	const blocks, each = 16, 50_000
	for i := range uint64(blocks) {
		from := int64(i) * each * 1000
		if i == 10 {
			from = 3 * each * 1000 // late, on top of another
		}
		if _, err := s.Append(t.Context(), batch(t, i+1, from, each, 1000)); err != nil {
			t.Fatal(err)
		}
		if i%5 == 4 {
			if err := s.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := count(t, s, cloud.Query{}); n != blocks*each {
		t.Errorf("%d samples, want %d", n, blocks*each)
	}
	if n := count(t, s, cloud.Query{From: 3 * each * 1000, To: 4 * each * 1000}); n != 2*each {
		t.Errorf("%d samples where two blocks lie, want %d", n, 2*each)
	}
	if n := count(t, s, cloud.Query{Last: 600_000}); n != 600_000 {
		t.Errorf("%d of the last 600000", n)
	}
}

func TestPointWithAWeekOfSilence(t *testing.T) {
	s := start(t)
	week := int64(7 * 24 * time.Hour)
	for i := range uint64(40) {
		if _, err := s.Append(t.Context(), batch(t, i+1, int64(i%5)*week+int64(i), 10, 100)); err != nil {
			t.Fatal(err)
		}
		if err := s.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, s, cloud.Query{}); n != 400 {
		t.Errorf("%d samples, want 400", n)
	}
	for i := range int64(5) {
		from := i*week + 1
		if n := count(t, s, cloud.Query{From: from - 1 + i, To: from + week/2}); n != 80 {
			t.Errorf("%d samples in week %d, want 80", n, i)
		}
	}
}

// TestChunksStayFew: many small blocks end as few chunks, whatever came in between.
func TestChunksStayFew(t *testing.T) {
	s := start(t)
	const blocks, each = 500, 20
	for i := range uint64(blocks) {
		if _, err := s.Append(t.Context(), batch(t, i+1, int64(i)*each*1000, each, 1000)); err != nil {
			t.Fatal(err)
		}
		if err := s.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	chunks := map[int]int{}
	err := s.readers.read(t.Context(), func(c *conn) error {
		return c.each(t.Context(), "SELECT level, count(*) FROM chunk GROUP BY level", nil, func(scan func(...any) error) error {
			var level, n int
			err := scan(&level, &n)
			chunks[level] = n
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if chunks[levelPage] >= mergeChunks || chunks[levelGrowing] > 12 || chunks[levelFull] > blocks*each/fullChunk || chunks[levelFull] == 0 {
		t.Errorf("chunks by level: %v", chunks)
	}
	if n := count(t, s, cloud.Query{}); n != blocks*each {
		t.Errorf("%d samples, want %d", n, blocks*each)
	}
}

func TestDamagedBlockIsSetAside(t *testing.T) {
	s := start(t)
	bad := batch(t, 1, 0, 10, 1)
	bad.Block = slices.Clone(bad.Block)
	bad.Block[len(bad.Block)-1] ^= 1
	if _, err := s.Append(t.Context(), bad, batch(t, 2, 100, 10, 1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Range(t.Context(), cloud.Query{Thing: "g", Point: "p"}, func(telemetry.Sample) bool { return true }); err == nil {
		t.Error("a query over a damaged block says nothing")
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, cloud.Query{}); n != 10 {
		t.Errorf("%d samples, want the 10 of the sound block", n)
	}
	if latest, err := s.Latest(t.Context(), "g"); err != nil || len(latest) != 1 || latest[0].Time != 109 {
		t.Errorf("latest %+v, %v", latest, err)
	}
}

func TestClosedStoreSaysSo(t *testing.T) {
	s := start(t)
	s.Close()
	if _, err := s.Append(t.Context(), batch(t, 1, 0, 1, 1)); !errors.Is(err, errClosed) {
		t.Errorf("append: %v", err)
	}
	if _, err := s.Things(t.Context(), ""); !errors.Is(err, errClosed) {
		t.Errorf("read: %v", err)
	}
}

func TestNewerFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	log := slog.New(slog.DiscardHandler)
	s, err := Open(t.Context(), dir, Options{}, log)
	if err != nil {
		t.Fatal(err)
	}
	s.writer.write(t.Context(), func(c *conn) error {
		_, err := c.exec(context.Background(), "PRAGMA user_version = 1000")
		return err
	})
	s.Close()
	if _, err := Open(t.Context(), dir, Options{}, log); err == nil || !strings.Contains(err.Error(), "newer penstock-cloud") {
		t.Errorf("opened a file of schema 1000: %v", err)
	}
}
