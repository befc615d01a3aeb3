package shadow_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/penstock-edge/penstock/cloud/shadow"
)

// BenchmarkShadowUpdate has 64 clients update a shadow of their own, each its next when the last was accepted and all about it published:
// durable updates a second.
func BenchmarkShadowUpdate(b *testing.B) {
	p := newPlant(b, nil)
	quiet := shadow.New(shadow.Options{Store: p.store, Publish: func(context.Context, string, []byte) error { return nil }})
	const clients = 64
	update := func(client, n int) {
		by := shadow.Caller{Thing: fmt.Sprint("thing", client), Connection: fmt.Sprint(client)}
		payload := fmt.Appendf(nil, `{"state":{"reported":{"speed":%d,"temperature":{"oil":%d.5,"bearing":71.25},"mode":"auto","running":true}}}`, n, n%90)
		quiet.Request(b.Context(), by, fmt.Sprintf("$aws/things/thing%d/shadow/update", client), payload)
	}
	for i := range clients {
		update(i, 0)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var next atomic.Int64
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				update(i, int(n))
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
}
