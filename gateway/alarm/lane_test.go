package alarm_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/alarm"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/uplink"
)

// outbox is what the gateway makes of its buffer: one for alarms, one for all else.
type outbox struct {
	*buffer.Queue
	of []buffer.Class
}

func (o outbox) Reader() uplink.Reader { return o }
func (o outbox) Newest() uint64        { return o.Stats().Newest }

func (o outbox) Next(ctx context.Context, after uint64) (uplink.Block, error) {
	recs, err := o.NextOf(ctx, after, 1, o.of...)
	if err != nil {
		return uplink.Block{}, err
	}
	return uplink.Block{Seq: recs[0].Seq, Samples: recs[0].Samples, Data: recs[0].Data}, nil
}

func (o outbox) Stored(b uplink.Block) error           { return o.Ack(b.Seq, b.Seq) }
func (o outbox) Refused(b uplink.Block, _ error) error { return o.Discard(b.Seq) }

// slow is a link on which a block never ends, save that alarms go through.
type slow struct {
	mu     sync.Mutex
	began  []uint64
	alarms chan time.Time
}

func (s *slow) Ready(context.Context) (int, error) { return 0, nil }

func (s *slow) Publish(ctx context.Context, b uplink.Block) error {
	s.mu.Lock()
	s.began = append(s.began, b.Seq)
	s.mu.Unlock()
	if b.Samples == 0 {
		s.alarms <- time.Now()
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

// TestAnAlarmOvertakesABacklog: 100,000 blocks wait, eight of them are under way and do not get there. An alarm that is raised now is the next
// that is published.
func TestAnAlarmOvertakesABacklog(t *testing.T) {
	cfg := plant7(oilHot(isa.Config{}))
	s := newSite(t, t.TempDir(), cfg, alarm.Options{})
	defer s.close()
	blocks := slices.Repeat([]buffer.Record{{Class: buffer.Normal, Samples: 100, Data: []byte("a block")}}, 10_000)
	for range 10 {
		if _, err := s.queue.Append(t.Context(), blocks...); err != nil {
			t.Fatal(err)
		}
	}
	link := &slow{alarms: make(chan time.Time, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	var rooms sync.WaitGroup
	rooms.Go(func() { _ = s.Run(ctx) })
	const atOnce = 8
	rooms.Go(func() {
		_ = uplink.Run(ctx, outbox{s.queue, []buffer.Class{buffer.Alarm}}, link, uplink.Options{InOrder: true})
	})
	rooms.Go(func() {
		_ = uplink.Run(ctx, outbox{s.queue, []buffer.Class{buffer.Keep, buffer.Normal}}, link, uplink.Options{Blocks: atOnce + 1}) // one place is for new ones
	})
	for until := time.Now().Add(10 * time.Second); link.count() < atOnce && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	s.say("oil_hot", isa.On, "hot")
	t.Logf("published after %v", (<-link.alarms).Sub(began))
	cancel()
	rooms.Wait()
	if link.began[atOnce] != 100_001 || len(link.began) != atOnce+1 {
		t.Errorf("published were %v", link.began)
	}
	if n := s.queue.Stats().Records; n != 100_000 {
		t.Errorf("%d records are left", n)
	}
}

func (s *slow) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.began)
}
