package flow_test

import (
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/flow"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// moods is a clock that is in the doubts that the test gives it.
type moods struct {
	mu    sync.Mutex
	stamp wire.Stamp
}

func (m *moods) Stamp([]telemetry.Sample) wire.Stamp {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stamp
}

// doubt begins one, or ends it with 0.
func (m *moods) doubt(n uint32, offset int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stamp = wire.Stamp{Doubt: n, Offset: offset}
	if n == 0 {
		m.stamp = wire.Stamp{}
	}
}

// byStamp are the numbers in records, under the stamp each bears.
func byStamp(t *testing.T, recs []buffer.Record) map[wire.Stamp][]int64 {
	t.Helper()
	all := map[wire.Stamp][]int64{}
	for _, r := range recs {
		sum, err := wire.Peek(r.Data)
		if err != nil {
			t.Fatal(err)
		}
		all[sum.Stamp] = append(all[sum.Stamp], numbers(t, []buffer.Record{r})...)
	}
	return all
}

func TestSamplesInDoubtAreMarkedAndInBlocksOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		var clock moods
		var tapped []telemetry.Quality
		s := start(t, points(2, config.Point{}), &d, flow.Options{Clock: &clock, Tap: func(list []telemetry.Sample) { tapped = append(tapped, list[0].Quality) }})
		n := int64(0)
		read := func(sourced bool, q telemetry.Quality) {
			n++
			s.Put([]telemetry.Sample{{Point: telemetry.PointID(n % 2), Quality: q, Value: telemetry.Int64(n), Time: time.Now().UnixNano(), Sourced: sourced}})
		}
		read(false, telemetry.Good) // 1
		clock.doubt(1, 10)
		read(false, telemetry.Good)                // 2
		read(true, telemetry.Good)                 // 3: the equipment's own time
		read(false, telemetry.BadTimeout)          // 4
		time.Sleep(time.Second + time.Millisecond) // the first block
		read(false, telemetry.Good)                // 5
		clock.doubt(1, 20)
		read(true, telemetry.Good)  // 6
		read(false, telemetry.Good) // 7
		time.Sleep(time.Second)     // the journal
		if d.journalled() != 3 || s.Unsaved() != 0 {
			t.Errorf("journal %d, unsaved %d; want 3 and 0", d.journalled(), s.Unsaved())
		}
		if latest, _ := s.Latest(1); latest.Quality != telemetry.UncertainClock {
			t.Errorf("the latest sample in doubt is %v", latest.Quality)
		}
		if latest, _ := s.Latest(0); latest.Quality != telemetry.Good {
			t.Errorf("the latest sample with the equipment's own time is %v", latest.Quality)
		}
		d.fill(true)
		read(false, telemetry.Good) // 8
		time.Sleep(5 * time.Second)
		clock.doubt(0, 0)
		read(false, telemetry.Good) // 9
		d.fill(false)
		time.Sleep(5 * time.Second)
		if err := s.end(); err != nil {
			t.Fatal(err)
		}
		ten, twenty := wire.Stamp{Doubt: 1, Offset: 10}, wire.Stamp{Doubt: 1, Offset: 20}
		want := map[wire.Stamp][]int64{{}: {1, 3, 6, 9}, ten: {2, 4, 5}, twenty: {7, 8}}
		got := byStamp(t, d.blocks())
		for _, list := range got {
			slices.Sort(list)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("stored %v\nwant %v", got, want)
		}
		good, marked := telemetry.Good, telemetry.UncertainClock
		if q := []telemetry.Quality{good, marked, good, telemetry.BadTimeout, marked, good, marked, marked, good}; !slices.Equal(tapped, q) {
			t.Errorf("rules saw %v\nwant %v", tapped, q)
		}
	})
}
