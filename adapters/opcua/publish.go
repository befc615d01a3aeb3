package opcua

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// pause is how long to wait before asking again a server that has too much to do.
const pause = time.Second

// publish keeps one publish request waiting at the server and hands every answer on, in order.
func (s *subscription) publish(ctx context.Context, responses chan<- *ua.PublishResponse) error {
	var acks []*ua.SubscriptionAcknowledgement
	for {
		response, err := exchange[*ua.PublishResponse](ctx, s.adapter.session, &ua.PublishRequest{SubscriptionAcknowledgements: acks})
		switch {
		// The request grew old at the server, at once when its clock is ahead: the silence is watched elsewhere.
		case errors.Is(err, ua.StatusBadTimeout), errors.Is(err, ua.StatusBadTooManyPublishRequests):
			if err := wait(ctx, pause); err != nil {
				return err
			}
			continue
		case err != nil:
			return fmt.Errorf("wait for changes: %w", err)
		case response.NotificationMessage == nil:
			return errors.New("the server published nothing at all")
		}
		acks = nil
		if len(response.NotificationMessage.NotificationData) > 0 {
			acks = []*ua.SubscriptionAcknowledgement{{SubscriptionID: response.SubscriptionID, SequenceNumber: response.NotificationMessage.SequenceNumber}}
		}
		select {
		case responses <- response:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// collect takes the answers to publish requests and fails when none comes: a server that has nothing to
// report sends a keep-alive.
func (s *subscription) collect(ctx context.Context, responses <-chan *ua.PublishResponse) error {
	silence := time.NewTimer(s.silence)
	defer silence.Stop()
	waiting := time.NewTimer(3*s.interval + time.Second)
	defer waiting.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-silence.C:
			return fmt.Errorf("the subscription is dead: no change and no keep-alive for %s: %w", s.silence, ua.StatusBadTimeout)
		case <-waiting.C:
			s.emitWaiting()
		case response := <-responses:
			silence.Reset(s.silence)
			if err := s.take(response); err != nil {
				return err
			}
		}
	}
}

// take handles one answer. An answer for a subscription of an earlier Subscribe is late and of no use.
func (s *subscription) take(response *ua.PublishResponse) error {
	if response.SubscriptionID != s.id {
		return nil
	}
	message := response.NotificationMessage
	s.count(message)
	for _, data := range message.NotificationData {
		if data == nil {
			continue
		}
		switch notification := data.Value.(type) {
		case *ua.DataChangeNotification:
			s.change(notification)
		case *ua.EventNotificationList:
			s.happened(notification)
		case *ua.StatusChangeNotification:
			if telemetry.Quality(notification.Status).IsBad() {
				return fmt.Errorf("the server gave the subscription up: %w", notification.Status)
			}
		}
	}
	return nil
}

// count holds the sequence numbers together; a gap is what the server sent and we never saw. A
// keep-alive carries the number that the next notification will have.
func (s *subscription) count(message *ua.NotificationMessage) {
	if gap := int32(message.SequenceNumber - s.expected); gap > 0 {
		s.lost += int(gap)
		s.adapter.log.Warn("changes were lost between the server and here", "notifications", gap, "total", s.lost)
	}
	s.expected = message.SequenceNumber
	if len(message.NotificationData) > 0 {
		if s.expected++; s.expected == 0 {
			s.expected = 1 // zero is no sequence number (OPC 10000-4, 7.9)
		}
	}
}

func (s *subscription) change(notification *ua.DataChangeNotification) {
	now := time.Now()
	samples := make([]telemetry.Sample, 0, len(notification.MonitoredItems))
	s.mu.Lock()
	for _, changed := range notification.MonitoredItems {
		if changed == nil || changed.Value == nil || int64(changed.ClientHandle) >= int64(len(s.items)) {
			continue
		}
		it := &s.items[changed.ClientHandle]
		if it.spec == nil {
			continue
		}
		next := s.adapter.sample(it.point.ID, changed.Value, it.spec.Index, now)
		it.done, it.published, it.last = true, true, next
		if it.first == 0 {
			it.first = next.Time
		}
		it.seen++
		s.seen++
		if hasOverflow(next.Quality) {
			s.overflowed(it)
		}
		samples = append(samples, next)
	}
	held := s.hold(samples)
	s.mu.Unlock()
	if len(samples) > 0 && !held {
		s.emit(samples)
	}
}

// overflowBits say that the server's queue dropped values before this one (OPC 10000-4, 7.39.1).
const overflowBits = telemetry.Quality(0x0480)

func hasOverflow(q telemetry.Quality) bool { return q&overflowBits == overflowBits }

// overflowed counts; only the first time and every thousandth time are worth a line.
func (s *subscription) overflowed(it *item) {
	s.overflow++
	if s.overflow%1000 == 1 {
		s.adapter.log.Warn("the server's queue of a point ran over and values were lost; raise queue or publish more often",
			"point", it.point.Device+"."+it.point.Name, "total", s.overflow)
	}
}
