package opcua

import (
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// clockTolerance is how far a server's clock may be from ours. Below it, its times are taken as they come.
const clockTolerance = time.Minute

// setClock learns how far the server's clock is from ours, from its CurrentTime as it has just been read.
func (a *Adapter) setClock(current *ua.DataValue) {
	at, ok := current.Value.Value().(time.Time)
	if !ok || at.IsZero() {
		return
	}
	off := time.Until(at)
	if off.Abs() < clockTolerance {
		off = 0
	}
	was := time.Duration(a.clockOff.Swap(int64(off)))
	switch {
	case was == 0 && off != 0:
		a.log.Warn("the server's clock is wrong, or ours is: its times are moved to our clock and marked uncertain; set its clock", "ahead", off.Round(time.Second))
	case was != 0 && off == 0:
		a.log.Info("the server's clock is right again")
	}
}

// sample is what the server said of a point, in the time of our clock. A time of the server's that is far from ours is moved by the
// difference; what lies nearer to ours as it is was stamped by a device behind the server, whose clock is right.
func (a *Adapter) sample(point telemetry.PointID, dv *ua.DataValue, index int, now time.Time) telemetry.Sample {
	s := sample(point, dv, index, now)
	off := a.clockOff.Load()
	if off == 0 {
		return s
	}
	here, moved := s.Time-now.UnixNano(), s.Time-off-now.UnixNano()
	if max(here, -here) <= max(moved, -moved) {
		return s
	}
	s.Time, s.Sourced = s.Time-off, false // it goes with our clock from here on
	if s.Quality == telemetry.Good {
		s.Quality = telemetry.UncertainClock
	}
	return s
}
