package opcua

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Bounds of filling a gap: while it is filled, what comes new is held back, so that a point's samples go out in the order of their times.
const (
	fillLimit      = 30 * time.Second
	maxHeld        = 200_000 // new samples
	maxFilled      = 200_000 // old samples of one point
	valuesAtOnce   = 1000    // of one point, in one answer
	historiesAtOne = 100     // points, when the server names no limit
)

// fill waits for the first new sample of each point that was heard of before, emits what the server recorded between the two (OPC 10000-11, 6.4.3),
// and then lets the new samples go.
func (s *subscription) fill(ctx context.Context) error {
	defer s.release()
	ctx, cancel := context.WithTimeout(ctx, fillLimit)
	defer cancel()
	if err := s.awaitFirst(ctx); err != nil {
		return nil // what is new goes on in any case, and so does the reason below
	}
	handles := s.gaps()
	filled := 0
	for len(handles) > 0 {
		count := min(s.adapter.maxHistory, len(handles))
		n, err := s.fillChunk(ctx, handles[:count])
		filled += n
		if err != nil {
			s.adapter.log.Warn("a gap is not filled to its end", "points", len(handles), "err", plain(err))
			break
		}
		handles = handles[count:]
	}
	if filled > 0 {
		s.adapter.log.Info("a gap was filled from what the server recorded", "samples", filled)
	}
	return nil
}

// awaitFirst returns when every point with a gap has a new end, or the server has had its time to say so.
func (s *subscription) awaitFirst(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*s.interval+time.Second)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil
			}
			return ctx.Err()
		case <-s.heard:
		}
		s.mu.Lock()
		missing := false
		for i := range s.items {
			missing = missing || s.items[i].since > 0 && s.items[i].first == 0 && !s.items[i].refused
		}
		s.mu.Unlock()
		if !missing {
			return nil
		}
	}
}

// gaps are the points of which something may be missing. With a clock that is off, nobody can say which time of the server's is which of ours.
func (s *subscription) gaps() (handles []uint32) {
	if s.adapter.clockOff.Load() != 0 {
		s.adapter.log.Warn("a gap is not filled: the server's clock is off")
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.items {
		if it := &s.items[i]; it.node != nil && it.since > 0 && it.first > it.since {
			handles = append(handles, uint32(i))
		}
	}
	return handles
}

// fillChunk reads the history of some points. Their gaps began at one moment and ended at one, more or less, so one span holds them all; what was
// heard already is left out point by point.
func (s *subscription) fillChunk(ctx context.Context, handles []uint32) (filled int, err error) {
	from, to := s.items[handles[0]].since, s.items[handles[0]].first
	var nodes []*ua.HistoryReadValueID
	for _, h := range handles {
		from, to = min(from, s.items[h].since), max(to, s.items[h].first)
		nodes = append(nodes, &ua.HistoryReadValueID{NodeID: s.items[h].node, DataEncoding: &ua.QualifiedName{}})
	}
	details := &ua.ReadRawModifiedDetails{StartTime: time.Unix(0, from).UTC(), EndTime: time.Unix(0, to).UTC(), NumValuesPerNode: valuesAtOnce}
	for len(nodes) > 0 {
		response, err := within[*ua.HistoryReadResponse](ctx, s.adapter, &ua.HistoryReadRequest{
			TimestampsToReturn: ua.TimestampsToReturnBoth, NodesToRead: nodes,
			HistoryReadDetails: &ua.ExtensionObject{
				TypeID:       ua.NewFourByteExpandedNodeID(0, id.ReadRawModifiedDetails_Encoding_DefaultBinary),
				EncodingMask: ua.ExtensionObjectBinary, Value: details,
			},
		})
		if err != nil {
			return filled, err
		}
		if len(response.Results) != len(nodes) {
			return filled, fmt.Errorf("asked for the history of %d nodes, the server answered for %d", len(nodes), len(response.Results))
		}
		var more []*ua.HistoryReadValueID
		var moreOf []uint32
		for i, result := range response.Results {
			if result == nil || telemetry.Quality(result.StatusCode).IsBad() {
				continue // it keeps none of this node
			}
			it := &s.items[handles[i]]
			n := s.emitOld(it, result.HistoryData)
			filled, it.filled = filled+n, it.filled+n
			if len(result.ContinuationPoint) > 0 && it.filled < maxFilled {
				nodes[i].ContinuationPoint = result.ContinuationPoint
				more, moreOf = append(more, nodes[i]), append(moreOf, handles[i])
			}
		}
		nodes, handles = more, moreOf
	}
	return filled, nil
}

// emitOld emits what lies inside the gap of a point, marked as told later.
func (s *subscription) emitOld(it *item, data *ua.ExtensionObject) int {
	if data == nil {
		return 0
	}
	history, ok := data.Value.(*ua.HistoryData)
	if !ok || history == nil {
		return 0
	}
	now := time.Now()
	var samples []telemetry.Sample
	for _, dv := range history.DataValues {
		if dv == nil || !dv.Has(ua.DataValueSourceTimestamp) {
			continue
		}
		old := sample(it.point.ID, dv, it.spec.Index, now)
		if old.Time <= it.since || old.Time >= it.first || telemetry.Quality(dv.Status)&^0xFFFF == telemetry.Quality(ua.StatusBadNoData) {
			continue
		}
		it.since = old.Time // a server that repeats itself is heard once
		if old.Quality.IsGood() {
			old.Quality = telemetry.GoodBackfill
		}
		samples = append(samples, old)
	}
	if len(samples) > 0 {
		s.emit(samples)
	}
	return len(samples)
}

// hold keeps new samples back while a gap is filled, and reports whether it did. The caller holds mu.
func (s *subscription) hold(samples []telemetry.Sample) bool {
	if !s.holding {
		return false
	}
	s.held = append(s.held, samples...)
	select {
	case s.heard <- struct{}{}:
	default: // it will look anyway
	}
	if len(s.held) > maxHeld {
		s.adapter.log.Warn("a gap is not filled to its end: too much comes meanwhile")
		s.letGo()
	}
	return true
}

func (s *subscription) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letGo()
}

// letGo emits what was held back, before anything newer is. The caller holds mu.
func (s *subscription) letGo() {
	held := s.held
	s.holding, s.held = false, nil
	if len(held) > 0 {
		s.emit(held)
	}
}
