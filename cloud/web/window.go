package web

import (
	"net/url"
	"strconv"
	"time"
)

// window is the stretch of time that a chart shows.
type window struct {
	Key      string // 15m, 6h, ... or custom
	From, To time.Time
	Words    string // "the last 6 hours"
}

// span is a stretch that ends now.
type span struct {
	Key, Label, Words string
	Length            time.Duration
}

// spans are those that a click gives. live ends now too, and is short enough to see it move.
var spans = []span{
	{"live", "Live", "the last 2 minutes", 2 * time.Minute},
	{"15m", "15 min", "the last 15 minutes", 15 * time.Minute},
	{"6h", "6 h", "the last 6 hours", 6 * time.Hour},
	{"7d", "7 d", "the last 7 days", 7 * 24 * time.Hour},
	{"1y", "1 y", "the last year", 365 * 24 * time.Hour},
}

const usualSpan = "15m"

// windowOf reads ?range= or ?from=&to=. What cannot be read is the usual span.
func windowOf(q url.Values, now time.Time) window {
	from, fromOK := moment(q.Get("from"))
	to, toOK := moment(q.Get("to"))
	if !toOK {
		to = now
	}
	if fromOK && from.Before(to) {
		return window{"custom", from, to, "from " + utc(from) + " to " + utc(to)}
	}
	usual := window{}
	for _, s := range spans {
		w := window{s.Key, now.Add(-s.Length), now, s.Words}
		if s.Key == q.Get("range") {
			return w
		}
		if s.Key == usualSpan {
			usual = w
		}
	}
	return usual
}

// moment reads a time: milliseconds since 1970, RFC 3339, or what a date field sends, which is UTC when no script has turned it.
func moment(text string) (time.Time, bool) {
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms > 0 && ms < 9e15/1000 {
		return time.UnixMilli(ms), true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() > 1970 && t.Year() < 2261 {
			return t, true
		}
	}
	return time.Time{}, false
}
