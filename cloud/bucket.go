package cloud

import (
	"context"
	"fmt"
	"math"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// MaxBuckets is the most that Buckets divides a stretch of time into.
const MaxBuckets = 100_000

// Bucket sums up the samples of one stretch of time: what a chart draws. Only good and uncertain numbers count in
// Min, Max, Avg; Bad counts the rest: bad quality, texts, and what JSON has no number for (NaN, the infinities).
type Bucket struct {
	From  int64   `json:"from"` // nanoseconds since 1970, included
	Min   float64 `json:"min"`
	Max   float64 `json:"max"`
	Avg   float64 `json:"avg"`
	Count int     `json:"count"` // samples that are numbers
	Bad   int     `json:"bad"`
}

// Buckets divides the time of a query into n stretches of one length and sums up each; those without samples are left out. An open end
// is where the point's samples begin or end. q.Last does not matter.
func Buckets(ctx context.Context, store TelemetryStore, q Query, n int) ([]Bucket, error) {
	if n < 1 || n > MaxBuckets {
		return nil, fmt.Errorf("%d buckets asked for; 1 to %d can be had", n, MaxBuckets)
	}
	q.Last = 0
	first, last, err := extent(ctx, store, q)
	if err != nil || first > last {
		return nil, err
	}
	span := uint64(last) - uint64(first) // right even where int64 has no room for it
	width := max(span/uint64(n), min(span, math.MaxUint64-1)/uint64(n)+1)
	var buckets []Bucket
	err = store.Range(ctx, q, func(s telemetry.Sample) bool {
		if s.Time < first || s.Time > last { // came in after extent had looked
			return true
		}
		place := min((uint64(s.Time)-uint64(first))/width, uint64(n)-1)
		from := int64(uint64(first) + place*width)
		if len(buckets) == 0 || buckets[len(buckets)-1].From != from {
			buckets = append(buckets, Bucket{From: from})
		}
		buckets[len(buckets)-1].add(s)
		return true
	})
	return buckets, err
}

// extent is the first and the last time of a query, both included; open ends are looked up. first > last when there is nothing.
func extent(ctx context.Context, store TelemetryStore, q Query) (first, last int64, err error) {
	first, last = q.From, q.To-1
	if q.From == 0 {
		first = math.MaxInt64
		err = store.Range(ctx, q, func(s telemetry.Sample) bool {
			first = s.Time
			return false
		})
	}
	if q.To == 0 && err == nil {
		last = math.MinInt64
		q.Last = 1
		err = store.Range(ctx, q, func(s telemetry.Sample) bool {
			last = s.Time
			return true
		})
	}
	return first, last, err
}

func (b *Bucket) add(s telemetry.Sample) {
	v, ok := s.Value.Float()
	if !ok || s.Quality.IsBad() || math.IsNaN(v) || math.IsInf(v, 0) {
		b.Bad++
		return
	}
	if b.Count++; b.Count == 1 {
		b.Min, b.Max, b.Avg = v, v, v
		return
	}
	b.Min, b.Max = min(b.Min, v), max(b.Max, v)
	n := float64(b.Count)
	b.Avg += v/n - b.Avg/n // no sum that could overflow
}
