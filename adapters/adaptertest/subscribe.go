package adaptertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// subscription is a Subscribe under way.
type subscription struct {
	*samples
	patience time.Duration
	cancel   context.CancelFunc
	done     chan error
}

func (s Suite) subscribe(t testing.TB, a adapters.Adapter, rig Rig) *subscription {
	t.Helper()
	source, ok := a.(adapters.Subscriber)
	if !ok {
		t.Fatalf("the rig has points that are pushed, and the adapter is no Subscriber")
	}
	ctx, cancel := context.WithCancel(context.Background())
	sub := &subscription{&samples{}, s.Patience, cancel, make(chan error, 1)}
	go func() {
		err := source.Subscribe(ctx, points(rig.pushed()), sub.emit)
		sub.end()
		sub.done <- err
	}()
	t.Cleanup(cancel)
	return sub
}

// await waits until the newest sample of every point fits.
func (sub *subscription) await(t testing.TB, want []Expect, fits func(telemetry.Sample, Expect) bool, what string) {
	t.Helper()
	for end := time.Now().Add(sub.patience); ; time.Sleep(5 * time.Millisecond) {
		missing := ""
		for _, e := range want {
			if got := sub.of(e.Point.ID); len(got) == 0 || !fits(got[len(got)-1], e) {
				missing = e.Point.Name
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s is not %s after %v; what came: %v", missing, what, sub.patience, sub.tail(want))
		}
	}
}

func (sub *subscription) awaitGood(t testing.TB, want []Expect) {
	t.Helper()
	sub.await(t, want, func(s telemetry.Sample, e Expect) bool { return s.Quality == telemetry.Good && s.Value == e.Want }, "good with its value")
}

func (sub *subscription) awaitBad(t testing.TB, want []Expect) {
	t.Helper()
	sub.await(t, want, func(s telemetry.Sample, _ Expect) bool { return s.Quality.IsBad() }, "bad")
}

// tail is the newest sample of every point, for the message of a failure.
func (sub *subscription) tail(want []Expect) []telemetry.Sample {
	var newest []telemetry.Sample
	for _, e := range want {
		if got := sub.of(e.Point.ID); len(got) > 0 {
			newest = append(newest, got[len(got)-1])
		}
	}
	return newest
}

// ended waits for Subscribe to return and gives its error.
func (s Suite) ended(t testing.TB, sub *subscription) error {
	t.Helper()
	select {
	case err := <-sub.done:
		return err
	case <-time.After(s.Slack):
		t.Fatalf("Subscribe has not returned %v after it had to", s.Slack)
		return nil
	}
}

func pushedArrives(t testing.TB, s Suite) {
	rig := s.Start(t)
	s.subscribe(t, s.open(t, rig), rig).awaitGood(t, rig.pushed())
}

func silentPush(t testing.TB, s Suite) {
	rig := s.Start(t)
	sub := s.subscribe(t, s.open(t, rig), rig)
	sub.awaitGood(t, rig.pushed())
	rig.Silence()
	sub.awaitBad(t, rig.pushed())
	select { // long enough for a second round of bad samples to come, if it is going to
	case err := <-sub.done:
		t.Fatalf("the equipment is silent and Subscribe ended: %v; want it to wait", err)
	case <-time.After(2 * silentFor):
	}
	for _, e := range rig.pushed() {
		bad := 0
		for _, one := range sub.of(e.Point.ID) {
			if one.Quality.IsBad() {
				bad++
				badWithReason(t, e.Point, one)
			}
		}
		if bad != 1 {
			t.Errorf("%s went silent and was emitted bad %d times; want once", e.Point.Name, bad)
		}
	}
	rig.Speak()
	sub.awaitGood(t, rig.pushed())
}

func subscribeEndsWithContext(t testing.TB, s Suite) {
	rig := s.Start(t)
	sub := s.subscribe(t, s.open(t, rig), rig)
	sub.awaitGood(t, rig.pushed())
	sub.cancel()
	if err := s.ended(t, sub); err != nil {
		t.Errorf("subscribe, its context ended: %v; want nil", err)
	}
}

func lostSubscription(t testing.TB, s Suite) {
	rig := s.Start(t)
	a := s.open(t, rig)
	sub := s.subscribe(t, a, rig)
	sub.awaitGood(t, rig.pushed())
	rig.Cut()
	select {
	case err := <-sub.done:
		if err == nil || errors.Is(err, adapters.ErrNoAnswer) {
			t.Errorf("subscribe over a cut connection: %v; want an error that is not ErrNoAnswer", err)
		}
	case <-time.After(s.Patience):
		t.Fatalf("the connection is cut and Subscribe waits on after %v", s.Patience)
	}
	if err := a.Close(); err != nil {
		t.Errorf("close of a cut connection: %v", err)
	}
	rig.Restore()
	s.subscribe(t, s.open(t, rig), rig).awaitGood(t, rig.pushed())
}

func closeEndsSubscription(t testing.TB, s Suite) {
	rig := s.Start(t)
	a := s.open(t, rig)
	sub := s.subscribe(t, a, rig)
	sub.awaitGood(t, rig.pushed())
	if err := s.close(t, a); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := s.ended(t, sub); errors.Is(err, adapters.ErrNoAnswer) {
		t.Errorf("subscribe, ended by close: %v; want nil or another error", err)
	}
}
