package ingest_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/ingest"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// say publishes {"v": n} for a thing.
func say(t *testing.T, in *ingest.Ingest, thing string, n int) {
	t.Helper()
	payload := fmt.Appendf(nil, `{"ts": %d, "v": %d}`, n, n)
	if err := in.Put(t.Context(), ingest.Message{Thing: thing, What: wire.WhatTelemetry, Payload: payload, Received: now}); err != nil {
		t.Fatal(err)
	}
}

func TestWatchersSeeTheirThing(t *testing.T) {
	_, in := start()
	ctx, cancel := context.WithCancel(t.Context())
	one, all := in.Watch(ctx, "plant7"), in.Watch(ctx, "")
	say(t, in, "plant8", 1)
	if got := <-all; got.Thing != "plant8" {
		t.Errorf("who watches all sees %+v", got)
	}
	say(t, in, "plant7", 2)
	if got := <-one; got.Thing != "plant7" || got.Samples[0].Sample.Value != telemetry.Int64(2) {
		t.Errorf("who watches plant7 sees %+v", got)
	}
	<-all
	in.Presence("plant7", cloud.Presence{Connected: true})
	if got := <-one; got.Presence == nil || !got.Presence.Connected {
		t.Errorf("presence is told as %+v", got)
	}
	cancel()
	for range one { // closed when the context ends
	}
	for range all {
	}
}

func TestSlowWatcherGetsTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, in := start()
		ctx, cancel := context.WithCancel(t.Context())
		events := in.Watch(ctx, "")
		say(t, in, "plant7", 1)
		synctest.Wait() // the first is on its way
		for n := 2; n <= 100; n++ {
			say(t, in, "plant7", n)
		}
		in.Presence("plant7", cloud.Presence{Connected: true})
		in.Presence("plant7", cloud.Presence{Reason: "timeout"})
		first, second := <-events, <-events
		if first.Samples[0].Sample.Value != telemetry.Int64(1) || second.Samples[0].Sample.Value != telemetry.Int64(100) {
			t.Errorf("seen %+v, then %+v; want 1, then 100", first, second)
		}
		if second.Count != 99 || second.Presence == nil || second.Presence.Connected {
			t.Errorf("the second event stands for %d samples with presence %+v", second.Count, second.Presence)
		}
		if got := in.Counts(); got.Coalesced != 98 || got.Dropped != 0 {
			t.Errorf("counted %+v, want 98 coalesced", got)
		}
		cancel()
		synctest.Wait()
	})
}
