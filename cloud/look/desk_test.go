package look_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/cloud/look"
	"github.com/penstock-edge/penstock/sync/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// asked is what gateways were asked for.
type asked struct {
	mu   sync.Mutex
	list []string
}

func (a *asked) publish(_ context.Context, topic string, payload []byte) error {
	w, err := wire.DecodeWatch(payload)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, fmt.Sprint(topic, " ", w.Points))
	return err
}

// take is what was asked since it was called last.
func (a *asked) take() []string {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	list := a.list
	a.list = nil
	slices.Sort(list)
	return list
}

func TestAGatewayIsAskedAsLongAsSomebodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a asked
		desk := look.New(look.Options{Publish: a.publish, Log: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- desk.Run(ctx) }()
		want := func(when string, list ...string) {
			t.Helper()
			if got := a.take(); !slices.Equal(got, list) {
				t.Errorf("%s: asked %q, want %q", when, got, list)
			}
		}
		time.Sleep(time.Hour)
		want("nobody looks")
		one, closeOne := context.WithCancel(t.Context())
		desk.Look(one, "plant7", "press.b", "press.a")
		want("one looks", "dt/plant7/watch [press.a press.b]")
		two, closeTwo := context.WithCancel(t.Context())
		desk.Look(two, "plant7", "press.a")
		desk.Look(two, "plant8")
		want("another, too", "dt/plant7/watch [press.a press.b]", "dt/plant8/watch [*]")
		time.Sleep(5 * time.Second)
		want("again", "dt/plant7/watch [press.a press.b]", "dt/plant8/watch [*]")
		closeOne()
		want("one has gone", "dt/plant7/watch [press.a]")
		closeTwo()
		want("both have", "dt/plant7/watch []", "dt/plant8/watch []")
		time.Sleep(time.Hour)
		want("nobody looks any more")
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
