package wire

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// plant is a made-up plant that moves like one: deterministic, so that figures can be compared. Its devices have 25 points
// each and are scanned once a second in turn; all points of a scan carry the time at which the answer arrived.
type plant struct {
	names   []string
	signals []signal
	random  *rand.Rand
	scan    int
	latency []float64 // of each device's network, µs
}

// signal gives its value at the next scan.
type signal func(r *rand.Rand) telemetry.Value

const perDevice = 25

var plantStart = time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC).UnixNano()

func newPlant(points int) *plant {
	p := &plant{random: rand.New(rand.NewPCG(7, 11))}
	for i := range points {
		kind := signalKinds[i%perDevice]
		p.names = append(p.names, fmt.Sprintf("plc_%03d.%s", i/perDevice+1, kind.name))
		p.signals = append(p.signals, kind.make(p.random))
		if i%perDevice == 0 {
			p.latency = append(p.latency, 300+1500*p.random.Float64())
		}
	}
	return p
}

// signalKinds are the points of one device: 13 slow floats, 5 counters, 4 booleans, 3 enumerations.
var signalKinds = [perDevice]struct {
	name string
	make func(r *rand.Rand) signal
}{
	{"oil_temp", drift(62, 0.1, 0.45)}, {"water_temp", drift(18, 0.1, 0.35)}, {"bearing_1_temp", drift(48, 0.1, 0.3)}, {"bearing_2_temp", drift(51, 0.1, 0.3)},
	{"hall_temp", drift(21, 0.1, 0.08)}, {"pressure", drift(5.2, 0.01, 0.7)}, {"flow", drift(83, 0.1, 0.75)}, {"level", drift(1.84, 0.001, 0.6)},
	{"volt_l1", drift(231, 0.1, 0.8)}, {"current_l1", drift(14.3, 0.01, 0.85)}, {"frequency", drift(50, 0.01, 0.55)}, {"humidity", drift(41, 0.5, 0.12)},
	{"power_factor", drift(0.93, 0.01, 0.3)},
	{"cycles", counter(0.12)}, {"energy_wh", counter(0.8)}, {"good_parts", counter(0.11)}, {"bad_parts", counter(0.004)}, {"run_seconds", counter(1)},
	{"running", toggle(0.01)}, {"guard_open", toggle(0.005)}, {"pump", toggle(0.03)}, {"fault", toggle(0.0005)},
	{"state", enumeration(4, 0.03)}, {"mode", enumeration(3, 0.002)}, {"step", enumeration(12, 0.15)},
}

// drift is a float that moves by a step or two of the sensor's resolution, in this part of the scans, and tends back to its middle.
func drift(middle, resolution, moving float64) func(*rand.Rand) signal {
	return func(*rand.Rand) signal {
		steps := math.Round(middle / resolution)
		at, per := steps, math.Round(1/resolution)
		return func(r *rand.Rand) telemetry.Value {
			if r.Float64() < moving {
				step := 1 + math.Floor(r.ExpFloat64()*0.7)
				if r.Float64() < 0.5+(at-steps)/200 {
					step = -step
				}
				at += step
			}
			return telemetry.Float64(at / per)
		}
	}
}

func counter(rate float64) func(*rand.Rand) signal {
	return func(r *rand.Rand) signal {
		at := r.Uint64N(1e6)
		return func(r *rand.Rand) telemetry.Value {
			if r.Float64() < rate {
				at++
			}
			return telemetry.Uint64(at)
		}
	}
}

func toggle(rate float64) func(*rand.Rand) signal {
	return func(*rand.Rand) signal {
		on := false
		return func(r *rand.Rand) telemetry.Value {
			on = on != (r.Float64() < rate)
			return telemetry.Bool(on)
		}
	}
}

func enumeration(states int, rate float64) func(*rand.Rand) signal {
	return func(*rand.Rand) signal {
		state := 0
		return func(r *rand.Rand) telemetry.Value {
			if r.Float64() < rate {
				state = r.IntN(states)
			}
			return telemetry.Int64(int64(state))
		}
	}
}

// run gives the samples of the next scans, in order of arrival: device after device, their scans spread over the second.
func (p *plant) run(scans int) []telemetry.Sample {
	var samples []telemetry.Sample
	for range scans {
		due := plantStart + int64(p.scan)*int64(time.Second)
		p.scan++
		at := int64(0)
		for i := range p.signals {
			if device := i / perDevice; i%perDevice == 0 {
				at = due + int64(device)*int64(time.Second)/int64(len(p.latency)) + p.jitter(device)
			}
			samples = append(samples, telemetry.Sample{Point: telemetry.PointID(i), Time: at, Value: p.signals[i](p.random)})
		}
	}
	return samples
}

// jitter is how late an answer arrives, in nanoseconds: the timer's wake-up (50 µs, exponential) and the device's answer (its
// network's latency with a standard deviation of 100 µs). Every nanosecond of it is kept.
func (p *plant) jitter(device int) int64 {
	µs := 50*p.random.ExpFloat64() + p.latency[device] + 100*math.Abs(p.random.NormFloat64())
	return int64(µs * 1000)
}
