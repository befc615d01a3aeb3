package gateway

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

func sampleOf(id telemetry.PointID, v int64) telemetry.Sample {
	return telemetry.Sample{Point: id, Time: time.Now().UnixNano(), Value: telemetry.Int64(v)}
}

// TestOnlyWhatIsLookedAtIsSentAndOnlyWhenItChanges: press.x, mill.x and lathe.x are read; the cloud is told of press only.
func TestOnlyWhatIsLookedAtIsSentAndOnlyWhenItChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := regions(t, everything)
		w := newWatch(cfg, cfg.Cloud[0], newAudience(cfg).ids)
		value := int64(0)
		read := func() int {
			value++
			w.put([]telemetry.Sample{sampleOf(0, value), sampleOf(1, value), sampleOf(2, value)})
			w.put([]telemetry.Sample{sampleOf(0, value)}) // unchanged
			return len(w.take())
		}
		if n := read(); n != 0 {
			t.Errorf("%d samples when nobody looks", n)
		}
		for _, c := range []struct {
			points []string
			want   int
		}{{[]string{"press.x"}, 1}, {[]string{wire.EveryPoint}, 1}, {[]string{"mill.x", "gone.x"}, 0}} {
			w.ask(wire.Watch{Points: c.points, Lease: time.Minute})
			if n := read(); n != c.want {
				t.Errorf("%v: %d samples, want %d", c.points, n, c.want)
			}
		}
		w.ask(wire.Watch{Points: []string{"press.x"}, Lease: time.Minute})
		read()
		w.put([]telemetry.Sample{sampleOf(0, value)})
		if n := len(w.take()); n != 0 {
			t.Errorf("%d samples of a value that stands still", n)
		}
		time.Sleep(59 * time.Second)
		if n := read(); n != 1 {
			t.Errorf("%d samples within the lease", n)
		}
		time.Sleep(2 * time.Second)
		if n := read(); n != 0 || w.active.Load() {
			t.Errorf("%d samples when the lease has run out, active %v", n, w.active.Load())
		}
		w.ask(wire.Watch{Points: []string{"press.x"}, Lease: time.Minute})
		w.ask(wire.Watch{})
		if n := read(); n != 0 || w.active.Load() {
			t.Errorf("%d samples when nobody looks any more", n)
		}
	})
}
