package cmd_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters/modbus/modbussim"
)

// counter is a Modbus device that counts its readings: the n-th answers n and n/2, so that every value it ever served is known, and what
// is stored can be held against it.
type counter struct {
	name, address string
	unit          *modbussim.Unit
	copies        int // of the number, each a point of its own: to have many samples

	mu     sync.Mutex
	served []time.Time // when the n-th reading was answered
}

// newCounters puts counters on the network, each behind a port of its own, until the test ends.
func newCounters(t *testing.T, n int) []*counter {
	t.Helper()
	var serving sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(func() { stop(); serving.Wait() })
	var list []*counter
	for i := range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		plant := modbussim.New(slog.New(slog.DiscardHandler))
		c := &counter{name: fmt.Sprintf("counter%d", i+1), address: l.Addr().String(), unit: plant.Add(1, 10)}
		c.unit.Garble(c.count)
		serving.Go(func() { _ = plant.ServeTCP(ctx, l) }) // a client that was killed is no error here
		list = append(list, c)
	}
	return list
}

// count puts the next number into an answer.
func (c *counter) count(_, response []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(response) < 14 {
		return response // an exception, or silence
	}
	n := len(c.served)
	binary.BigEndian.PutUint32(response[2:], uint32(n))
	binary.BigEndian.PutUint64(response[6:], math.Float64bits(float64(n)/2))
	c.served = append(c.served, time.Now())
	return response
}

// history is when each number was served.
func (c *counter) history() []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]time.Time(nil), c.served...)
}

// points are the counter's, by what one is worth of the number served.
func (c *counter) points() map[string]float64 {
	points := map[string]float64{c.name + ".number": 1, c.name + ".half": 0.5}
	for i := range c.copies {
		points[fmt.Sprintf("%s.copy%d", c.name, i)] = 1
	}
	return points
}

// counterField is the configuration that reads counters ten times a second.
func counterField(list []*counter) string {
	var connections, devices strings.Builder
	for _, c := range list {
		fmt.Fprintf(&connections, "  %s_plc: {modbus: tcp, address: %q, timeout: 5s}\n", c.name, c.address)
		fmt.Fprintf(&devices, "  - name: %s\n    connection: %s_plc\n    unit: 1\n    points:\n      number: {at: hr:0, type: uint32}\n      half: {at: hr:2, type: float64}\n", c.name, c.name)
		for i := range c.copies {
			fmt.Fprintf(&devices, "      copy%d: {at: hr:0, type: uint32}\n", i)
		}
	}
	return "scan: {normal: 100ms}\nconnections:\n" + connections.String() + "devices:\n" + devices.String()
}

// newCounterSite is a site that reads n counters, enrolled and not yet started.
func newCounterSite(t *testing.T, n int) *site {
	t.Helper()
	s := newSite(t)
	s.counters = newCounters(t, n)
	s.configure(counterField(s.counters))
	s.enroll()
	return s
}

// served counts the samples in all answers of the counters.
func (s *site) served() (n int) {
	for _, c := range s.counters {
		n += len(c.history()) * len(c.points())
	}
	return n
}

// rest lets the counters fall silent, and waits until the gateway has taken in every answer that was under way.
func (s *site) rest() {
	s.t.Helper()
	s.silence(true)
	until(s.t, 10*time.Second, "the gateway has read all that was answered", func() bool {
		return s.now().SamplesRead >= uint64(s.served()-s.before)
	})
}

// silence makes the counters take requests and say nothing, or ends that.
func (s *site) silence(on bool) {
	for _, c := range s.counters {
		c.unit.Silent(on)
	}
}
