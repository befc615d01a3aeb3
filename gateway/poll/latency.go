package poll

import (
	"slices"
	"time"
)

// latency keeps the last readings' durations for the status page.
type latency struct {
	ring [256]time.Duration
	n    int
}

func (l *latency) add(d time.Duration) {
	l.ring[l.n%len(l.ring)] = d
	l.n++
}

// percentiles are the median and the 99th of what is in the ring.
func (l *latency) percentiles() (p50, p99 time.Duration) {
	n := min(l.n, len(l.ring))
	if n == 0 {
		return 0, 0
	}
	sorted := slices.Clone(l.ring[:n])
	slices.Sort(sorted)
	return sorted[n/2], sorted[n*99/100]
}
