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

// monitor asks the server to sample every point.
func (s *subscription) monitor(ctx context.Context) error {
	return s.monitorAll(ctx, s.resolve())
}

// monitorAll does it in as many requests as the server's limit asks for. A point whose filter is refused is asked for once more without.
func (s *subscription) monitorAll(ctx context.Context, wanted []uint32) error {
	var plain []uint32
	for len(wanted) > 0 {
		count := min(s.adapter.maxMonitor, len(wanted))
		refused, err := s.monitorChunk(ctx, wanted[:count])
		if err != nil {
			return err
		}
		wanted, plain = wanted[count:], append(plain, refused...)
	}
	if len(plain) > 0 {
		s.adapter.log.Info("the server takes no deadband for some points; all their changes come, and the deadband is applied here", "points", len(plain))
		return s.monitorAll(ctx, plain)
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
		it.filter = it.spec.filter()
		if it.spec.Event {
			it.filter, it.done, it.since = eventFilter(), true, 0 // nothing may ever happen, and of what has there is no history
		}
		handles = append(handles, uint32(i))
	}
	return handles
}

// refuse says once that a point can't be had.
func (s *subscription) refuse(it *item, quality telemetry.Quality) {
	s.mu.Lock()
	again := it.refused || it.last.Quality == quality
	it.done, it.refused = true, true
	s.mu.Unlock()
	if !again {
		s.emit([]telemetry.Sample{bad(it.point.ID, quality, time.Now())})
	}
}

// monitorChunk is one request. It gives the points whose filter the server refused; they have none any more.
func (s *subscription) monitorChunk(ctx context.Context, handles []uint32) (unfiltered []uint32, err error) {
	request := &ua.CreateMonitoredItemsRequest{SubscriptionID: s.id, TimestampsToReturn: ua.TimestampsToReturnBoth}
	for _, handle := range handles {
		request.ItemsToCreate = append(request.ItemsToCreate, s.itemRequest(handle))
	}
	ctx, cancel := context.WithTimeout(ctx, s.adapter.settings.Timeout)
	defer cancel()
	response, err := exchange[*ua.CreateMonitoredItemsResponse](ctx, s.adapter.session, request)
	if err != nil {
		return nil, err
	}
	if len(response.Results) != len(handles) {
		return nil, fmt.Errorf("asked for %d points, the server answered for %d", len(handles), len(response.Results))
	}
	slower := 0
	for i, result := range response.Results {
		it := &s.items[handles[i]]
		switch {
		case result != nil && it.filter != nil && !it.spec.Event && isFilterRefused(result.StatusCode):
			s.mu.Lock()
			it.filter = nil
			s.mu.Unlock()
			unfiltered = append(unfiltered, handles[i])
		case result == nil || telemetry.Quality(result.StatusCode).IsBad():
			s.refused(it, result)
		default:
			s.mu.Lock()
			it.monitored, it.refused = result.MonitoredItemID, false
			s.mu.Unlock()
			if result.RevisedSamplingInterval > 1.5*float64(it.spec.Sample)/float64(time.Millisecond) {
				slower++
			}
		}
	}
	if slower > 0 {
		s.adapter.log.Info("the server samples some points slower than asked", "points", slower)
	}
	return unfiltered, nil
}

func (s *subscription) refused(it *item, result *ua.MonitoredItemCreateResult) {
	status := ua.StatusBadUnexpectedError
	if result != nil {
		status = result.StatusCode
	}
	if !it.refused {
		s.adapter.log.Warn("the server refuses to sample a point", "point", it.point.Device+"."+it.point.Name, "at", it.spec, "error", status)
	}
	s.refuse(it, telemetry.Quality(status))
}

func (s *subscription) itemRequest(handle uint32) *ua.MonitoredItemCreateRequest {
	it := &s.items[handle]
	what := ua.AttributeIDValue
	if it.spec.Event {
		what = ua.AttributeIDEventNotifier
	}
	return &ua.MonitoredItemCreateRequest{
		ItemToMonitor:  attribute(it.node, what),
		MonitoringMode: ua.MonitoringModeReporting,
		RequestedParameters: &ua.MonitoringParameters{
			ClientHandle:     handle,
			SamplingInterval: float64(it.spec.Sample) / float64(time.Millisecond),
			Filter:           it.filter,
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
