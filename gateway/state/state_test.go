package state_test

import (
	"errors"
	"testing"

	"github.com/penstock-edge/penstock/gateway/state"
)

func open(t *testing.T, dir string) *state.DB {
	t.Helper()
	db, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestStateSurvivesAndCountsItsStarts(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	if err := db.Put("shadow", "press", []byte("72")); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir)
	defer db.Close()
	got, err := db.Get("shadow", "press")
	if err != nil || string(got) != "72" {
		t.Errorf("Get = %q, %v; want 72", got, err)
	}
	if db.Boots() != 2 {
		t.Errorf("boots = %d, want 2", db.Boots())
	}
	if other, _ := db.Get("alarm", "press"); other != nil {
		t.Errorf("another room sees %q", other)
	}
}

func TestPutNilRemoves(t *testing.T) {
	db := open(t, t.TempDir())
	defer db.Close()
	for _, v := range [][]byte{[]byte("x"), nil} {
		if err := db.Put("r", "k", v); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := db.Get("r", "k"); got != nil {
		t.Errorf("Get after removal = %q", got)
	}
}

func TestASecondProcessIsTold(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	defer db.Close()
	if _, err := state.Open(dir); !errors.Is(err, state.ErrInUse) {
		t.Errorf("second open: %v, want ErrInUse", err)
	}
}
