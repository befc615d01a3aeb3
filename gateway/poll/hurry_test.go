package poll_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/gateway/poll"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestPointsAreReadFasterForAWhile(t *testing.T) {
	pl := newPlant()
	conn, points := site(pl, false, "a", "b")
	during(t, conn, points, func(p *poll.Poller, _ *sink) {
		time.Sleep(5*time.Second + 500*time.Millisecond) // 6 readings
		p.Hurry([]telemetry.PointID{0}, 100*time.Millisecond, 2*time.Second)
		time.Sleep(time.Second)
		p.Hurry([]telemetry.PointID{0}, 100*time.Millisecond, 2*time.Second) // a second longer
		time.Sleep(10 * time.Second)
		// 17 at their own rate and 3 s at ten a second.
		if a := pl.readsOf("a"); a < 46 || a > 48 {
			t.Errorf("a was read %d times, want 47", a)
		}
		if b := pl.readsOf("b"); b < 17 || b > 18 { // a reading more or less where the scan's grid falls
			t.Errorf("b was read %d times, want 17 as ever", b)
		}
		before := pl.readsOf("a")
		time.Sleep(10 * time.Second)
		if after := pl.readsOf("a") - before; after != 10 {
			t.Errorf("afterwards a was read %d times in 10 s, want 10", after)
		}
	})
}

func TestHurryingSurvivesALostConnection(t *testing.T) {
	pl := newPlant()
	conn, points := site(pl, false, "a")
	during(t, conn, points, func(p *poll.Poller, out *sink) {
		pl.set(func() { pl.cut = errors.New("connection refused") })
		time.Sleep(time.Second)
		p.Hurry([]telemetry.PointID{0}, 100*time.Millisecond, time.Minute)
		time.Sleep(time.Second)
		pl.set(func() { pl.cut = nil })
		time.Sleep(10 * time.Second)
		before := pl.readsOf("a")
		time.Sleep(5 * time.Second)
		if n := pl.readsOf("a") - before; n < 54 || n > 56 {
			t.Errorf("read %d times in 5 s after the return, want 55", n)
		}
	})
}

func TestWhatIsReadAsFastAlreadyStays(t *testing.T) {
	pl := newPlant()
	conn, points := site(pl, false, "a")
	during(t, conn, points, func(p *poll.Poller, _ *sink) {
		var wishes sync.WaitGroup
		for i := range 100 { // more than are let in at a time, none of which is faster
			wishes.Go(func() {
				p.Hurry([]telemetry.PointID{0, 99}, time.Duration(1+i)*time.Second, time.Hour)
			})
		}
		wishes.Wait()
		synctest.Wait()
		time.Sleep(9*time.Second + 500*time.Millisecond)
		if n := pl.readsOf("a"); n != 10 {
			t.Errorf("read %d times in 9.5 s, want 10", n)
		}
	})
}
