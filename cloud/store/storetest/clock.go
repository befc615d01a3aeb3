package storetest

import (
	"testing"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// doubted puts a block of a gateway whose clock is some seconds behind, and whose times are in doubt.
func (f *fixture) doubted(seq uint64, stamp wire.Stamp, readings ...reading) (fresh bool) {
	f.t.Helper()
	b := f.batch("plant7", "A", seq, readings...)
	var err error
	b.Block, err = wire.Doubt(b.Block, stamp)
	f.must(err)
	b.Stamp = stamp
	stored, err := f.Append(f.t.Context(), b)
	f.must(err)
	return stored[0]
}

// bootOf is a stamp of the n-th boot, in its first doubt; the clock is so many seconds ahead of the time since the boot.
func bootOf(n byte, seconds int64) wire.Stamp {
	return wire.Stamp{Boot: wire.Boot{n}, Doubt: 1, Offset: second(seconds)}
}

func (f *fixture) putRight(v ...wire.Verdict) {
	f.t.Helper()
	for range 2 { // a verdict that comes again changes nothing
		f.must(f.PutRight(f.t.Context(), "plant7", v))
	}
}

// uncertain is a reading as it is shown while its time is in doubt.
func uncertain(r reading) reading {
	r.Quality = telemetry.UncertainClock
	return r
}

// testDoubt: a gateway boots in 1970, is set 1,000 s on in two steps, and what it sent until then is put right.
func testDoubt(t *testing.T, open Open) {
	arranged(t, open, func(f *fixture, afterPut, atEnd func()) {
		f.gateway("plant7")
		q := cloud.Query{Thing: "plant7", Point: "p"}
		bad := of("q", 12, telemetry.Value{})
		bad.Quality = telemetry.BadTimeout
		f.put("plant7", "A", 1, at(900, 1))
		f.doubted(2, bootOf(1, 0), at(10, 2), at(11, 3), bad)
		afterPut()
		f.doubted(3, bootOf(1, 500), at(515, 4))
		if f.doubted(2, bootOf(1, 0), at(10, 2), at(11, 3), bad) {
			t.Error("a block in doubt is stored twice")
		}
		afterPut()
		f.wants(f.read(q), uncertain(at(10, 2)), uncertain(at(11, 3)), uncertain(at(515, 4)), at(900, 1))
		f.wantLatest("plant7", uncertain(at(515, 4)), bad)

		f.putRight(wire.Verdict{Boot: wire.Boot{1}, Doubt: 1, Offset: second(1000)})
		afterPut()
		f.doubted(4, bootOf(1, 500), at(520, 5)) // it was under way
		f.reopen()
		f.doubted(5, bootOf(1, 500), at(521, 6))
		f.put("plant7", "A", 6, at(1022, 7))
		atEnd()
		bad.Time = second(1012)
		f.wants(f.read(q), at(900, 1), at(1010, 2), at(1011, 3), at(1015, 4), at(1020, 5), at(1021, 6), at(1022, 7))
		f.wantLatest("plant7", at(1022, 7), bad)
		q.Last = 2
		f.wants(f.read(q), at(1021, 6), at(1022, 7))
		f.wantLedger("plant7", cloud.EpochLedger{Epoch: "A", StoredBlocks: 6, StoredSamples: 8, FirstSeq: 1, LastSeq: 6, Repeats: 1, Gaps: []cloud.Gap{}})
	})
}

// testDoubtLost: what no verdict will ever put right stays as it came, and marked.
func testDoubtLost(t *testing.T, open Open) {
	arranged(t, open, func(f *fixture, afterPut, atEnd func()) {
		f.gateway("plant7")
		for i := range uint64(200) { // more than goes into one transaction
			f.doubted(i+1, bootOf(1, 0), at(int64(i), 1))
		}
		f.doubted(201, bootOf(2, 0), at(5, 2))
		afterPut()
		f.putRight(wire.Verdict{Boot: wire.Boot{1}, Doubt: 1, Lost: true}, wire.Verdict{Boot: wire.Boot{1}, Doubt: 2, Offset: 9})
		f.doubted(202, bootOf(1, 0), at(300, 3))
		f.put("plant7", "A", 203, at(1000, 4))
		afterPut()
		f.putRight(wire.Verdict{Boot: wire.Boot{2}, Doubt: 1, Offset: second(2000)})
		atEnd()
		got := f.read(cloud.Query{Thing: "plant7", Point: "p"})
		if len(got) != 203 {
			t.Fatalf("%d samples are stored, want 203", len(got))
		}
		for i := range 200 {
			f.wants(got[i:i+1], uncertain(at(int64(i), 1)))
		}
		f.wants(got[200:], uncertain(at(300, 3)), at(1000, 4), at(2005, 2))
		f.wantLatest("plant7", at(2005, 2))
	})
}
