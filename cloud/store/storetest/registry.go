package storetest

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
)

func testRegistry(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	created := time.Unix(1_700_000_000, 123456789).UTC()
	plant := cloud.Thing{Name: "plant7", Kind: cloud.KindGateway, Created: created}
	press := cloud.Thing{Name: "plant7:press", Kind: cloud.KindDevice, Created: created}
	f.must(f.CreateThing(ctx, press))
	f.must(f.CreateThing(ctx, plant))

	if err := f.CreateThing(ctx, plant); !errors.Is(err, cloud.ErrExists) {
		t.Errorf("creating a thing twice: %v, want ErrExists", err)
	}
	if err := f.CreateThing(ctx, cloud.Thing{}); err == nil {
		t.Error("a thing without a name was created")
	}
	if _, err := f.Thing(ctx, "nobody"); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("an unknown thing: %v, want ErrNotFound", err)
	}
	got, err := f.Thing(ctx, "plant7")
	f.must(err)
	if !reflect.DeepEqual(got, plant) {
		t.Errorf("got %+v, want %+v", got, plant)
	}
	f.wantThings("", "plant7", "plant7:press")
	f.wantThings(cloud.KindDevice, "plant7:press")
	f.wantThings(cloud.KindThing)

	f.must(f.SetBirth(ctx, "plant7", []byte(`{"version":"1"}`)))
	f.must(f.SetBirth(ctx, "plant7", []byte(`{"version":"2"}`)))
	if got, _ := f.Thing(ctx, "plant7"); string(got.Birth) != `{"version":"2"}` {
		t.Errorf("birth is %s, want the one set last", got.Birth)
	}
	if err := f.SetBirth(ctx, "nobody", nil); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("birth of an unknown thing: %v, want ErrNotFound", err)
	}
}

func (f *fixture) wantThings(kind cloud.ThingKind, want ...string) {
	f.t.Helper()
	things, err := f.Things(f.t.Context(), kind)
	f.must(err)
	var got []string
	for _, thing := range things {
		got = append(got, thing.Name)
	}
	if !reflect.DeepEqual(got, want) {
		f.t.Errorf("things of kind %q are %v, want %v", kind, got, want)
	}
}

func testPresence(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	f.gateway("plant7")
	if got, _ := f.Thing(ctx, "plant7"); got.Connected || !got.LastContact.IsZero() {
		t.Errorf("a thing that never connected is connected %v, last contact %v", got.Connected, got.LastContact)
	}
	seen := time.Unix(1_700_000_000, 5).UTC()
	f.must(f.SetPresence(ctx, "plant7", true, seen, "10.0.0.7:4711"))
	if got, _ := f.Thing(ctx, "plant7"); !got.Connected || !got.LastContact.Equal(seen) || got.Address != "10.0.0.7:4711" {
		t.Errorf("after connecting: %+v", got)
	}
	f.must(f.SetPresence(ctx, "plant7", false, seen.Add(time.Hour), "10.0.0.7:4711"))
	if got, _ := f.Thing(ctx, "plant7"); got.Connected || !got.LastContact.Equal(seen.Add(time.Hour)) {
		t.Errorf("after the connection ended: %+v", got)
	}
	if err := f.SetPresence(ctx, "nobody", true, seen, ""); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("presence of an unknown thing: %v, want ErrNotFound", err)
	}
}
