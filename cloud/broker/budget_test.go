package broker

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// heap is what is in use after a collection, in bytes.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Nothing is taken for a while, and everybody sends the largest packets there are: as many are in memory as the budget has room for, small ones go
// on, nothing is acknowledged, and all of it is taken in the end.
func TestS18_ABlockedStoreBoundsTheMemory(t *testing.T) {
	const clients, size = 100, defaultPacket - 100
	release, blocked := make(chan struct{}), atomic.Int32{}
	p := newPlant(t, func(m Message) error {
		if len(m.Payload) > freePacket {
			blocked.Add(1)
			<-release
			blocked.Add(-1)
		}
		return nil
	})
	payload := strings.Repeat("x", size)
	var list []*device
	for i := range clients {
		d, _ := p.connect(fmt.Sprint("thing", i), "c", 5)
		list = append(list, d)
	}
	before := heap()
	var sending sync.WaitGroup
	for i, d := range list {
		sending.Go(func() { d.publish(fmt.Sprint("dt/thing", i, "/block"), 1, 1, payload) })
	}
	const room = packetBudget / (2 * defaultPacket)
	p.until("the budget is full", func() bool { return blocked.Load() == room })
	good, _ := p.connect("press", "press", 5)
	for i := range 100 {
		good.publish("dt/press/telemetry", 1, uint16(i+1), "small")
		if ack := good.receive(); ack.ReasonCode >= 0x80 {
			t.Fatalf("a small packet got %+v", ack)
		}
	}
	if n := blocked.Load(); n != room {
		t.Errorf("%d packets of 1 MiB are under way, there is room for %d", n, room)
	}
	grown := int64(heap()) - int64(before)
	if grown > packetBudget+32<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	if n := p.count("publish taken"); n != 100 {
		t.Errorf("%d messages were taken", n)
	}
	close(release)
	for i, d := range list {
		if ack := d.receive(); ack.PacketID != 1 || ack.ReasonCode >= 0x80 {
			t.Errorf("client %d got %+v", i, ack)
		}
	}
	sending.Wait()
	t.Logf("%d packets of 1 MiB from %d clients were under way, the heap grew by %d MiB", room, clients, grown>>20)
}

// A client that begins a large packet and does not go on gives the room back.
func TestS18_APacketThatDoesNotEnd(t *testing.T) {
	p := newPlant(t, nil)
	d, _ := p.connect("press", "press", 5)
	if _, err := d.conn.Write([]byte{0x32, 0xFF, 0xFF, 0x3F}); err != nil { // PUBLISH of 1 MiB less a byte
		t.Fatal(err)
	}
	free := func() bool {
		ok := p.broker.budget.TryAcquire(packetBudget)
		if ok {
			p.broker.budget.Release(packetBudget)
		}
		return ok
	}
	p.until("it takes room", func() bool { return !free() })
	_ = d.conn.Close()
	p.until("the room is free again", free)
}

// Topics that nobody subscribed to leave nothing behind, however many there are.
func TestS18_ManyTopics(t *testing.T) {
	const topics, each = 100_000, 100
	p := newPlant(t, func(Message) error { return ErrPayload }) // the plant keeps what it takes
	d, _ := p.connect("press", "press", 5)
	send := func(from int) {
		for n := range each {
			d.publish(fmt.Sprintf("dt/press/%d/telemetry", from+n), 1, uint16(n+1), "x")
		}
		for range each {
			d.receive()
		}
	}
	send(0)
	before := heap()
	began := time.Now()
	for n := 0; n < topics; n += each {
		send(n)
	}
	if grown := int64(heap()) - int64(before); grown > 2<<20 {
		t.Errorf("%d topics took %d KiB", topics, grown>>10)
	}
	t.Logf("%d topics in %v", topics, time.Since(began).Round(time.Millisecond))
}
