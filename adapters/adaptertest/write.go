package adaptertest

import (
	"context"
	"testing"

	"github.com/penstock-edge/penstock/adapters"
)

func writableMeansWriter(t testing.TB, s Suite) {
	rig := s.Start(t)
	a := s.open(t, rig)
	if _, ok := a.(adapters.Writer); ok {
		return
	}
	for _, e := range rig.Points {
		if e.Point.Spec.Writable() == nil {
			t.Errorf("%s says that it can be written, and the adapter is no Writer", e.Point.Name)
		}
	}
}

func writeIsReadBack(t testing.TB, s Suite) {
	rig := s.Start(t)
	a := s.open(t, rig)
	w, ok := a.(adapters.Writer)
	if !ok {
		if len(rig.Writes) > 0 {
			t.Errorf("the rig has values to write, and the adapter is no Writer")
		}
		return
	}
	if len(rig.Writes) == 0 {
		t.Fatalf("the adapter is a Writer: give the rig Writes")
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.Patience)
	defer cancel()
	want := map[string]Expect{}
	for _, e := range rig.Writes {
		if err := e.Point.Spec.Writable(); err != nil {
			t.Errorf("%s is to be written and its spec says no: %v", e.Point.Name, err)
		}
		if err := w.Write(ctx, e.Point, e.Want); err != nil {
			t.Errorf("write %v to %s: %v", e.Want, e.Point.Name, err)
		}
		want[e.Point.Name] = e
	}
	s.readBack(t, a, rig, want)
}

// readBack demands what was written of the points written, and that the others are as they were.
func (s Suite) readBack(t testing.TB, a adapters.Adapter, rig Rig, written map[string]Expect) {
	t.Helper()
	after := make([]Expect, len(rig.Points))
	for i, e := range rig.Points {
		after[i] = e
		if w, ok := written[e.Point.Name]; ok {
			after[i].Want = w.Want
		}
	}
	rig.Points = after
	if len(rig.polled()) > 0 {
		s.read(t, prepare(t, a, rig), s.Patience).good(t, rig.polled())
	}
	if len(rig.pushed()) > 0 {
		s.subscribe(t, a, rig).awaitGood(t, rig.pushed())
	}
}
