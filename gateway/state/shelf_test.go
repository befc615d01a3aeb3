package state_test

import (
	"errors"
	"testing"

	"github.com/penstock-edge/penstock/gateway/state"
)

func TestAShelfIsChangedWholeOrNotAtAll(t *testing.T) {
	db, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	both := func(s state.Shelf) error { return errors.Join(s.Put("a/1", []byte("x")), s.Put("a/2", []byte("y"))) }
	if err := db.Update("room", both); err != nil {
		t.Fatal(err)
	}
	oops := errors.New("oops")
	err = db.Update("room", func(s state.Shelf) error { return errors.Join(s.Delete("a/1"), s.Put("b", nil), oops) })
	if !errors.Is(err, oops) {
		t.Fatalf("the error of a change is %v", err)
	}
	var seen []string
	err = db.View("room", func(s state.Shelf) error {
		return s.Each("a/", func(k string, v []byte) error { seen = append(seen, k+"="+string(v)); return nil })
	})
	if err != nil || len(seen) != 2 || seen[0] != "a/1=x" || seen[1] != "a/2=y" {
		t.Errorf("after a change that failed the shelf holds %v, %v", seen, err)
	}
	if err := db.View("nobody's", func(s state.Shelf) error {
		if s.Get("a") != nil {
			t.Error("a shelf that never was has a key")
		}
		return s.Each("", func(string, []byte) error { return oops })
	}); err != nil {
		t.Error(err)
	}
}
