package cloud_test

import (
	"context"
	"math"
	"reflect"
	"testing"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// shelf is samples in order of time, as a store gives them.
type shelf []telemetry.Sample

func (shelf) Append(context.Context, ...cloud.Batch) ([]bool, error)     { panic("BUG: not asked for") }
func (shelf) Latest(context.Context, string) ([]cloud.PointState, error) { panic("BUG: not asked for") }

func (h shelf) Range(_ context.Context, q cloud.Query, yield func(telemetry.Sample) bool) error {
	if q.Last == 1 && len(h) > 0 {
		h = h[len(h)-1:]
	}
	for _, s := range h {
		if s.Time >= q.From && (q.To == 0 || s.Time < q.To) && !yield(s) {
			break
		}
	}
	return nil
}

func number(at int64, v float64) telemetry.Sample {
	return telemetry.Sample{Time: at, Value: telemetry.Float64(v)}
}

func TestBucketsSumUpWhatAChartDraws(t *testing.T) {
	bad := number(31, 1000)
	bad.Quality = telemetry.BadTimeout
	uncertain := number(32, 7)
	uncertain.Quality = telemetry.Uncertain
	samples := shelf{number(10, 1), number(11, 3), number(19, 2), bad, uncertain, number(33, math.NaN()), {Time: 34, Value: telemetry.Bool(true)},
		{Time: 35, Value: telemetry.String("x")}, number(49, -5)}
	got, err := cloud.Buckets(t.Context(), samples, cloud.Query{From: 10, To: 50}, 4)
	want := []cloud.Bucket{
		{From: 10, Min: 1, Max: 3, Avg: 2, Count: 3},
		{From: 30, Min: 1, Max: 7, Avg: 4, Count: 2, Bad: 3},
		{From: 40, Min: -5, Max: -5, Avg: -5, Count: 1},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	if open, _ := cloud.Buckets(t.Context(), samples, cloud.Query{}, 4); !reflect.DeepEqual(open, want) {
		t.Errorf("open ends give %+v\nwant %+v", open, want)
	}
}

func TestBucketsAtTheEdges(t *testing.T) {
	if got, err := cloud.Buckets(t.Context(), shelf{}, cloud.Query{}, 10); got != nil || err != nil {
		t.Errorf("no samples give %v, %v", got, err)
	}
	for _, n := range []int{0, -1, cloud.MaxBuckets + 1} {
		if _, err := cloud.Buckets(t.Context(), shelf{}, cloud.Query{}, n); err == nil {
			t.Errorf("%d buckets were given", n)
		}
	}
	widest := shelf{number(math.MinInt64, math.MaxFloat64), number(math.MaxInt64, math.MaxFloat64)}
	got, err := cloud.Buckets(t.Context(), widest, cloud.Query{From: math.MinInt64}, 1)
	if err != nil || len(got) != 1 || got[0].Count != 2 || got[0].Avg != math.MaxFloat64 {
		t.Errorf("all of time in one bucket: %+v, %v", got, err)
	}
	if got, _ := cloud.Buckets(t.Context(), shelf{number(5, 1)}, cloud.Query{}, 1000); len(got) != 1 || got[0].From != 5 {
		t.Errorf("one sample gives %+v", got)
	}
}
