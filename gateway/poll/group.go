package poll

import (
	"slices"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// device is what the points of one device share: whether it answers.
type device struct {
	name    string
	place   int  // on its connection, from 0
	silent  int  // readings in a row without an answer
	heard   bool // it has answered before
	probeAt time.Time
	retry   backoff
}

// group is the points of one device that fall due together.
type group struct {
	device *device
	scan   time.Duration
	points []adapters.Point
	due    time.Time
	grid   time.Time       // where its readings begin to fall: apart from other connections' by their share of a scan; zero: when the first was
	reader adapters.Reader // nil while the connection is down
	until  time.Time       // zero: for ever; else these points are also read at their own rate, and faster here until then

	bad []telemetry.Sample // reused to say that nothing could be read
}

// arrange parts a connection's points into groups to poll and points that are pushed.
func arrange(conn config.Connection, points []config.Point) (groups []*group, pushed []adapters.Point) {
	for i, d := range conn.Devices {
		dev := &device{name: d.Name, place: i, retry: backoff{first: time.Second, most: time.Minute}}
		byScan := map[time.Duration]*group{}
		for _, id := range d.Points {
			p := points[id]
			if p.Spec.Pushed() {
				pushed = append(pushed, p.Point)
				continue
			}
			g := byScan[p.Scan]
			if g == nil {
				g = &group{device: dev, scan: p.Scan}
				byScan[p.Scan] = g
				groups = append(groups, g)
			}
			g.points = append(g.points, p.Point)
		}
	}
	for _, g := range groups {
		g.points = slices.Clone(g.points) // without the room that appending leaves: there may be many thousands
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return int(a.scan - b.scan) })
	return groups, pushed
}

// deadline is when the next reading falls due: this one must be done by then.
func (g *group) deadline() time.Time { return g.due.Add(g.scan) }

// allBad fills one bad sample for every point.
func (g *group) allBad(q telemetry.Quality, now time.Time) []telemetry.Sample {
	g.bad = badSamples(g.bad[:0], g.points, q, now)
	return g.bad
}

func badSamples(dst []telemetry.Sample, points []adapters.Point, q telemetry.Quality, now time.Time) []telemetry.Sample {
	for _, p := range points {
		dst = append(dst, telemetry.Sample{Point: p.ID, Quality: q, Time: now.UnixNano()})
	}
	return dst
}

// advance moves the due time on by whole scans and tells how many were missed. A clock that stood still (a
// suspended machine) does not bring a burst of readings.
func (g *group) advance(now time.Time) (missed uint64) {
	g.due = g.onGrid(g.due).Add(g.scan)
	if late := now.Sub(g.due); late > 0 {
		n := late/g.scan + 1
		g.due = g.due.Add(n * g.scan)
		return uint64(n)
	}
	return 0
}

// onGrid is the place of a reading in the grid: a reading out of turn, the first after a connection came up, counts as the nearest.
func (g *group) onGrid(t time.Time) time.Time {
	if g.grid.IsZero() {
		return t
	}
	off := (t.Sub(g.grid)%g.scan + g.scan) % g.scan
	if off > g.scan/2 {
		off -= g.scan
	}
	return t.Add(-off)
}
