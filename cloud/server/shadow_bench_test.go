package server_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/eclipse/paho.golang/paho"
)

// BenchmarkShadowUpdate has 64 MQTT clients over mutual TLS, each with a shadow of its own, update at QoS 1, the next when the last was
// acknowledged: durable updates a second, with the clients on the same cores.
func BenchmarkShadowUpdate(b *testing.B) {
	s := newSite(b)
	var links []*link
	for _, gateway := range []string{"plant7", "plant8"} {
		pair := s.issue(gateway)
		for i := range 32 { // sessions of a thing
			links = append(links, s.mustConnect(pair, fmt.Sprint(gateway, "-", i)))
		}
	}
	b.ResetTimer()
	var next atomic.Int64
	var all sync.WaitGroup
	for i, l := range links {
		topic := fmt.Sprintf("$aws/things/plant%d:machine%d/shadow/update", 7+i/32, i)
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				payload := fmt.Appendf(nil, `{"state":{"reported":{"speed":%d,"temperature":{"oil":%d.5,"bearing":71.25},"mode":"auto","running":true}}}`, n, n%90)
				if res, err := l.Publish(b.Context(), &paho.Publish{Topic: topic, QoS: 1, Payload: payload}); err != nil {
					b.Error(res, err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
}
