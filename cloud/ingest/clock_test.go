package ingest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/ingest"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

func TestTimesInDoubtArePutRight(t *testing.T) {
	store, in := open(t)
	stamp := wire.Stamp{Boot: wire.Boot{1}, Doubt: 2, Offset: 5}
	doubted, err := wire.Doubt(block(t), stamp)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Put(t.Context(), put(1, doubted)); err != nil {
		t.Fatal(err)
	}
	first := func() (s telemetry.Sample) {
		err := store.Range(t.Context(), cloud.Query{Thing: "plant7", Point: "a"}, func(one telemetry.Sample) bool { s = one; return false })
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := first(); s.Time != 10 || s.Quality != telemetry.UncertainClock {
		t.Errorf("in doubt the first sample is %+v", s)
	}
	payload, err := wire.EncodeVerdicts([]wire.Verdict{{Boot: stamp.Boot, Doubt: stamp.Doubt, Offset: 5 + int64(time.Hour)}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := in.Put(t.Context(), ingest.Message{Thing: "plant7", What: wire.WhatClock, Payload: payload, Received: now}); err != nil {
			t.Fatal(err)
		}
	}
	if s := first(); s.Time != 10+int64(time.Hour) || s.Quality != telemetry.Good {
		t.Errorf("put right the first sample is %+v", s)
	}
	for _, m := range []ingest.Message{{Thing: "plant7", What: wire.WhatClock, Payload: []byte("{}")}} {
		if err := in.Put(t.Context(), m); !errors.Is(err, ingest.ErrPayload) {
			t.Errorf("%s: %v, want ErrPayload", m.Payload, err)
		}
	}
	if err := in.Put(t.Context(), ingest.Message{Thing: "nobody", What: wire.WhatClock, Payload: payload}); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("of a thing that is not there: %v", err)
	}
}
