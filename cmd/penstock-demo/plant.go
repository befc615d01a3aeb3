package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/adapters/modbus/modbussim"
	"github.com/penstock-edge/penstock/adapters/opcua"
	"github.com/penstock-edge/penstock/adapters/opcua/opcuasim"
	"github.com/penstock-edge/penstock/adapters/serial/serialsim"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// plant is the simulated equipment: a press line behind one Modbus TCP server, energy meters on a serial bus, a boiler's OPC UA server, a
// truck scale that talks.
type plant struct {
	tcp      *modbussim.Server
	listener net.Listener
	bus      *modbussim.Server
	line     *modbussim.Line
	opcua    *opcuasim.Server
	scale    *serialsim.Scale

	units    map[string]*modbussim.Unit // by device
	attached chan struct{}              // closed when points is filled; before that nothing moves

	// Whoever attaches has these first, then the goroutine of live.
	points map[string]*modbus.Point // by device.point
	random *rand.Rand
}

// build opens every port of the plant; run moves it.
func build(log *slog.Logger) (p *plant, err error) {
	p = &plant{tcp: modbussim.New(log), bus: modbussim.New(log), random: rand.New(rand.NewPCG(7, 12)), points: map[string]*modbus.Point{}, attached: make(chan struct{})}
	p.units = map[string]*modbussim.Unit{
		"press": p.tcp.Add(1, 400), "conveyor": p.tcp.Add(2, 100),
		"meter_11": p.bus.Add(11, 400), "meter_12": p.bus.Add(12, 400), "meter_13": p.bus.Add(13, 400),
	}
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	if p.line, err = modbussim.OpenLine(); err != nil {
		return nil, err
	}
	if p.opcua, err = opcuasim.New(opcuasim.Options{Encrypt: true, Log: slog.New(slog.DiscardHandler)}); err != nil {
		return nil, err
	}
	scale, err := serialsim.Open("")
	if err != nil {
		return nil, err
	}
	p.scale = &serialsim.Scale{Line: scale, Every: 200 * time.Millisecond}
	err = p.boiler(0, time.Now())
	p.opcua.AllowWrite("Boiler.Setpoint") // now that it is there
	return p, err
}

// addresses fill in the gateway's configuration.
func (p *plant) addresses() map[string]string {
	return map[string]string{
		"ModbusTCP": p.listener.Addr().String(), "MeterBus": p.line.Path, "OPCUA": p.opcua.Endpoint(),
		"OPCUATrust": opcua.Fingerprint(p.opcua.Certificate()), "Scale": p.scale.Line.Path(),
	}
}

// attach learns from the gateway's configuration where each Modbus value lives, and puts the first values there.
func (p *plant) attach(points []config.Point) {
	for _, pt := range points {
		if spec, ok := pt.Spec.(*modbus.Point); ok {
			p.points[pt.FullName()] = spec
		}
	}
	p.set("press.force_limit", telemetry.Float64(1800))
	p.set("press.recipe", telemetry.String("A-117"))
	p.set("press.start", telemetry.Bool(true))
	if err := p.move(0, time.Now()); err != nil {
		panic("BUG: the demo's plant does not fit its configuration: " + err.Error())
	}
	close(p.attached)
}

// run serves and moves the plant until ctx ends.
func (p *plant) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.tcp.ServeTCP(ctx, p.listener) })
	g.Go(func() error { return p.bus.ServeLine(ctx, p.line) })
	g.Go(func() error { return p.opcua.Run(ctx) })
	g.Go(func() error { return p.scale.Run(ctx) })
	g.Go(func() error { return p.live(ctx) })
	return g.Wait()
}

// live moves the plant ten times a second, once somebody has said where its values live.
func (p *plant) live(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-p.attached:
	}
	began := time.Now()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			if err := p.move(now.Sub(began).Seconds(), now); err != nil {
				return err
			}
		}
	}
}

// move sets the plant to how it is t seconds after its start.
func (p *plant) move(t float64, now time.Time) error {
	p.press(t)
	p.conveyor(t)
	p.meters(t)
	p.truck(t)
	return p.boiler(t, now)
}

// set puts a value where a Modbus point lives.
func (p *plant) set(name string, v telemetry.Value) {
	spec, ok := p.points[name]
	if !ok {
		panic("BUG: the demo's configuration has no point " + name)
	}
	device, _, _ := strings.Cut(name, ".")
	if err := p.units[device].Set(spec, v); err != nil {
		panic(fmt.Sprintf("BUG: set %s to %v: %v", name, v, err))
	}
}

// number reads back what the gateway may have written.
func (p *plant) number(name string) float64 {
	device, _, _ := strings.Cut(name, ".")
	v, err := p.units[device].Get(p.points[name])
	if err != nil {
		panic(fmt.Sprintf("BUG: read %s: %v", name, err))
	}
	f, _ := v.Float()
	return f
}

// noise is what a sensor adds, with the given spread.
func (p *plant) noise(spread float64) float64 { return p.random.NormFloat64() * spread }

// wave swings slowly around 0 by 1, once in so many seconds.
func wave(t, period float64) float64 { return math.Sin(2 * math.Pi * t / period) }

func round(x, step float64) float64 { return math.Round(x/step) * step }
