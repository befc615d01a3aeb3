package local_test

import (
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/store/local"
	"github.com/penstock-edge/penstock/cloud/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
