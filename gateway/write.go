package gateway

import (
	"context"
	"fmt"
	"strconv"

	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/status"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Write sets a point by its name within its limits and returns what it reads afterwards.
func (g *Gateway) Write(ctx context.Context, name, text string) (status.Point, error) {
	id, ok := g.byName[name]
	if !ok {
		return status.Point{}, fmt.Errorf("%w: %q", status.ErrNoPoint, name)
	}
	p := g.cfg.Points[id]
	v, err := Permit(p, text)
	if err != nil {
		return status.Point{}, err
	}
	s, err := g.byPoint[id].Write(ctx, p.Point, v)
	if err != nil {
		return status.Point{}, err
	}
	g.log.Info("point written", "point", name, "value", v.String(), "reads", s.Value.String())
	return PointStatus(p, s, true), nil
}

// Permit turns what a person typed into a value, if the point may be written with it.
func Permit(p config.Point, text string) (telemetry.Value, error) {
	if p.Access != config.ReadWrite {
		return telemetry.Value{}, fmt.Errorf("%w: %s is read only; give it access: rw in the configuration to allow writing", status.ErrRefused, p.FullName())
	}
	v := parse(p, text)
	if p.Range == nil {
		return v, nil
	}
	f, ok := v.Float()
	if !ok {
		return v, fmt.Errorf("%w: %q is no number, and %s has the range %v..%v", status.ErrRefused, text, p.FullName(), p.Range.Min, p.Range.Max)
	}
	if !(f >= p.Range.Min && f <= p.Range.Max) {
		return v, fmt.Errorf("%w: %v is outside %s's range %v..%v %s", status.ErrRefused, text, p.FullName(), p.Range.Min, p.Range.Max, p.Unit)
	}
	return v, nil
}

// parse reads a value as narrowly as it can; the adapter converts it to what the place in the device holds, or refuses.
// The name of an enum's value stands for its number.
func parse(p config.Point, text string) telemetry.Value {
	for number, label := range p.Enum {
		if label == text {
			return telemetry.Int64(number)
		}
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return telemetry.Int64(i)
	}
	if u, err := strconv.ParseUint(text, 10, 64); err == nil {
		return telemetry.Uint64(u)
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return telemetry.Float64(f)
	}
	switch text {
	case "true", "on":
		return telemetry.Bool(true)
	case "false", "off":
		return telemetry.Bool(false)
	}
	return telemetry.String(text)
}
