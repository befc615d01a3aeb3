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

const (
	checked     = 10 // subscribed nodes that are read beside the server's state, in turn
	doubtful    = 3  // so many times in a row a node had another value than was published: nothing is published any more
	reviveEvery = 5  // watches between two attempts to subscribe to nodes that the server did not have
)

// watch asks the server for its state every now and then and fails when it does not answer. After a cut on the network the
// library stays "connected" and delivers nothing; this is what notices. A server that answers and has stopped publishing is
// noticed by reading a few of the subscribed nodes.
func (s *subscription) watch(ctx context.Context) error {
	last := int32(ua.ServerStateRunning)
	ticker := time.NewTicker(s.adapter.settings.Watch)
	defer ticker.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		handles := s.pick()
		values, err := s.adapter.fetch(ctx, s.question(handles))
		if err != nil {
			return fmt.Errorf("the server does not answer any more: %w", err)
		}
		if now, ok := values[0].Value.Value().(int32); ok && now != last {
			last = now
			s.adapter.log.Warn("the server changed its state", "state", ua.ServerState(now).String())
		}
		s.adapter.setClock(values[1])
		gone, err := s.compare(handles, values[2:])
		if err != nil {
			return err
		}
		s.emitRead(gone)
		if n%reviveEvery == 0 {
			if err := s.revive(ctx); err != nil {
				return err
			}
		}
	}
}

func (s *subscription) question(handles []uint32) []*ua.ReadValueID {
	nodes := []*ua.ReadValueID{
		attribute(ua.NewNumericNodeID(0, id.Server_ServerStatus_State), ua.AttributeIDValue),
		attribute(ua.NewNumericNodeID(0, id.Server_ServerStatus_CurrentTime), ua.AttributeIDValue),
	}
	for _, h := range handles {
		nodes = append(nodes, attribute(s.items[h].node, ua.AttributeIDValue))
	}
	return nodes
}

// pick chooses the nodes to look at: those in doubt, then others in turn. One with a deadband may well differ, so it tells nothing.
func (s *subscription) pick() (handles []uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	can := func(it *item) bool { return it.published && it.filter == nil }
	for h := range s.items {
		if len(handles) < checked && s.items[h].doubts > 0 && can(&s.items[h]) {
			handles = append(handles, uint32(h))
		}
	}
	for range min(len(s.items), 100) {
		if len(handles) >= checked {
			break
		}
		s.turn = (s.turn + 1) % len(s.items)
		if it := &s.items[s.turn]; it.doubts == 0 && can(it) {
			handles = append(handles, uint32(s.turn))
		}
	}
	return handles
}

var errStopped = errors.New("the server has stopped publishing: its values move, and nothing of it comes")

// compare holds what was read against what was published last. A node is in doubt as long as it reads otherwise and nothing comes of it:
// when nothing comes of any other either, the server has stopped; else that node is to be subscribed to again, and what it reads is given back.
func (s *subscription) compare(handles []uint32, values []*ua.DataValue) (stale []telemetry.Sample, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for i, h := range handles {
		it := &s.items[h]
		read := s.adapter.sample(it.point.ID, values[i], it.spec.Index, now)
		if it.counted != it.seen || sameReading(read, it.last) {
			it.counted, it.doubts = it.seen, 0
		}
		if sameReading(read, it.last) {
			continue
		}
		if it.doubts == 0 {
			it.doubtedAt, it.others = now, s.seen
		}
		it.doubts++
		switch {
		case it.doubts < doubtful || now.Sub(it.doubtedAt) <= 2*(it.spec.Sample+s.interval):
		case it.others == s.seen:
			return nil, fmt.Errorf("%w (%s)", errStopped, it.spec)
		default:
			it.doubts, it.stale, it.last = 0, true, read
			stale = append(stale, read)
		}
	}
	return stale, nil
}

func (s *subscription) emitRead(samples []telemetry.Sample) {
	if len(samples) > 0 {
		s.adapter.log.Warn("the server does not publish some points any more; they are subscribed to again", "points", len(samples))
		s.emit(samples)
	}
}

// sameReading leaves aside what only a notification carries, as that a queue ran over.
func sameReading(a, b telemetry.Sample) bool {
	return a.Value == b.Value && a.Quality&^0xFFFF == b.Quality&^0xFFFF
}

// revive subscribes again to the nodes that the server did not have, has no more or does not publish: after a new program was loaded into
// a PLC they may be back.
func (s *subscription) revive(ctx context.Context) error {
	var handles, old []uint32
	s.mu.Lock()
	for h := range s.items {
		it := &s.items[h]
		if it.node != nil && (it.refused || it.stale || it.last.Quality == telemetry.BadNodeUnknown) {
			handles = append(handles, uint32(h))
			if it.monitored != 0 {
				old = append(old, it.monitored)
			}
			it.monitored, it.stale = 0, false
		}
	}
	s.mu.Unlock()
	if err := s.unmonitor(ctx, old); err != nil {
		return err
	}
	return s.monitorAll(ctx, handles)
}

func (s *subscription) unmonitor(ctx context.Context, ids []uint32) error {
	for len(ids) > 0 {
		count := min(s.adapter.maxMonitor, len(ids))
		ctx, cancel := context.WithTimeout(ctx, s.adapter.settings.Timeout)
		_, err := exchange[*ua.DeleteMonitoredItemsResponse](ctx, s.adapter.session, &ua.DeleteMonitoredItemsRequest{SubscriptionID: s.id, MonitoredItemIDs: ids[:count]})
		cancel()
		if err != nil {
			return fmt.Errorf("leave %d points: %w", count, err)
		}
		ids = ids[count:]
	}
	return nil
}
