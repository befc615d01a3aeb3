package shadow_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// TestDS24_AYearOffline: 365 days without the cloud, 500 reboots, edits on both sides. Then one sync, of two messages a shadow, makes the two
// one, and of every desired value the last that a person set is there: the cloud's where it was set there at all, else the one set here.
func TestDS24_AYearOffline(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			story(t, func(t *testing.T, e *edge) { aYear(t, e, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func aYear(t *testing.T, e *edge, chance *rand.Rand) {
	e.update(press, `{"desired":{"k0":0,"k1":0,"k2":0,"k3":0},"reported":{"k0":0}}`)
	e.connect()
	e.cloud.cut()
	here, there, reported := map[string]int{}, map[string]int{}, map[string]int{"k0": 0}
	reboots := 0
	for day := range 365 {
		for range chance.IntN(3) {
			key := fmt.Sprintf("k%d", chance.IntN(6))
			switch chance.IntN(3) {
			case 0:
				here[key] = day
				e.update(press, fmt.Sprintf(`{"desired":{%q:%d}}`, key, day))
			case 1:
				there[key] = 1000 + day
				e.cloud.set(t, press, fmt.Sprintf(`{"desired":{%q:%d},"reported":{%q:%d}}`, key, 1000+day, key, 1000+day))
			case 2:
				reported[key] = day
				e.update(press, fmt.Sprintf(`{"reported":{%q:%d}}`, key, day))
			}
		}
		time.Sleep(24 * time.Hour)
		for reboots < (day+1)*500/365 {
			reboots++
			e.restart()
		}
	}
	e.cloud.count()
	e.connect()
	if n := e.cloud.count(); n > 3 { // a get a shadow (the gateway's own has none in the cloud), an update for this one
		t.Errorf("%d requests after a year", n)
	}
	want := map[string]int{"k0": 0, "k1": 0, "k2": 0, "k3": 0}
	for key, v := range here {
		want[key] = v
	}
	for key, v := range there {
		want[key] = v
	}
	local, cloud := e.local(press), e.cloud.state(press)
	if !local.Equal(cloud) {
		t.Errorf("here %v, in the cloud %v", local, cloud)
	}
	for key, v := range want {
		if got := fmt.Sprint(cloud.Desired[key]); got != fmt.Sprint(v) {
			t.Errorf("desired %s is %s, want %d", key, got, v)
		}
	}
	for key, v := range reported {
		if got := fmt.Sprint(cloud.Reported[key]); got != fmt.Sprint(v) {
			t.Errorf("reported %s is %s, want %d", key, got, v)
		}
	}
	if reboots != 500 {
		t.Errorf("%d reboots", reboots)
	}
}

// TestASyncIsCutAnywhere: at every request of a sync, before it is carried out or after, the line is lost and the gateway starts again; what was
// changed on either side arrives all the same, once.
func TestASyncIsCutAnywhere(t *testing.T) {
	for _, answered := range []bool{false, true} {
		for at := range 4 {
			t.Run(fmt.Sprint("request ", at, ", carried out: ", answered), func(t *testing.T) {
				story(t, func(t *testing.T, e *edge) {
					e.update(press, `{"desired":{"a":1,"b":1},"reported":{"x":1}}`)
					e.connect()
					e.cloud.cut()
					e.update(press, `{"desired":{"a":2},"reported":{"x":2}}`)
					e.cloud.set(t, press, `{"desired":{"b":2}}`)
					left := at
					fail := func(doc.Topic) bool { left--; return left == -1 }
					if answered {
						e.cloud.after = fail
					} else {
						e.cloud.before = fail
					}
					e.connect()
					e.restart()
					e.cloud.before, e.cloud.after = nil, nil
					e.cloud.set(t, press, `{"desired":{"c":3}}`) // meanwhile somebody goes on
					e.update(press, `{"desired":{"a":4}}`)       // and what was sent is no change of the cloud's against this
					e.connect()
					synctest.Wait()
					e.same(press, `{"a":4,"b":2,"c":3}`, `{"x":2}`)
				})
			})
		}
	}
}
