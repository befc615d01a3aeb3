package flow_test

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/flow"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// reading is one sample of a story, a second after the one before it.
type reading struct {
	v any // float64, int, string, bool or nil for no value
	q telemetry.Quality
}

func value(v any) telemetry.Value {
	switch v := v.(type) {
	case float64:
		return telemetry.Float64(v)
	case int:
		return telemetry.Int64(int64(v))
	case string:
		return telemetry.String(v)
	case bool:
		return telemetry.Bool(v)
	}
	return telemetry.Value{}
}

// readings are good readings of values.
func readings(values ...any) (list []reading) {
	for _, v := range values {
		list = append(list, reading{v: v})
	}
	return list
}

func bad(q telemetry.Quality, n int) (list []reading) {
	for range n {
		list = append(list, reading{nil, q})
	}
	return list
}

func TestWhatIsKept(t *testing.T) {
	band := func(d config.Deadband) config.Point { return config.Point{Deadband: &d} }
	nan, inf := math.NaN(), math.Inf(1)
	for what, c := range map[string]struct {
		point config.Point
		reads []reading
		kept  []int // the places in reads
	}{
		"without a deadband everything is kept":      {config.Point{}, readings(1.0, 1.0, 1.0), []int{0, 1, 2}},
		"deadband 0 keeps changes":                   {band(config.Deadband{}), readings(1, 1, 2, 2, 1), []int{0, 2, 4}},
		"an absolute deadband":                       {band(config.Deadband{Absolute: 0.5}), readings(20.0, 20.4, 20.5, 20.51, 20.1, 20.0), []int{0, 3, 5}},
		"it counts from the value kept, so no creep": {band(config.Deadband{Absolute: 2}), readings(0, 1, 2, 3, 4, 5, 6), []int{0, 3, 6}},
		"percent of the last value":                  {band(config.Deadband{Percent: 10}), readings(100.0, 109.0, 111.0, 100.0, 99.0), []int{0, 2, 4}},
		"percent of the range":                       {config.Point{Deadband: &config.Deadband{Percent: 1}, Range: &config.Range{Max: 200}}, readings(1.0, 2.9, 3.1), []int{0, 2}},
		"percent of zero":                            {band(config.Deadband{Percent: 10}), readings(0.0, 0.0, 0.001), []int{0, 2}},
		"a bool":                                     {band(config.Deadband{Absolute: 5}), readings(false, false, true, true, false), []int{0, 2, 4}},
		"a text":                                     {band(config.Deadband{Absolute: 5}), readings("A", "A", "B"), []int{0, 2}},
		"NaN comes, stays and goes":                  {band(config.Deadband{Absolute: 1}), readings(1.0, nan, nan, 1.0), []int{0, 1, 3}},
		"infinity goes":                              {band(config.Deadband{Percent: 1}), readings(1.0, inf, inf, 1.0), []int{0, 1, 3}},
		"a quality that changes":                     {band(config.Deadband{Absolute: 9}), append(readings(1.0, 1.1), reading{1.1, telemetry.UncertainSensorNotAccurate}, reading{1.1, 0}), []int{0, 2, 3}},
		"a device that is off says so once":          {config.Point{}, append(append(readings(1.0), bad(telemetry.BadTimeout, 5)...), reading{2.0, 0}), []int{0, 1, 6}},
		"another reason is news":                     {config.Point{}, append(bad(telemetry.BadTimeout, 2), bad(telemetry.BadNoCommunication, 2)...), []int{0, 2}},
		"and again with every heartbeat":             {config.Point{Heartbeat: 3 * time.Second}, bad(telemetry.BadTimeout, 8), []int{0, 3, 6}},
		"a heartbeat within the deadband":            {config.Point{Deadband: &config.Deadband{Absolute: 5}, Heartbeat: 2 * time.Second}, readings(1, 1, 1, 1, 1), []int{0, 2, 4}},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d disk
				s := start(t, points(1, c.point), &d, flow.Options{Send: time.Hour})
				var want []telemetry.Sample
				for i, r := range c.reads {
					in := telemetry.Sample{Value: value(r.v), Quality: r.q, Time: time.Now().UnixNano()}
					s.Put([]telemetry.Sample{in})
					if len(want) < len(c.kept) && c.kept[len(want)] == i {
						want = append(want, in)
					}
					time.Sleep(time.Second)
				}
				if err := s.end(); err != nil {
					t.Fatal(err)
				}
				if got := samples(t, d.blocks()); !reflect.DeepEqual(got, want) {
					t.Errorf("kept %v\nwant %v", got, want)
				}
			})
		})
	}
}

func TestTheRangeIsAQuality(t *testing.T) {
	pts := points(2, config.Point{Range: &config.Range{Min: 0, Max: 100}})
	f := flow.New(pts, &disk{}, flow.Options{}, nil)
	for _, c := range []struct {
		in   telemetry.Value
		q    telemetry.Quality
		want telemetry.Quality
	}{
		{telemetry.Float64(0), telemetry.Good, telemetry.Good},
		{telemetry.Float64(100), telemetry.Good, telemetry.Good},
		{telemetry.Float64(100.1), telemetry.Good, telemetry.BadOutOfRange},
		{telemetry.Int64(-1), telemetry.UncertainClock, telemetry.BadOutOfRange},
		{telemetry.Float64(math.NaN()), telemetry.Good, telemetry.BadOutOfRange},
		{telemetry.Float64(1e9), telemetry.BadSensorFailure, telemetry.BadSensorFailure},
		{telemetry.String("idle"), telemetry.Good, telemetry.Good},
	} {
		f.Put([]telemetry.Sample{{Value: c.in, Quality: c.q, Time: 1}})
		if got, ok := f.Latest(0); !ok || got.Quality != c.want || got.Value != c.in {
			t.Errorf("%v, %v: is %v, %v; want the value with %v", c.in, c.q, got.Value, got.Quality, c.want)
		}
	}
	if _, ok := f.Latest(1); ok {
		t.Error("a point never read has a latest sample")
	}
}

// An OPC UA server gives its own time, which stands still with the value: read again, it is the same sample.
func TestTheSameSampleReadAgainIsOne(t *testing.T) {
	f := flow.New(points(1, config.Point{}), &disk{}, flow.Options{}, nil)
	for range 3 {
		f.Put([]telemetry.Sample{{Value: telemetry.Int64(7), Time: 1000}})
	}
	if s := f.Stats(); s.Read != 3 || s.Kept != 1 {
		t.Errorf("%+v, want 3 read and 1 kept", s)
	}
}

func TestAClockSetBackDoesNotSilenceTheHeartbeat(t *testing.T) {
	f := flow.New(points(1, config.Point{Deadband: &config.Deadband{Absolute: 1}, Heartbeat: time.Minute}), &disk{}, flow.Options{}, nil)
	day := int64(24 * time.Hour)
	for _, at := range []int64{3 * day, 3*day + 1, 1 * day, 1*day + 1} {
		f.Put([]telemetry.Sample{{Value: telemetry.Int64(7), Time: at}})
	}
	if s := f.Stats(); s.Kept != 2 {
		t.Errorf("kept %d, want one on each side of the step", s.Kept)
	}
}

func TestATextThatNoBlockHoldsCostsThatSampleOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		s := start(t, points(2, config.Point{}), &d, flow.Options{})
		s.read(0, telemetry.String(strings.Repeat("x", wire.MaxText+1)))
		s.read(1, telemetry.String(strings.Repeat("x", wire.MaxText)))
		if err := s.end(); err != nil {
			t.Fatal(err)
		}
		got := samples(t, d.blocks())
		if len(got) != 2 || got[0].Quality != telemetry.BadOutOfRange || !got[0].Value.IsNone() || len(got[1].Value.Text()) != wire.MaxText {
			t.Errorf("stored %d samples, want the long one bad without its value and its neighbour whole", len(got))
		}
	})
}
