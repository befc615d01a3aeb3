package rule_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/rule"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// BenchmarkRepublish has 64 clients publish, each its next message when the last was taken, and one rule pass on what is hot: all of
// it, durable in and out. messages/s counts until the last one was republished; taken/s until the last was acknowledged.
func BenchmarkRepublish(b *testing.B) {
	var passed atomic.Int64
	p := newPlant(b, func(o *rule.Options) {
		o.Publish = func(context.Context, rule.Publication) error { passed.Add(1); return nil }
		o.MaxWaiting = 10 << 20
	})
	p.rule("hot", "SELECT temp, topic(2) AS device FROM 'plant/+/temp' WHERE temp > 20", republish("hot/${topic(2)}"))
	b.ResetTimer()
	var next atomic.Int64
	var all sync.WaitGroup
	for client := range 64 {
		topic := fmt.Sprintf("plant/press%d/temp", client)
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				p.send(topic, `{"temp":21.5,"unit":"C"}`)
			}
		})
	}
	all.Wait()
	taken := b.Elapsed()
	p.until("all were passed on", func() bool { return passed.Load() >= int64(b.N) })
	b.ReportMetric(float64(b.N)/taken.Seconds(), "taken/s")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// benchBlock is a gateway's: 10 samples of each of 1,000 points.
func benchBlock(b *testing.B) cloud.Batch {
	var names []string
	var samples []telemetry.Sample
	for i := range 1000 {
		names = append(names, fmt.Sprintf("machine_%02d.signal_%02d", i/100, i%100))
		for k := range 10 {
			samples = append(samples, telemetry.Sample{Point: telemetry.PointID(i), Time: 1e18 + int64(k)*1e9, Value: telemetry.Float64(50 + float64(i%7)/2 + float64(k))})
		}
	}
	block, err := wire.NewEncoder(wire.Balanced).AppendBlock(nil, names, samples)
	if err != nil {
		b.Fatal(err)
	}
	sum, err := wire.Peek(block)
	if err != nil {
		b.Fatal(err)
	}
	return cloud.Batch{Thing: "plant7", Epoch: "E", Received: time.Now(), Block: block, Samples: sum.Samples, Points: sum.Points, From: sum.From, To: sum.To}
}

// BenchmarkBlocks has four gateways' worth of blocks of 10,000 samples stored, and looked at by a rule that never fires. samples/s counts until the rule has
// seen all that it wants to see.
func BenchmarkBlocks(b *testing.B) {
	for name, from := range map[string]string{
		"no rule":           "",
		"of another thing":  "dt/plant8/#",
		"1 of 1,000 points": "dt/plant7/machine_07/signal_07",
		"all 1,000 points":  "dt/plant7/+/+",
	} {
		b.Run(name, func(b *testing.B) {
			p := newPlant(b, nil)
			p.patience = time.Minute
			if from != "" {
				p.rule("hot", "SELECT value FROM '"+from+"' WHERE value > 1000", republish("hot"))
			}
			batch := benchBlock(b)
			b.ResetTimer()
			var next atomic.Int64
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						one := batch
						one.Seq = uint64(n)
						if err := p.Block(&one); err != nil {
							b.Error(err)
						}
						if _, err := p.store.Append(b.Context(), one); err != nil {
							b.Error(err)
						}
					}
				})
			}
			all.Wait()
			p.settled()
			b.ReportMetric(float64(b.N*batch.Samples)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}

// BenchmarkMatch asks for a topic that none of 1,000 rules wants, and for one that one of them wants.
func BenchmarkMatch(b *testing.B) {
	p := newPlant(b, nil)
	for i := range 1000 {
		p.rule(fmt.Sprint("r", i), fmt.Sprintf("SELECT * FROM 'plant/+/press%d/#'", i), republish("out"))
	}
	for name, topic := range map[string]string{"none": "dt/press/telemetry", "one": "plant/a/press77/temp"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Wants(&cloud.InboxItem{Topic: topic, Trace: "t"})
			}
		})
	}
}
