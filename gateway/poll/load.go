package poll

import "time"

// load is how much of a connection's time its readings and writes take: second by second, over the last minute.
type load struct {
	busy    [60]time.Duration
	at      int64 // the second, counted from since, that busy[at%60] is of
	since   time.Time
	total   time.Duration
	started bool
}

// start begins to count; seconds are counted from here.
func (l *load) start(now time.Time) { *l = load{since: now, started: true, total: l.total} }

// add counts what has just ended. What took longer than a second lies in the seconds before.
func (l *load) add(now time.Time, took time.Duration) {
	l.total += took
	l.move(now)
	for at := l.at; took > 0 && at >= 0 && at > l.at-int64(len(l.busy)); at-- {
		part := min(took, time.Second)
		l.busy[at%int64(len(l.busy))] += part
		took -= part
	}
}

// move empties the seconds in which nothing ended.
func (l *load) move(now time.Time) {
	second := int64(now.Sub(l.since) / time.Second)
	for n := min(second-l.at, int64(len(l.busy))); n > 0; n-- {
		l.busy[(second-n+1)%int64(len(l.busy))] = 0
	}
	l.at = max(l.at, second)
}

// share is the part of the last minute, or of the time since the start, that was busy: 0 to 1.
func (l *load) share(now time.Time) float64 {
	if !l.started {
		return 0
	}
	l.move(now)
	var sum time.Duration
	for _, d := range l.busy {
		sum += d
	}
	whole := min(now.Sub(l.since), time.Duration(len(l.busy)-1)*time.Second+now.Sub(l.since)%time.Second)
	if whole <= 0 {
		return 0
	}
	return min(1, sum.Seconds()/whole.Seconds())
}
