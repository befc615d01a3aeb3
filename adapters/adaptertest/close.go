package adaptertest

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/adapters"
)

func openSaysNobody(t testing.TB, s Suite) {
	rig := s.Start(t)
	rig.Cut()
	ctx, cancel := context.WithTimeout(context.Background(), s.Patience)
	defer cancel()
	start := time.Now()
	a, err := rig.Connection.Open(ctx, slog.New(slog.DiscardHandler))
	if err == nil {
		_ = a.Close()
		t.Errorf("open succeeded where nobody is: want an error that says what to do")
	}
	if took := time.Since(start); took > s.Patience+s.Slack {
		t.Errorf("open took %v; its context ended after %v", took, s.Patience)
	}
}

func closeTwice(t testing.TB, s Suite) {
	a := s.open(t, s.Start(t))
	for i := range 2 {
		if err := s.close(t, a); err != nil {
			t.Errorf("close %d: %v", i+1, err)
		}
	}
}

// close closes, and ends the test when that takes too long.
func (s Suite) close(t testing.TB, a adapters.Adapter) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- a.Close() }()
	select {
	case err := <-done:
		return err
	case <-time.After(s.Patience):
		t.Fatalf("Close has not returned after %v", s.Patience)
		return nil
	}
}

func closeEndsRead(t testing.TB, s Suite) {
	rig := s.Start(t)
	a := s.open(t, rig)
	r := prepare(t, a, rig)
	rig.Silence()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	done := begin(ctx, r)
	time.AfterFunc(50*time.Millisecond, func() { _ = a.Close() })
	o := s.await(t, done, 50*time.Millisecond)
	o.bad(t, rig.polled())
	if o.err == nil {
		t.Errorf("a read that Close ended: nil")
	}
}

func readAfterClose(t testing.TB, s Suite) {
	rig := s.Start(t)
	a := s.open(t, rig)
	r := prepare(t, a, rig)
	if err := a.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	o := s.read(t, r, s.Patience)
	o.bad(t, rig.polled())
	if o.err == nil || errors.Is(o.err, adapters.ErrNoAnswer) {
		t.Errorf("read after close: %v; want an error that is not ErrNoAnswer", o.err)
	}
}

func noGoroutineLeft(t testing.TB, s Suite) {
	rig := s.Start(t)
	before := goleak.IgnoreCurrent()
	a := s.open(t, rig)
	if len(rig.polled()) > 0 {
		s.read(t, prepare(t, a, rig), s.Patience).good(t, rig.polled())
	}
	if len(rig.pushed()) > 0 {
		sub := s.subscribe(t, a, rig)
		sub.awaitGood(t, rig.pushed())
		sub.cancel()
		_ = s.ended(t, sub) // how it ends is another law
	}
	if err := s.close(t, a); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := goleak.Find(before); err != nil {
		t.Errorf("after close: %v", err)
	}
}
