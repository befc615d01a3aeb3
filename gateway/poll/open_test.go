package poll_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/poll"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestAnAddressThatSwallowsPacketsStopsNothing(t *testing.T) {
	pl := newPlant()
	pl.hang = true
	conn, points := site(pl, false, "a")
	during(t, conn, points, func(p *poll.Poller, out *sink) {
		time.Sleep(10*time.Second + time.Millisecond)
		if n := out.count(); n < 8 || n > 11 || out.last(0).Quality != telemetry.BadNoCommunication {
			t.Errorf("%d samples in 10 s, the last %v; want one a second that says that there is no communication", n, out.last(0).Quality)
		}
		began := time.Now()
		_, err := p.Write(context.Background(), points[0].Point, telemetry.Bool(true))
		if err == nil || !strings.Contains(err.Error(), "it is being opened just now") || time.Since(began) > 0 {
			t.Errorf("a write meanwhile took %v: %v", time.Since(began), err)
		}
		if s := p.State(); s.Overruns != 0 {
			t.Errorf("%d overruns: nothing was read too slowly", s.Overruns)
		}
		pl.set(func() { pl.hang = false })
		time.Sleep(25 * time.Second) // the attempt ends after 30 s, the next begins about a second later
		if s := out.last(0); !s.Quality.IsGood() {
			t.Errorf("quality %v after the return", s.Quality)
		}
	})
}

func TestASlowScanIsReadAsSoonAsTheConnectionIsThere(t *testing.T) {
	pl := newPlant()
	pl.cut = errors.New("connection refused")
	conn, points := site(pl, false, "a")
	points[0].Scan = time.Hour
	during(t, conn, points, func(p *poll.Poller, out *sink) {
		time.Sleep(time.Minute)
		if n := out.count(); n != 1 {
			t.Errorf("%d samples while it was down, want one that says so", n)
		}
		pl.set(func() { pl.cut = nil })
		time.Sleep(40 * time.Second)
		if n := pl.readsOf("a"); n != 1 || !out.last(0).Quality.IsGood() {
			t.Errorf("read %d times, %v; want once, without waiting for the hour", n, out.last(0).Quality)
		}
	})
}

func TestAReadingThatHangsEndsTheConnection(t *testing.T) {
	pl := newPlant()
	conn, points := site(pl, false, "a")
	during(t, conn, points, func(p *poll.Poller, out *sink) {
		time.Sleep(time.Second / 2)
		pl.set(func() { pl.hang = true })
		time.Sleep(62 * time.Second)
		if s := p.State(); s.State != "down" || s.Errors == 0 {
			t.Errorf("%+v, want down after the limit of a minute", s)
		}
	})
}

func TestADeviceIsNamedOnceHoweverManyScansItHas(t *testing.T) {
	pl := newPlant()
	pl.silent["b"], pl.silent["a"] = true, true
	conn, points := site(pl, false, "a", "b")
	for i, d := range []string{"a", "b"} {
		id := telemetry.PointID(2 + i)
		points = append(points, config.Point{Point: adapters.Point{ID: id, Device: d, Name: "slow", Spec: spec{}}, Scan: 2 * time.Second})
		conn.Devices[i].Points = append(conn.Devices[i].Points, id)
	}
	during(t, conn, points, func(p *poll.Poller, _ *sink) {
		time.Sleep(30 * time.Second)
		if s := p.State(); s.Why != "no answer from a, b" {
			t.Errorf("the state says %q", s.Why)
		}
	})
}
