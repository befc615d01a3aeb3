package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/gateway/command"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/poll"
	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/gateway/status"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// site is the equipment as the desk that judges every write knows it.
func (g *Gateway) site() command.Site {
	s := command.Site{Points: g.cfg.Points, Write: g.writeThrough, Read: g.readThrough, Latest: g.flow.Latest}
	for _, t := range g.cfg.Cloud {
		s.Shadow = append(s.Shadow, t.Shadow...)
		s.Commands = append(s.Commands, t.Commands...)
	}
	return s
}

// errNowhere is about a point that rules set, or whose connection was taken out.
var errNowhere = errors.New("the point is in no equipment that this gateway is connected to")

// writeThrough hands a value that may be written to the connection of its point.
func (g *Gateway) writeThrough(ctx context.Context, id telemetry.PointID, v telemetry.Value) (telemetry.Sample, error) {
	if g.byPoint[id] == nil {
		return telemetry.Sample{}, fmt.Errorf("%w: %w", command.ErrNotSent, errNowhere)
	}
	s, err := g.byPoint[id].Write(ctx, g.cfg.Points[id].Point, v)
	if errors.Is(err, poll.ErrNotOpen) {
		err = fmt.Errorf("%w: %w", command.ErrNotSent, err)
	}
	return s, err
}

func (g *Gateway) readThrough(ctx context.Context, id telemetry.PointID) (telemetry.Sample, error) {
	if g.byPoint[id] == nil {
		return telemetry.Sample{}, errNowhere
	}
	return g.byPoint[id].Read(ctx, g.cfg.Points[id].Point)
}

// Write sets a point within its limits and returns what it reads afterwards.
func (g *Gateway) Write(ctx context.Context, w status.Write) (status.Point, error) {
	return written(g.cfg, w.Point, g.desk.Do(ctx, command.Order{Point: w.Point, Text: w.Value, Who: w.Who, From: "local", Channel: command.Local}))
}

// written says what came of an order in the words of the status page.
func written(cfg *config.Config, name string, r command.Result) (status.Point, error) {
	switch {
	case r.Code == command.NoSuchPoint:
		return status.Point{}, fmt.Errorf("%w: %s", status.ErrNoPoint, r.Reason)
	case r.State == command.Refused:
		return status.Point{}, fmt.Errorf("%w: %s", status.ErrRefused, r.Reason)
	case r.Err() != nil:
		return status.Point{}, r.Err()
	}
	for _, p := range cfg.Points {
		if p.FullName() == name {
			return PointStatus(p, r.Sample, true), nil
		}
	}
	return status.Point{}, fmt.Errorf("%w: %q", status.ErrNoPoint, name)
}

// WriteAlone writes a point through an adapter that is open already, while no gateway runs: the same limits hold, and the same audit log tells of
// it. An interlock that looks at other points is unknown then, and refuses.
func WriteAlone(ctx context.Context, cfg *config.Config, a adapters.Adapter, w status.Write, log *slog.Logger) (p status.Point, err error) {
	db, err := state.Open(cfg.State)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	lines, err := command.OpenLog(db)
	if err != nil {
		return p, err
	}
	desk, err := command.New(lines, command.Site{
		Points: cfg.Points,
		Latest: func(telemetry.PointID) (telemetry.Sample, bool) { return telemetry.Sample{}, false },
		Write: func(ctx context.Context, id telemetry.PointID, v telemetry.Value) (telemetry.Sample, error) {
			return poll.WriteBack(ctx, a, cfg.Points[id].Point, v)
		},
		Read: func(ctx context.Context, id telemetry.PointID) (telemetry.Sample, error) {
			return poll.ReadOne(ctx, a, cfg.Points[id].Point)
		},
	}, command.Options{Log: log})
	if err != nil {
		return p, err
	}
	return written(cfg, w.Point, desk.Do(ctx, command.Order{Point: w.Point, Text: w.Value, Who: w.Who, From: "local", Channel: command.Local}))
}
