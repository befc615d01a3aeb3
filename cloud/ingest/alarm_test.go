package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/ingest"
	"github.com/penstock-edge/penstock/cloud/store/local"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/wire"
)

// open is an Ingest on the real store, with a gateway and a thing that is none.
func open(t *testing.T) (*local.Store, *ingest.Ingest) {
	t.Helper()
	store, err := local.Open(t.Context(), t.TempDir(), local.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	for name, kind := range map[string]cloud.ThingKind{"plant7": cloud.KindGateway, "thermo1": cloud.KindThing} {
		if err := store.CreateThing(t.Context(), cloud.Thing{Name: name, Kind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	return store, ingest.New(store, slog.New(slog.DiscardHandler))
}

func raised(name string, sequence uint64) wire.AlarmEvent {
	return wire.AlarmEvent{Thing: "plant7:press", Alarm: name, Sequence: sequence, Occurrence: sequence, Kind: "raised", From: "normal", To: "unacknowledged",
		Severity: "high", Time: now.UTC(), Text: "the oil is hot", Rule: name}
}

func alarms(t *testing.T, seq uint64, events ...wire.AlarmEvent) ingest.Message {
	t.Helper()
	payload, n, err := wire.EncodeAlarms(events)
	if err != nil || n != len(events) {
		t.Fatalf("%d of %d events fit, %v", n, len(events), err)
	}
	m := put(seq, payload)
	m.What = wire.WhatAlarm
	return m
}

func TestAlarmsAreStoredOnceAndShownOnce(t *testing.T) {
	store, in := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	events := in.Watch(ctx, "plant7")
	for range 2 {
		if err := in.Put(t.Context(), alarms(t, 1, raised("oil_hot", 10), raised("oil_low", 20))); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-events; len(got.Alarms) != 2 || got.Alarms[0].Name != "oil_hot" || got.Alarms[0].State != isa.Unacknowledged {
		t.Errorf("seen %+v", got)
	}
	if err := in.Put(t.Context(), alarms(t, 2, raised("oil_hot", 10))); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-events:
		t.Errorf("a repetition was shown: %+v", got)
	case <-time.After(20 * time.Millisecond):
	}
	cancel()
	for range events {
	}
	if c := in.Counts(); c.Alarms != 2 || c.Repeats != 1 {
		t.Errorf("counted %+v", c)
	}
	if a, err := store.Alarm(t.Context(), "plant7", "oil_hot"); err != nil || a.Severity != isa.High || a.Thing != "plant7:press" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestWhatAreNoAlarmsOfAGatewayIsRefusedForGood(t *testing.T) {
	_, in := open(t)
	elsewhere := raised("oil_hot", 10)
	elsewhere.Thing = "plant77"
	noNumber, garbage := alarms(t, 0, raised("oil_hot", 10)), alarms(t, 1, raised("oil_hot", 10))
	garbage.Payload = []byte("[]")
	own := raised("hot", 10)
	own.Thing = "thermo1"
	other := alarms(t, 1, own)
	other.Thing = "thermo1"
	for name, m := range map[string]ingest.Message{"another's alarm": alarms(t, 1, elsewhere), "no number": noNumber, "a thing that is no gateway": other, "no JSON of alarms": garbage} {
		if err := in.Put(t.Context(), m); !errors.Is(err, ingest.ErrPayload) {
			t.Errorf("%s: %v, want ErrPayload", name, err)
		}
	}
	if c := in.Counts(); c.Refused != 4 || c.Alarms != 0 {
		t.Errorf("counted %+v", c)
	}
}

// TestSlowWatcherSeesWhereAlarmsAre: what a screen missed is told by where each alarm and command is now.
func TestSlowWatcherSeesWhereAlarmsAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, in := start()
		ctx, cancel := context.WithCancel(t.Context())
		events := in.Watch(ctx, "plant7")
		in.Tell(cloud.Live{Thing: "plant7", Count: 1})
		synctest.Wait() // the first is on its way
		for n := range uint64(100) {
			in.Tell(cloud.Live{Thing: "plant7", Alarms: []cloud.Alarm{{Name: "oil_hot", Sequence: n}, {Name: "oil_low", Sequence: 100 - n}},
				Commands: []cloud.Command{{Execution: "01A", Point: fmt.Sprint(n)}}})
		}
		<-events
		got := <-events
		if len(got.Alarms) != 2 || got.Alarms[0].Sequence != 99 || got.Alarms[1].Sequence != 100 || len(got.Commands) != 1 || got.Commands[0].Point != "99" {
			t.Errorf("seen %+v", got)
		}
		cancel()
		synctest.Wait()
	})
}
