package opcua

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// quietSubscription is one with three points and a publishing interval of a second, as the server sees it. What
// it emits is appended to got.
func quietSubscription(got *[]telemetry.Sample) *subscription {
	s := &subscription{
		adapter: &Adapter{log: quiet()}, id: 1, interval: time.Second, silence: 15 * time.Second, expected: 1,
		emit: func(some []telemetry.Sample) { *got = append(*got, some...) },
	}
	for i := range 3 {
		s.items = append(s.items, item{point: adapters.Point{ID: telemetry.PointID(10 + i)}, spec: &Spec{Index: wholeValue}})
	}
	return s
}

// published is one answer to a publish request; without changes it is a keep-alive.
func published(sequence uint32, changes ...*ua.MonitoredItemNotification) *ua.PublishResponse {
	message := &ua.NotificationMessage{SequenceNumber: sequence}
	if len(changes) > 0 {
		message.NotificationData = []*ua.ExtensionObject{nil, ua.NewExtensionObject(&ua.DataChangeNotification{MonitoredItems: changes})}
	}
	return &ua.PublishResponse{SubscriptionID: 1, NotificationMessage: message}
}

func changed(handle uint32, value int32, status ua.StatusCode) *ua.MonitoredItemNotification {
	return &ua.MonitoredItemNotification{ClientHandle: handle, Value: &ua.DataValue{
		EncodingMask: ua.DataValueValue | ua.DataValueStatusCode, Value: ua.MustVariant(value), Status: status}}
}

func TestKeepAlivesKeepASubscriptionAndSilenceEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []telemetry.Sample
		s := quietSubscription(&got)
		responses, ended := make(chan *ua.PublishResponse), make(chan error, 1)
		go func() { ended <- s.collect(t.Context(), responses) }()
		responses <- published(1, changed(0, 5, ua.StatusOK))
		for range 5 { // 50 s of keep-alives
			time.Sleep(10 * time.Second)
			responses <- published(2)
		}
		start := time.Now()
		if err := <-ended; !errors.Is(err, ua.StatusBadTimeout) || !strings.Contains(err.Error(), "no keep-alive") {
			t.Errorf("ended with %v", err)
		}
		if took := time.Since(start); took != s.silence {
			t.Errorf("ended after %s of silence, want %s", took, s.silence)
		}
		var waited []telemetry.Sample
		for _, one := range got {
			if one.Quality == telemetry.BadWaitingForData {
				waited = append(waited, one)
			}
		}
		if len(got) != 3 || len(waited) != 2 || waited[0].Point != 11 || waited[1].Point != 12 {
			t.Errorf("emitted %v; want one value, and the two silent points once", got)
		}
	})
}

func TestASubscriptionEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := quietSubscription(new([]telemetry.Sample))
	if err := s.collect(ctx, make(chan *ua.PublishResponse)); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

func TestLostNotificationsAndFullQueuesAreCounted(t *testing.T) {
	var got []telemetry.Sample
	s := quietSubscription(&got)
	for _, response := range []*ua.PublishResponse{
		published(1, changed(0, 1, ua.StatusOK)),
		published(2), // keep-alive: the next will be 2
		published(2, changed(0, 2, ua.StatusOK)),
		published(5, changed(0, 3, 0x480), changed(1, 4, 0x480)), // 3 and 4 never came; two queues ran over
		published(6, changed(99, 1, ua.StatusOK), nil, &ua.MonitoredItemNotification{ClientHandle: 1}), // nonsense
	} {
		if err := s.take(response); err != nil {
			t.Fatal(err)
		}
	}
	if s.lost != 2 || s.overflow != 2 || len(got) != 4 {
		t.Errorf("%d notifications lost, %d queues ran over, %d samples; want 2, 2, 4", s.lost, s.overflow, len(got))
	}
	s.expected = 0xFFFFFFFF
	if err := s.take(published(0xFFFFFFFF, changed(0, 5, ua.StatusOK))); err != nil || s.expected != 1 {
		t.Errorf("after the highest number comes %d, want 1", s.expected)
	}
	other := published(7, changed(0, 6, ua.StatusOK))
	other.SubscriptionID = 2
	if err := s.take(other); err != nil || len(got) != 5 {
		t.Errorf("another subscription's change was taken: %v", got)
	}
}

func TestAServerThatGivesUpIsALostConnection(t *testing.T) {
	s := quietSubscription(new([]telemetry.Sample))
	response := published(1)
	response.NotificationMessage.NotificationData = []*ua.ExtensionObject{ua.NewExtensionObject(&ua.StatusChangeNotification{Status: ua.StatusBadTimeout})}
	if err := s.take(response); err == nil {
		t.Error("the server gave the subscription up and nobody noticed")
	}
}
