package opcua

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// reader is the reading of one group of points. Points on the same node (elements of an array) share
// one entry of the request.
type reader struct {
	adapter *Adapter
	nodes   []*ua.ReadValueID
	points  []planned
	samples []telemetry.Sample // reused by every Read
}

type planned struct {
	id    telemetry.PointID
	node  int // place in nodes; or one of the below
	index int

	method string // node id of a method, which is not read but was called
	result bool   // what that gave, not what it was called with
}

const (
	noNode = -1 // this server can't have it
	noRead = -2 // a method
)

// Prepare plans the requests for a group of points.
func (a *Adapter) Prepare(points []adapters.Point) (adapters.Reader, error) {
	r := &reader{adapter: a, samples: make([]telemetry.Sample, 0, len(points))}
	places := map[string]int{}
	for _, p := range points {
		nodeID, spec, err := a.resolve(p)
		if spec == nil {
			return nil, err
		}
		if err != nil {
			a.log.Warn("a point can't be read", "error", err)
			r.points = append(r.points, planned{id: p.ID, node: noNode})
			continue
		}
		if spec.Object != "" {
			r.points = append(r.points, planned{id: p.ID, node: noRead, method: nodeID.String(), result: spec.Result})
			continue
		}
		place, known := places[nodeID.String()]
		if !known {
			place = len(r.nodes)
			places[nodeID.String()] = place
			r.nodes = append(r.nodes, attribute(nodeID, ua.AttributeIDValue))
		}
		r.points = append(r.points, planned{id: p.ID, node: place, index: spec.Index})
	}
	return r, nil
}

// Read reads the group and emits every point once.
func (r *reader) Read(ctx context.Context, emit adapters.Emit) error {
	values, err := r.adapter.fetch(ctx, r.nodes)
	now := time.Now()
	r.samples = r.samples[:0]
	for _, p := range r.points {
		switch {
		case p.node == noNode:
			r.samples = append(r.samples, bad(p.id, telemetry.BadNodeUnknown, now))
		case p.node == noRead:
			r.samples = append(r.samples, r.adapter.outcome(p, now))
		case values[p.node] == nil:
			r.samples = append(r.samples, bad(p.id, lossOf(err), now))
		default:
			r.samples = append(r.samples, r.adapter.sample(p.id, values[p.node], p.index, now))
		}
	}
	emit(r.samples)
	if err != nil {
		return fmt.Errorf("read %d nodes: %w", len(r.nodes), plain(err))
	}
	return nil
}

func bad(point telemetry.PointID, quality telemetry.Quality, at time.Time) telemetry.Sample {
	return telemetry.Sample{Point: point, Quality: quality, Time: at.UnixNano()}
}

// lossOf is the quality of points whose connection failed.
func lossOf(err error) telemetry.Quality {
	var status ua.StatusCode
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, ua.StatusBadTimeout):
		return telemetry.BadTimeout
	case errors.As(err, &status):
		return telemetry.Quality(status)
	}
	return telemetry.BadNoCommunication
}
