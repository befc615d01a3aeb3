package opcua

import (
	"context"
	"fmt"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// minQueue is the least a point's queue in the server holds when the configuration does not say.
const minQueue = 10

// monitor asks the server to sample every point, in as many requests as its limit asks for.
func (s *subscription) monitor(ctx context.Context) error {
	wanted := s.resolve()
	for len(wanted) > 0 {
		count := min(s.adapter.maxMonitor, len(wanted))
		if err := s.monitorChunk(ctx, wanted[:count]); err != nil {
			return err
		}
		wanted = wanted[count:]
	}
	return nil
}

// resolve gives the handles of the points whose nodes this server can have; the others are emitted Bad.
func (s *subscription) resolve() []uint32 {
	var handles []uint32
	for i := range s.items {
		it := &s.items[i]
		var err error
		if it.node, it.spec, err = s.adapter.resolve(it.point); err != nil {
			s.adapter.log.Warn("a point can't be subscribed to", "error", err)
			s.refuse(it, telemetry.BadNodeUnknown)
			continue
		}
		handles = append(handles, uint32(i))
	}
	return handles
}

func (s *subscription) refuse(it *item, quality telemetry.Quality) {
	it.done = true
	s.emit([]telemetry.Sample{bad(it.point.ID, quality, time.Now())})
}

func (s *subscription) monitorChunk(ctx context.Context, handles []uint32) error {
	request := &ua.CreateMonitoredItemsRequest{SubscriptionID: s.id, TimestampsToReturn: ua.TimestampsToReturnBoth}
	for _, handle := range handles {
		request.ItemsToCreate = append(request.ItemsToCreate, s.itemRequest(handle))
	}
	ctx, cancel := context.WithTimeout(ctx, s.adapter.settings.Timeout)
	defer cancel()
	response, err := exchange[*ua.CreateMonitoredItemsResponse](ctx, s.adapter.session, request)
	if err != nil {
		return err
	}
	if len(response.Results) != len(handles) {
		return fmt.Errorf("asked for %d points, the server answered for %d", len(handles), len(response.Results))
	}
	slower := 0
	for i, result := range response.Results {
		it := &s.items[handles[i]]
		if result == nil || telemetry.Quality(result.StatusCode).IsBad() {
			s.refused(it, result)
			continue
		}
		if result.RevisedSamplingInterval > 1.5*float64(it.spec.Sample)/float64(time.Millisecond) {
			slower++
		}
	}
	if slower > 0 {
		s.adapter.log.Info("the server samples some points slower than asked", "points", slower)
	}
	return nil
}

func (s *subscription) refused(it *item, result *ua.MonitoredItemCreateResult) {
	status := ua.StatusBadUnexpectedError
	if result != nil {
		status = result.StatusCode
	}
	s.adapter.log.Warn("the server refuses to sample a point", "point", it.point.Device+"."+it.point.Name, "at", it.spec, "error", status)
	s.refuse(it, telemetry.Quality(status))
}

func (s *subscription) itemRequest(handle uint32) *ua.MonitoredItemCreateRequest {
	it := s.items[handle]
	return &ua.MonitoredItemCreateRequest{
		ItemToMonitor:  attribute(it.node, ua.AttributeIDValue),
		MonitoringMode: ua.MonitoringModeReporting,
		RequestedParameters: &ua.MonitoringParameters{
			ClientHandle:     handle,
			SamplingInterval: float64(it.spec.Sample) / float64(time.Millisecond),
			QueueSize:        queueSize(it.spec, s.interval),
			DiscardOldest:    true,
		},
	}
}

// queueSize holds what is sampled in two publishing intervals, unless the point says otherwise: one that
// holds a single interval runs over on the first late publish.
func queueSize(spec *Spec, interval time.Duration) uint32 {
	if spec.Queue > 0 {
		return uint32(spec.Queue)
	}
	return uint32(min(max(minQueue, 2*int64(interval/spec.Sample)+2), maxQueue))
}
