package main

import (
	"math"
	"time"

	"github.com/penstock-edge/penstock/adapters/serial/serialsim"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// The states of the press, as its register says them.
const (
	stopped = 0
	setup   = 1
	running = 2
	fault   = 9
)

// stateOf gives the press a shift in two minutes: a little setup, mostly running, a fault now and then.
func stateOf(t float64, started bool) int64 {
	switch at := math.Mod(t, 120); {
	case !started:
		return stopped
	case at < 6:
		return setup
	case at > 95 && at < 103:
		return fault
	}
	return running
}

// press is a hydraulic press with a stroke every four seconds.
func (p *plant) press(t float64) {
	started := p.number("press.start") != 0
	state := stateOf(t, started)
	stroke := 0.0
	if state == running {
		stroke = math.Max(0, wave(t, 4))
	}
	limit := p.number("press.force_limit")
	p.set("press.state", telemetry.Int64(state))
	p.set("press.running", telemetry.Bool(state == running))
	p.set("press.guard_closed", telemetry.Bool(state != setup))
	p.set("press.force", telemetry.Float64(round(limit*0.8*stroke+math.Abs(p.noise(2)), 0.5)))
	p.set("press.ram_position", telemetry.Float64(round(400*(1-stroke), 0.1)))
	p.set("press.pressure", telemetry.Float64(round(20+180*stroke, 0.1)))
	p.set("press.oil_temp", telemetry.Float64(round(58+9*wave(t, 600)+p.noise(0.08), 0.1)))
	p.set("press.motor_temp", telemetry.Float64(round(64+5*wave(t+40, 500)+p.noise(0.05), 0.1)))
	p.set("press.motor_current", telemetry.Float64(round(12+60*stroke+math.Abs(p.noise(0.3)), 0.1)))
	p.set("press.cycles", telemetry.Uint64(48_200+uint64(t/4)))
	p.set("press.alarms_oil_low", telemetry.Bool(math.Mod(t, 300) > 280))
	p.set("press.alarms_guard_open", telemetry.Bool(state == setup))
	p.set("press.alarms_overload", telemetry.Bool(state == fault))
}

// conveyor carries the parts away.
func (p *plant) conveyor(t float64) {
	jammed := math.Mod(t, 180) > 172
	speed := 0.45
	if jammed {
		speed = 0
	}
	p.set("conveyor.speed", telemetry.Float64(round(speed, 0.01)))
	p.set("conveyor.load", telemetry.Float64(round(38+12*wave(t, 45)+math.Abs(p.noise(0.4)), 0.1)))
	p.set("conveyor.parts", telemetry.Uint64(193_040+uint64(t/4)*2))
	p.set("conveyor.motor_temp", telemetry.Float64(round(47+3*wave(t, 400)+p.noise(0.05), 0.1)))
	p.set("conveyor.jammed", telemetry.Bool(jammed))
	p.set("conveyor.light_gate", telemetry.Bool(math.Mod(t, 2) < 0.4 && !jammed))
}

// meters measure what the halls draw. The third drops off the bus for a while now and then, as loose terminals do.
func (p *plant) meters(t float64) {
	for i, name := range []string{"meter_11", "meter_12", "meter_13"} {
		phase := float64(i) * 40
		volts := 230 + 2*wave(t+phase, 300) + p.noise(0.1)
		amps := 14 + float64(i)*6 + 4*wave(t+phase, 75)
		power := volts * amps * 0.94
		energy := 12_400 + float64(i)*310 + power*t/3.6e6
		p.set(name+".voltage", telemetry.Float64(round(volts, 0.1)))
		p.set(name+".current", telemetry.Float64(round(amps, 0.01)))
		p.set(name+".power", telemetry.Float64(round(power, 1)))
		p.set(name+".apparent_power", telemetry.Float64(round(volts*amps, 1)))
		p.set(name+".reactive_power", telemetry.Float64(round(volts*amps*0.34, 1)))
		p.set(name+".cosphi", telemetry.Float64(0.94))
		p.set(name+".frequency", telemetry.Float64(round(50+0.02*wave(t, 20)+p.noise(0.002), 0.01)))
		p.set(name+".energy_import", telemetry.Float64(round(energy, 0.001)))
		p.set(name+".energy_total", telemetry.Float64(round(energy, 0.001)))
	}
	p.units["meter_13"].Silent(math.Mod(t, 60) > 48)
}

// boiler heats towards its setpoint and burns gas for it.
func (p *plant) boiler(t float64, now time.Time) error {
	setpoint, ok := p.opcua.Get("Boiler.Setpoint").(float64)
	if !ok {
		setpoint = 72
		if err := p.opcua.Set("Boiler.Setpoint", setpoint, telemetry.Good, now); err != nil {
			return err
		}
	}
	temperature := round(setpoint+2.5*wave(t, 50)+p.noise(0.05), 0.1)
	burner := int32(2)
	if temperature < setpoint-1 {
		burner = 3
	}
	quality := telemetry.Good
	if math.Mod(t, 90) > 86 {
		quality = telemetry.UncertainSensorNotAccurate
	}
	for name, v := range map[string]any{
		"Temperature": temperature, "ReturnTemperature": round(temperature-14+p.noise(0.05), 0.1), "Pressure": round(1.8+0.1*wave(t, 50), 0.01),
		"Level": round(71+2*wave(t, 200), 0.1), "Burner": burner, "FeedPump": math.Mod(t, 30) < 22, "GasTotal": round(8_120+t*0.004, 0.001),
	} {
		old := p.opcua.Get("Boiler." + name)
		q := telemetry.Good
		if name == "Level" {
			q = quality
		}
		if old == v && name != "Level" {
			continue // a server reports changes
		}
		if err := p.opcua.Set("Boiler."+name, v, q, now); err != nil {
			return err
		}
	}
	return nil
}

// truck drives onto the scale, is weighed, and leaves.
func (p *plant) truck(t float64) {
	at := math.Mod(t, 40)
	gross, motion := 0.0, false
	switch {
	case at > 8 && at < 11:
		gross, motion = 26_500*(at-8)/3, true
	case at >= 11 && at < 28:
		gross = 26_500 + 100*math.Floor(t/40)
	case at >= 28 && at < 30:
		gross, motion = 26_500*(30-at)/2, true
	}
	p.scale.Set(serialsim.Weight{Gross: int(gross / 10), Tare: 0, Motion: motion})
}
