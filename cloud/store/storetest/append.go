package storetest

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// testAppend: all of a call or nothing of it.
func testAppend(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	f.gateway("plant7")
	good := f.batch("plant7", "A", 1, at(1, 1))
	empty, half, other := good, good, good
	empty.Block = nil
	half.Seq = 0
	other.Thing, other.Seq = "nobody", 1
	for name, bad := range map[string]cloud.Batch{"an empty block": empty, "an epoch without a number": half, "an unknown thing": other} {
		if _, err := f.Append(ctx, good, bad); err == nil {
			t.Errorf("%s was stored", name)
		} else if bad.Thing == "nobody" && !errors.Is(err, cloud.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := f.Append(done, good); err == nil {
		t.Error("a call that had ended before it began was stored")
	}
	f.wants(f.read(cloud.Query{Thing: "plant7", Point: "p"}))
	f.wantLedger("plant7")
	if stored, err := f.Append(ctx); err != nil || len(stored) != 0 {
		t.Errorf("appending nothing: %v, %v", stored, err)
	}
}

func testLatest(t *testing.T, open Open) {
	arranged(t, open, func(f *fixture, afterPut, atEnd func()) {
		ctx := f.t.Context()
		f.gateway("plant7")
		f.wantLatest("plant7")
		f.put("plant7", "A", 1, at(10, 1), of("a", 10, telemetry.String("on")), at(12, 2), at(11, 3))
		f.wantLatest("plant7", of("a", 10, telemetry.String("on")), at(12, 2))
		afterPut()
		f.wantLatest("plant7", of("a", 10, telemetry.String("on")), at(12, 2))
		f.put("plant7", "A", 2, at(12, 4), of("a", 9, telemetry.String("late"))) // as new and arrived later; late
		afterPut()
		bad := reading{"b", telemetry.Sample{Time: second(20), Quality: telemetry.BadTimeout}}
		f.put("plant7", "", 0, bad)
		atEnd()
		f.wantLatest("plant7", of("a", 10, telemetry.String("on")), bad, at(12, 4))
		f.reopen()
		f.wantLatest("plant7", of("a", 10, telemetry.String("on")), bad, at(12, 4))
		if _, err := f.Latest(ctx, "nobody"); !errors.Is(err, cloud.ErrNotFound) {
			f.t.Errorf("latest of an unknown thing: %v, want ErrNotFound", err)
		}
	})
}

func (f *fixture) wantLatest(thing string, want ...reading) {
	f.t.Helper()
	got, err := f.Latest(f.t.Context(), thing)
	f.must(err)
	states := []cloud.PointState{}
	for _, r := range want {
		states = append(states, cloud.PointState{Point: r.point, Time: r.Time, Value: r.Value, Quality: r.Quality})
	}
	if !reflect.DeepEqual(got, states) && len(got)+len(states) > 0 {
		f.t.Errorf("latest of %s:\ngot  %+v\nwant %+v", thing, got, states)
	}
}

// testReopen: a store that was closed knows everything when it is opened again.
func testReopen(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	f.gateway("plant7")
	f.must(f.SetBirth(ctx, "plant7", []byte("{}")))
	f.must(f.SetPresence(ctx, "plant7", true, time.Unix(5, 0), "somewhere"))
	f.must(f.AddCertificate(ctx, certificate("aa", "plant7", 1)))
	f.must(f.Invite(ctx, cloud.Invitation{Hash: [32]byte{1}, Thing: "plant8", Expires: time.Unix(100, 0)}))
	f.put("plant7", "A", 1, at(1, 1))
	f.compact()
	f.put("plant7", "A", 3, at(2, 2))
	f.put("plant7", "A", 3, at(2, 2))
	f.must(f.Declare(ctx, "plant7", []cloud.Loss{{Epoch: "A", From: 2, To: 2, Samples: 8, Reason: "damaged"}}))
	before, err := f.Thing(ctx, "plant7")
	f.must(err)

	f.reopen()
	if after, err := f.Thing(ctx, "plant7"); err != nil || !reflect.DeepEqual(after, before) {
		t.Errorf("the thing is %+v (%v), it was %+v", after, err, before)
	}
	if _, err := f.Certificate(ctx, "aa"); err != nil {
		t.Error(err)
	}
	if f.put("plant7", "A", 3, at(2, 2)) {
		t.Error("a block was stored again after the store was opened again")
	}
	f.wants(f.read(cloud.Query{Thing: "plant7", Point: "p"}), at(1, 1), at(2, 2))
	f.wantLatest("plant7", at(2, 2))
	f.wantLedger("plant7", cloud.EpochLedger{Epoch: "A", StoredBlocks: 2, StoredSamples: 2, FirstSeq: 1, LastSeq: 3, Repeats: 2,
		Gaps: []cloud.Gap{{From: 2, To: 2, Samples: 8, Reason: "damaged"}}})
	_, err = f.Redeem(ctx, [32]byte{1}, time.Unix(50, 0), func(thing string) (cloud.Certificate, error) { return certificate("bb", thing, 1), nil })
	f.must(err)
}
