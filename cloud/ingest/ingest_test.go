package ingest_test

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/ingest"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a store that keeps what ingest gives it. What ingest does not call is not there.
type memory struct {
	ingest.Store

	mu     sync.Mutex
	broken error
	blocks []cloud.Batch
	losses []cloud.Loss
	given  []cloud.GivenUp
	things map[string]cloud.Thing
}

func (m *memory) Append(_ context.Context, batches ...cloud.Batch) ([]bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return nil, m.broken
	}
	b := batches[0]
	if b.Seq != 0 && slices.ContainsFunc(m.blocks, func(o cloud.Batch) bool { return o.Epoch == b.Epoch && o.Seq == b.Seq }) {
		return []bool{false}, nil
	}
	m.blocks = append(m.blocks, b)
	return []bool{true}, nil
}

func (m *memory) GiveUp(_ context.Context, _ string, given []cloud.GivenUp) error {
	m.given = append(m.given, given...)
	return m.broken
}

func (m *memory) Declare(_ context.Context, _ string, losses []cloud.Loss) error {
	m.losses = append(m.losses, losses...)
	return m.broken
}

func (m *memory) Thing(_ context.Context, name string) (cloud.Thing, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if thing, ok := m.things[name]; ok {
		return thing, nil
	}
	return cloud.Thing{}, cloud.ErrNotFound
}

func (m *memory) CreateThing(_ context.Context, t cloud.Thing) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.things[t.Name] = t
	return nil
}

func (m *memory) SetBirth(_ context.Context, name string, birth []byte) error {
	thing := m.things[name]
	thing.Birth = birth
	m.things[name] = thing
	return nil
}

func start(onLive ...func(cloud.Live)) (*memory, *ingest.Ingest) {
	m := &memory{things: map[string]cloud.Thing{"plant7": {Name: "plant7", Kind: cloud.KindGateway}}}
	return m, ingest.New(m, slog.New(slog.DiscardHandler), onLive...)
}

var now = time.Unix(1_700_000_000, 0)

// block is one of points a and b, with a's newest sample neither first nor last.
func block(t *testing.T) []byte {
	t.Helper()
	samples := []telemetry.Sample{
		{Point: 0, Time: 10, Value: telemetry.Int64(1)}, {Point: 1, Time: 10, Value: telemetry.String("on")},
		{Point: 0, Time: 30, Value: telemetry.Int64(3)}, {Point: 0, Time: 20, Value: telemetry.Int64(2)},
	}
	data, err := wire.NewEncoder(wire.Balanced).AppendBlock(nil, []string{"a", "b"}, samples)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func put(seq uint64, payload []byte) ingest.Message {
	return ingest.Message{Thing: "plant7", What: wire.WhatBlock, Epoch: "E", Seq: seq, Payload: payload, Received: now}
}

func TestBlockIsStoredOnceAndShownOnce(t *testing.T) {
	var seen []cloud.Live
	store, in := start(func(l cloud.Live) { seen = append(seen, l) })
	for range 2 {
		if err := in.Put(t.Context(), put(1, block(t))); err != nil {
			t.Fatal(err)
		}
	}
	want := cloud.Batch{Thing: "plant7", Epoch: "E", Seq: 1, Received: now, Block: block(t), Samples: 4, Points: 2, From: 10, To: 30}
	if !reflect.DeepEqual(store.blocks, []cloud.Batch{want}) {
		t.Errorf("stored %+v\nwant %+v", store.blocks, want)
	}
	if len(seen) != 1 || seen[0].Count != 4 || len(seen[0].Samples) != 2 {
		t.Fatalf("seen %+v, want one event with 4 samples of 2 points", seen)
	}
	if a := seen[0].Samples[0]; a.Point != "a" || a.Sample.Time != 30 {
		t.Errorf("the newest of a is %+v", a)
	}
	if got, want := in.Counts(), (ingest.Counts{Blocks: 1, Repeats: 1, Samples: 4}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

func TestWhatIsNoBlockIsRefusedForGood(t *testing.T) {
	store, in := start()
	cut, noEpoch := put(1, block(t)), put(1, block(t))
	cut.Payload = cut.Payload[:len(cut.Payload)-1]
	noEpoch.Epoch = ""
	alarm := put(1, nil)
	alarm.What = "gossip"
	for name, m := range map[string]ingest.Message{"JSON": put(1, []byte("{}")), "nothing": put(1, nil), "a block cut short": cut,
		"no number": put(0, block(t)), "no epoch": noEpoch, "an unknown kind": alarm} {
		if err := in.Put(t.Context(), m); !errors.Is(err, ingest.ErrPayload) {
			t.Errorf("%s: %v, want ErrPayload", name, err)
		}
	}
	if len(store.blocks) != 0 || in.Counts().Refused != 6 {
		t.Errorf("%d stored, %+v", len(store.blocks), in.Counts())
	}
}

func TestFullDiskIsNoRefusal(t *testing.T) {
	store, in := start(func(cloud.Live) { t.Error("what was not stored was shown") })
	store.broken = errors.New("disk full")
	if err := in.Put(t.Context(), put(1, block(t))); !errors.Is(err, store.broken) || errors.Is(err, ingest.ErrPayload) {
		t.Errorf("got %v, want the store's error", err)
	}
	if in.Counts().Failed != 1 {
		t.Errorf("counted %+v", in.Counts())
	}
}

func TestJSONOfOtherThings(t *testing.T) {
	var seen []cloud.Live
	store, in := start(func(l cloud.Live) { seen = append(seen, l) })
	m := ingest.Message{Thing: "plant7", What: wire.WhatTelemetry, Payload: []byte(`{"ts": 5, "temperature": 21.5, "on": true}`), Received: now}
	for range 2 {
		if err := in.Put(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if len(store.blocks) != 2 || store.blocks[0].Seq != 0 || store.blocks[0].Samples != 2 || store.blocks[0].From != 5_000_000 {
		t.Errorf("stored %+v", store.blocks)
	}
	if len(seen) != 2 || seen[0].Count != 2 || seen[0].Samples[0].Point != "temperature" {
		t.Errorf("seen %+v", seen)
	}
	for _, bad := range []string{`{}`, `{"temperature": `, `21.5`} {
		m.Payload = []byte(bad)
		if err := in.Put(t.Context(), m); !errors.Is(err, ingest.ErrPayload) {
			t.Errorf("%s: %v, want ErrPayload", bad, err)
		}
	}
}

func TestBirthRegistersDevices(t *testing.T) {
	store, in := start()
	birth := wire.Birth{Gateway: "plant7", Version: "1.2", Devices: []wire.BirthDevice{{Name: "press"}, {Name: "boiler"}}}
	m := ingest.Message{Thing: "plant7", What: wire.WhatBirth, Received: now}
	send := func() error {
		var err error
		if m.Payload, err = wire.EncodeBirth(birth); err != nil {
			t.Fatal(err)
		}
		return in.Put(t.Context(), m)
	}
	for range 2 { // it comes with every connection
		if err := send(); err != nil {
			t.Fatal(err)
		}
	}
	if press := store.things["plant7:press"]; press.Kind != cloud.KindDevice || !press.Created.Equal(now) || len(store.things) != 3 {
		t.Errorf("registered %+v", store.things)
	}
	if text := string(store.things["plant7"].Birth); text == "" || text[0] != '{' {
		t.Errorf("the birth is kept as %q, want JSON", text)
	}
	birth.Devices[0].Name = "no good name"
	if err := send(); !errors.Is(err, ingest.ErrPayload) {
		t.Errorf("a device that cannot be registered: %v", err)
	}
	birth.Gateway, birth.Devices = "plant8", nil
	if err := send(); !errors.Is(err, ingest.ErrPayload) {
		t.Errorf("another gateway's birth: %v", err)
	}
}

func TestLossesAreDeclared(t *testing.T) {
	store, in := start()
	payload, err := wire.EncodeDeclaration(wire.Declaration{Losses: []wire.Loss{{Epoch: "E", From: 3, To: 4, Samples: 9, Reason: "evicted"}}, GivenUp: []wire.GivenUp{{Epoch: "E", Samples: 5, Reason: "refused"}}})
	if err != nil {
		t.Fatal(err)
	}
	m := ingest.Message{Thing: "plant7", What: wire.WhatLoss, Payload: payload, Received: now}
	if err := in.Put(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if want := []cloud.Loss{{Epoch: "E", From: 3, To: 4, Samples: 9, Reason: "evicted"}}; !reflect.DeepEqual(store.losses, want) {
		t.Errorf("declared %+v, want %+v", store.losses, want)
	}
	if want := []cloud.GivenUp{{Epoch: "E", Samples: 5, Reason: "refused"}}; !reflect.DeepEqual(store.given, want) {
		t.Errorf("given up %+v, want %+v", store.given, want)
	}
	m.Payload = []byte("[]")
	if err := in.Put(t.Context(), m); !errors.Is(err, ingest.ErrPayload) {
		t.Errorf("no losses: %v, want ErrPayload", err)
	}
}

// What a gateway says was never for this cloud goes to the store with the block; what cannot be is refused.
func TestPrev(t *testing.T) {
	store, in := start()
	good := put(9, block(t))
	good.Prev = "5"
	if err := in.Put(t.Context(), good); err != nil || len(store.blocks) != 1 || store.blocks[0].Skipped != 3 {
		t.Fatalf("%v, stored %+v", err, store.blocks)
	}
	for _, prev := range []string{"10", "11", "-1", "x", "18446744073709551616"} {
		bad := put(10, good.Payload)
		bad.Prev = prev
		if err := in.Put(t.Context(), bad); !errors.Is(err, ingest.ErrPayload) {
			t.Errorf("prev %s of number 10: %v, want ErrPayload", prev, err)
		}
		bad = alarms(t, 10, raised("oil_hot", 10))
		bad.Prev = prev
		if err := in.Put(t.Context(), bad); !errors.Is(err, ingest.ErrPayload) {
			t.Errorf("prev %s of alarms with number 10: %v, want ErrPayload", prev, err)
		}
	}
}
