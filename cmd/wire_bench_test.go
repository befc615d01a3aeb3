package cmd_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// busyPlant is 10,000 points in 400 devices of 25, as a plant has them: 13 slow floats with the resolution of a sensor, 5 counters, 4 states and 3 modes. The points of a
// device share the time at which its answer came.
type busyPlant struct {
	names  []string
	values []float64
	dice   *rand.Rand
}

func newBusyPlant() *busyPlant {
	p := &busyPlant{dice: rand.New(rand.NewPCG(1, 2))}
	for d := range 400 {
		for i := range 25 {
			p.names = append(p.names, fmt.Sprintf("dev%03d.p%02d", d, i))
			p.values = append(p.values, float64(p.dice.IntN(1000)))
		}
	}
	return p
}

// scan reads every point once.
func (p *busyPlant) scan(at time.Time) (list []telemetry.Sample) {
	for i := range p.names {
		if i%25 == 0 {
			at = at.Add(time.Duration(100+p.dice.IntN(900)) * time.Microsecond)
		}
		s := telemetry.Sample{Point: telemetry.PointID(i), Time: at.UnixNano()}
		switch kind := i % 25; {
		case kind < 13:
			if p.dice.IntN(3) == 0 {
				p.values[i] += math.Round(p.dice.NormFloat64()*3) / 10
			}
			s.Value = telemetry.Float64(math.Round(p.values[i]*10) / 10)
		case kind < 18:
			p.values[i] += float64(p.dice.IntN(5))
			s.Value = telemetry.Int64(int64(p.values[i]))
		case kind < 22:
			if p.dice.IntN(100) == 0 {
				p.values[i]++
			}
			s.Value = telemetry.Bool(int(p.values[i])%2 == 0)
		default:
			if p.dice.IntN(200) == 0 {
				p.values[i] = float64(p.dice.IntN(6))
			}
			s.Value = telemetry.Int64(int64(p.values[i]))
		}
		list = append(list, s)
	}
	return list
}

// BenchmarkWire counts what a sample costs on the line to the cloud, both ways, with TCP's payload all there is: TLS with its handshake, MQTT, the birth, acknowledgements. A minute
// of 10,000 points a second is sent, in blocks of 10 s as the gateway seals them: at most 65,536 samples.
//
//	go test -run xxx -bench Wire -benchtime 1x ./cmd
func BenchmarkWire(b *testing.B) {
	for b.Loop() {
		s := newSite(b)
		line := newFlaky(b, s.mqtt)
		s.configure("")
		s.edit(s.config(), "mqtts://"+s.mqtt, "mqtts://"+line.address())
		s.enroll()
		q, err := buffer.Open(filepath.Join(s.dir, "state", "buffer"), buffer.Options{Cursors: []string{"main"}})
		if err != nil {
			b.Fatal(err)
		}
		plant, encoder, total := newBusyPlant(), wire.NewEncoder(wire.Balanced), uint64(0)
		at := time.Now().Add(-time.Minute)
		var pending []telemetry.Sample
		seal := func() {
			data, err := encoder.AppendBlock(nil, plant.names, pending)
			if err == nil {
				_, err = q.Append(b.Context(), buffer.Record{Class: buffer.Normal, Samples: uint32(len(pending)), Data: data})
			}
			if err != nil {
				b.Fatal(err)
			}
			total, pending = total+uint64(len(pending)), pending[:0]
		}
		for second := range 60 {
			pending = append(pending, plant.scan(at)...)
			at = at.Add(time.Second)
			if len(pending) >= 1<<16 || second%10 == 9 {
				seal()
			}
		}
		if err := q.Close(); err != nil {
			b.Fatal(err)
		}
		s.startGateway()
		until(b, time.Minute, "everything is stored", func() bool { return s.now().Targets[0].SentSamples >= total && s.now().Buffer.Records == 0 })
		s.gateway.stop()
		b.ReportMetric(float64(line.bytes.Load())/float64(total), "bytes/sample")
		b.ReportMetric(float64(total), "samples")
	}
}
