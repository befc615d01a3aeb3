package flow

import (
	"math"

	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// judge gives a sample the quality its point's range demands; the value stays as it was read. A text that no block can hold
// costs this sample its value, and the others nothing.
func judge(p *config.Point, s *telemetry.Sample) {
	if len(s.Value.Text()) > wire.MaxText {
		s.Value, s.Quality = telemetry.Value{}, telemetry.BadOutOfRange
	}
	if p.Range == nil || s.Quality.IsBad() {
		return
	}
	if f, ok := s.Value.Float(); ok && (f < p.Range.Min || f > p.Range.Max || math.IsNaN(f)) {
		s.Quality = telemetry.BadOutOfRange
	}
}

// worthKeeping tells whether s says something that last, the sample of this point kept before it, does not.
//
// A point without a deadband keeps every sample that has a value: nobody asked for less. A point that stays bad
// for one reason says nothing new, so that a machine switched off over a weekend does not fill the disk.
func worthKeeping(p *config.Point, last, s *telemetry.Sample) bool {
	if *s == *last {
		return false // the same sample read again: an OPC UA server gives its own time, which stands still with the value
	}
	if s.Quality != last.Quality {
		return true
	}
	silent := s.Quality.IsBad() && s.Value.IsNone()
	if p.Deadband == nil && !silent {
		return true
	}
	if since := s.Time - last.Time; p.Heartbeat > 0 && (since >= int64(p.Heartbeat) || since <= -int64(p.Heartbeat)) {
		return true // or the clock was set back, and the heartbeat would wait until it has come round again
	}
	if silent || s.Value == last.Value {
		return false
	}
	return beyond(p, last.Value, s.Value)
}

// beyond tells whether a changed value has left the deadband. What is no number leaves it by changing.
func beyond(p *config.Point, last, now telemetry.Value) bool {
	a, ok := last.Float()
	b, ok2 := now.Float()
	if !ok || !ok2 || now.Kind() == telemetry.KindBool {
		return true
	}
	if math.IsNaN(a) != math.IsNaN(b) || math.IsInf(a, 0) {
		return true // from infinity everything is as far as the deadband, which is a part of it, is wide
	}
	return math.Abs(b-a) > width(p, a)
}

// width is the deadband in the point's unit round the value kept last.
func width(p *config.Point, last float64) float64 {
	switch d := p.Deadband; {
	case d.Percent == 0:
		return d.Absolute
	case p.Range != nil:
		return d.Percent / 100 * (p.Range.Max - p.Range.Min)
	default:
		return d.Percent / 100 * math.Abs(last)
	}
}
