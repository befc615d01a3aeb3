package api

import (
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/penstock-edge/penstock/cloud"
)

// maxSamples bounds an answer; what is left over is asked for from "next" on.
const maxSamples = 100_000

// ask is a question for samples, as the URL puts it.
type ask struct {
	cloud.Query
	buckets int // 0: the samples themselves
	limit   int
	csv     bool
}

func parseAsk(r *http.Request) (ask, error) {
	values := r.URL.Query()
	q := ask{Query: cloud.Query{Thing: r.PathValue("thing"), Point: r.PathValue("p")}}
	var err error
	if q.From, err = parseTime(values, "from"); err != nil {
		return q, err
	}
	if q.To, err = parseTime(values, "to"); err != nil {
		return q, err
	}
	if q.From != 0 && q.To != 0 && q.From >= q.To {
		return q, invalid("from is not before to")
	}
	if q.buckets, err = parseCount(values, "buckets", 0, cloud.MaxBuckets); err != nil {
		return q, err
	}
	if q.Last, err = parseCount(values, "last", 0, maxSamples); err != nil {
		return q, err
	}
	if q.limit, err = parseCount(values, "limit", maxSamples, maxSamples); err != nil {
		return q, err
	}
	switch format := values.Get("format"); format {
	case "", "json":
	case "csv":
		q.csv = true
	default:
		return q, invalid("format is json or csv, not %q", format)
	}
	return q, nil
}

func parseCount(values url.Values, key string, unset, most int) (int, error) {
	text := values.Get(key)
	if text == "" {
		return unset, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, invalid("%s is a number from 1 to %d, not %q", key, most, text)
	}
	return n, nil
}

// parseTime reads a time as RFC 3339, or as milliseconds since 1970; 0 when there is none.
func parseTime(values url.Values, key string) (int64, error) {
	text := values.Get(key)
	if text == "" {
		return 0, nil
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		if ms <= 0 || ms > math.MaxInt64/int64(time.Millisecond) {
			return 0, invalid("%s=%s is no time: milliseconds since 1970 are meant", key, text)
		}
		return ms * int64(time.Millisecond), nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, invalid("%s is a time as 2026-03-01T08:00:00Z, or milliseconds since 1970, not %q", key, text)
	}
	if t.Year() < 1971 || t.Year() > 2261 {
		return 0, invalid("%s: the year %d is outside 1971 to 2261", key, t.Year())
	}
	return t.UnixNano(), nil
}
