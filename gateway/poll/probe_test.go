package poll_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/gateway/poll"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// bus is thirty devices on a serial line on which an answer takes 22 ms and a time-out 300 ms; the first ten are dead.
func bus() (*plant, []string) {
	pl := newPlant()
	pl.slow, pl.timeout = 22*time.Millisecond, 300*time.Millisecond
	var devices []string
	for i := range 30 {
		devices = append(devices, fmt.Sprintf("d%d", i))
		if i < 10 {
			pl.silent[devices[i]] = true
		}
	}
	return pl, devices
}

func TestTenDeadSlavesCostTwentyOthersNothing(t *testing.T) {
	pl, devices := bus()
	conn, points := site(pl, false, devices...)
	during(t, conn, points, func(p *poll.Poller, out *sink) {
		time.Sleep(5 * time.Minute)
		least, most := 1<<30, 0
		for i, d := range devices {
			if n := pl.readsOf(d); i >= 10 {
				least = min(least, n)
			} else {
				most = max(most, n)
			}
		}
		t.Logf("in 5 minutes at 1 s: the least of the live was read %d times, the most asked of the dead %d times; load %.0f %%, %d overruns", least, most, 100*p.State().Load, p.State().Overruns)
		if least < 285 {
			t.Errorf("a live device was read %d times in 300 s, want 95 %% of its schedule", least)
		}
		if s := p.State(); s.Load < 0.40 || s.Load > 0.55 {
			t.Errorf("bus load %.2f; 20 readings of 22 ms a second and probes are about 0.47", s.Load)
		}
		pl.set(func() { clear(pl.silent) })
		time.Sleep(70 * time.Second) // a minute, with its jitter
		for i := range 10 {
			if s := out.last(telemetry.PointID(i)); !s.Quality.IsGood() {
				t.Errorf("%s has returned and is %v after one probe interval", devices[i], s.Quality)
			}
		}
	})
}

// A bus that has more to do than it can still finds a device that returns.
func TestABusWithoutRestProbesAllTheSame(t *testing.T) {
	pl, devices := bus()
	pl.slow = 70 * time.Millisecond
	conn, points := site(pl, false, devices...)
	during(t, conn, points, func(p *poll.Poller, out *sink) {
		time.Sleep(time.Minute)
		pl.set(func() { clear(pl.silent) })
		time.Sleep(2 * time.Minute)
		for i := range 10 {
			if s := out.last(telemetry.PointID(i)); !s.Quality.IsGood() {
				t.Errorf("%s is %v two minutes after its return", devices[i], s.Quality)
			}
		}
		if load := p.State().Load; load < 0.95 {
			t.Errorf("the load of a bus without rest is %.2f", load)
		}
	})
}

// A fast scan does not wait for a row of slow ones.
func TestAFastScanComesFirst(t *testing.T) {
	pl := newPlant()
	pl.slow = 30 * time.Millisecond
	devices := []string{"fast"}
	for i := range 40 {
		devices = append(devices, fmt.Sprintf("d%d", i))
	}
	conn, points := site(pl, false, devices...)
	points[0].Scan = 200 * time.Millisecond
	for i := range points[1:] {
		points[1+i].Scan = 5 * time.Second
	}
	during(t, conn, points, func(p *poll.Poller, _ *sink) {
		time.Sleep(60*time.Second + time.Millisecond)
		if n := pl.readsOf("fast"); n < 299 {
			t.Errorf("read %d times in 60 s at 200 ms, %d overruns; want 300", n, p.State().Overruns)
		}
	})
}
