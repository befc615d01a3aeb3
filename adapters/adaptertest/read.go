package adaptertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// silentFor is how long a silent device is waited for: long enough for a bus, short enough for a test.
const silentFor = 300 * time.Millisecond

func readEmitsOnce(t testing.TB, s Suite) {
	rig := s.Start(t)
	r := prepare(t, s.open(t, rig), rig)
	for range 3 { // a Reader stays good
		s.read(t, r, s.Patience).good(t, rig.polled())
	}
}

func silentDevice(t testing.TB, s Suite) {
	rig := s.Start(t)
	r := prepare(t, s.open(t, rig), rig)
	s.read(t, r, s.Patience).good(t, rig.polled())
	rig.Silence()
	for range 2 {
		o := s.read(t, r, silentFor)
		o.bad(t, rig.polled())
		if !errors.Is(o.err, adapters.ErrNoAnswer) {
			t.Errorf("read of a silent device: %v; want ErrNoAnswer, the connection is sound", o.err)
		}
	}
	rig.Speak()
	s.readUntilGood(t, r, rig)
}

// readUntilGood reads until the device answers again. It may need more than one try; a wrong value is never one of them.
func (s Suite) readUntilGood(t testing.TB, r adapters.Reader, rig Rig) {
	t.Helper()
	for end := time.Now().Add(s.Patience); ; {
		o := s.read(t, r, s.Patience)
		if o.err == nil {
			o.good(t, rig.polled())
			return
		}
		o.neverWrong(t, rig.polled())
		if time.Now().After(end) {
			t.Fatalf("the device talks again and read still gives: %v", o.err)
		}
	}
}

func (o outcome) neverWrong(t testing.TB, want []Expect) {
	t.Helper()
	for _, e := range want {
		if one, ok := o.once(t, e.Point); ok && !one.Quality.IsBad() && one.Value != e.Want {
			t.Errorf("%s is %v; want %v or bad", e.Point.Name, one.Value, e.Want)
		}
	}
}

func lostConnection(t testing.TB, s Suite) {
	rig := s.Start(t)
	a := s.open(t, rig)
	r := prepare(t, a, rig)
	s.read(t, r, s.Patience).good(t, rig.polled())
	rig.Cut()
	for range 2 {
		o := s.read(t, r, s.Patience)
		o.bad(t, rig.polled())
		if o.err == nil || errors.Is(o.err, adapters.ErrNoAnswer) {
			t.Errorf("read over a cut connection: %v; want an error that is not ErrNoAnswer", o.err)
		}
	}
	if err := a.Close(); err != nil {
		t.Errorf("close of a cut connection: %v", err)
	}
	rig.Restore()
	s.readUntilGood(t, prepare(t, s.open(t, rig), rig), rig)
}

func readEndsByDeadline(t testing.TB, s Suite) {
	rig := s.Start(t)
	r := prepare(t, s.open(t, rig), rig)
	rig.Silence()
	for _, limit := range []time.Duration{-time.Second, silentFor} { // the first has passed already
		o := s.read(t, r, limit)
		o.bad(t, rig.polled())
		if o.err == nil {
			t.Errorf("read of a silent device with %v to go: nil", limit)
		}
	}
}

func readEndsWhenCancelled(t testing.TB, s Suite) {
	rig := s.Start(t)
	r := prepare(t, s.open(t, rig), rig)
	rig.Silence()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	done := begin(ctx, r)
	time.AfterFunc(50*time.Millisecond, cancel)
	o := s.await(t, done, 50*time.Millisecond)
	o.bad(t, rig.polled())
	if o.err == nil {
		t.Errorf("a cancelled read: nil")
	}
}

func prepareTouchesNoWire(t testing.TB, s Suite) {
	rig := s.Start(t)
	a := s.open(t, rig)
	if rig.Received != nil {
		before := rig.Received()
		prepare(t, a, rig)
		if after := rig.Received(); after != before {
			t.Errorf("the equipment received something when the reading was planned: %d, then %d", before, after)
		}
	}
	rig.Cut()
	if _, err := a.Prepare(points(rig.polled())); err != nil {
		t.Errorf("prepare on a cut connection: %v; want a plan, it is no matter of the wire", err)
	}
}
