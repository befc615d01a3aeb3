package web

import (
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// tableRow is one stretch of time of a chart, in words.
type tableRow struct {
	At             int64
	Time           string
	Min, Mean, Max string // – when there was no number
	Count, Bad     int
}

func table(buckets []cloud.Bucket) []tableRow {
	list := make([]tableRow, len(buckets))
	for i, b := range buckets {
		at := time.Unix(0, b.From)
		list[i] = tableRow{At: at.UnixMilli(), Time: utc(at), Min: "–", Mean: "–", Max: "–", Count: b.Count, Bad: b.Bad}
		if b.Count > 0 {
			list[i].Min, list[i].Mean, list[i].Max = number(b.Min), mean(b.Avg), number(b.Max)
		}
	}
	return list
}

func changeOf(s telemetry.Sample, enum map[int64]string) change {
	at := time.Unix(0, s.Time)
	c := change{At: at.UnixMilli(), Time: utc(at)}
	c.Value, c.Label = reading(s.Value, enum)
	if !s.Quality.IsGood() {
		c.Quality = s.Quality.String()
	}
	return c
}
