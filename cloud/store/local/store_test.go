package local_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/store/local"
	"github.com/penstock-edge/penstock/cloud/store/storetest"
)

func openStore(t testing.TB, dir string) *local.Store {
	t.Helper()
	s, err := local.Open(t.Context(), dir, local.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T, dir string) cloud.Store { return openStore(t, dir) })
}

func TestSecondServerIsKeptOut(t *testing.T) {
	dir := t.TempDir()
	first := openStore(t, dir)
	if _, err := local.Open(t.Context(), dir, local.Options{}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("two stores are open in one folder")
	}
	first.Close()
	openStore(t, dir).Close()
}

func TestWhatIsNoDatabaseIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	text := []byte("these are notes about the plant, and no database at all\n")
	if err := os.WriteFile(filepath.Join(dir, "penstock.db"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := local.Open(t.Context(), dir, local.Options{}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("it was opened")
	}
	if after, _ := os.ReadFile(filepath.Join(dir, "penstock.db")); string(after) != string(text) {
		t.Errorf("it was changed to %q", after)
	}
}
