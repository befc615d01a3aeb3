package api

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// sample is a sample as JSON.
type sample struct {
	Time    time.Time       `json:"time"`
	Value   telemetry.Value `json:"value"`
	Quality string          `json:"quality"`
}

// bucket is a cloud.Bucket as JSON: JavaScript has no room for nanoseconds since 1970. Without numbers min, max and avg are null.
type bucket struct {
	Time  time.Time `json:"time"`
	Min   *float64  `json:"min"`
	Max   *float64  `json:"max"`
	Avg   *float64  `json:"avg"`
	Count int       `json:"count"`
	Bad   int       `json:"bad"`
}

// answer is what samples answers with.
type answer struct {
	Thing   string     `json:"thing"`
	Point   string     `json:"point"`
	Unit    string     `json:"unit,omitempty"`
	Samples *[]sample  `json:"samples,omitempty"`
	Next    *time.Time `json:"next,omitempty"` // from where to ask for the rest
	Buckets *[]bucket  `json:"buckets,omitempty"`
}

func (a *api) samples(w http.ResponseWriter, r *http.Request) error {
	q, err := parseAsk(r)
	if err != nil {
		return err
	}
	t, err := a.o.Store.Thing(r.Context(), q.Thing)
	if err != nil {
		return err
	}
	res := answer{Thing: q.Thing, Point: q.Point, Unit: born(t)[q.Point].Unit}
	if q.buckets > 0 {
		err = a.fillBuckets(r, q, &res)
	} else {
		err = a.fillSamples(r, q, &res)
	}
	if err != nil {
		return err
	}
	if q.csv {
		return writeCSV(w, res)
	}
	reply(w, http.StatusOK, res)
	return nil
}

func (a *api) fillBuckets(r *http.Request, q ask, res *answer) error {
	found, err := cloud.Buckets(r.Context(), a.o.Store, q.Query, q.buckets)
	if err != nil {
		return err
	}
	list := make([]bucket, len(found))
	for i, b := range found {
		list[i] = bucket{Time: time.Unix(0, b.From).UTC(), Count: b.Count, Bad: b.Bad}
		if b.Count > 0 {
			list[i].Min, list[i].Max, list[i].Avg = &found[i].Min, &found[i].Max, &found[i].Avg
		}
	}
	res.Buckets = &list
	return nil
}

// fillSamples stops at the limit, between two times: the rest is asked for from the next time on, and a time that many samples share is
// never cut, save at twice the limit.
func (a *api) fillSamples(r *http.Request, q ask, res *answer) error {
	list := make([]sample, 0, min(q.limit, 1024))
	last := int64(0)
	err := a.o.Store.Range(r.Context(), q.Query, func(s telemetry.Sample) bool {
		if n := len(list); n >= q.limit && (s.Time != last || n >= 2*q.limit) {
			next := time.Unix(0, s.Time).UTC()
			res.Next = &next
			return false
		}
		last = s.Time
		list = append(list, sample{time.Unix(0, s.Time).UTC(), s.Value, s.Quality.String()})
		return true
	})
	res.Samples = &list
	return err
}

func writeCSV(w http.ResponseWriter, res answer) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	if res.Next != nil {
		w.Header().Set("Penstock-Next", res.Next.Format(time.RFC3339Nano))
	}
	out := csv.NewWriter(w)
	if res.Buckets != nil {
		_ = out.Write([]string{"time", "min", "max", "avg", "count", "bad"}) // Flush keeps the error
		for _, b := range *res.Buckets {
			_ = out.Write([]string{b.Time.Format(time.RFC3339Nano), number(b.Min), number(b.Max), number(b.Avg), strconv.Itoa(b.Count), strconv.Itoa(b.Bad)})
		}
	} else {
		_ = out.Write([]string{"time", "value", "quality"})
		for _, s := range *res.Samples {
			_ = out.Write([]string{s.Time.Format(time.RFC3339Nano), s.Value.String(), s.Quality})
		}
	}
	out.Flush()
	return nil // the asker is gone when there was an error: nothing can be answered any more
}

func number(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}
