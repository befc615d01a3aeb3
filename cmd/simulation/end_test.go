package simulation

import (
	"fmt"
	"time"
)

// heal takes every fault away.
func (s *site) heal() {
	s.event("everything heals")
	for s.network.darkness() > 0 {
		s.network.darken(false)
	}
	s.network.hold(false)
	s.network.slow(quick, 3*quick, 0)
	s.store(func(f *shelfState) { f.full, f.slow = false, 0 })
	s.trouble(func(p *plant) { p.silent, p.cut, p.high = false, false, false })
	s.wall.set(0)
	s.disk(nil)
	s.reviveCloud()
	s.reviveGateway()
}

// patience is how long, in virtual time, whatever was held up may take to arrive once nothing is in its way.
const patience = time.Hour

// drain has everything arrive, and stops gateway and cloud as systemd would.
func (s *site) drain(v *verdict) {
	time.Sleep(5 * time.Minute) // connections that nobody has told of their end are given up by now
	must(s.want())
	if !s.await(func() bool { return s.plant.setpoint() == s.desired && s.reported() == s.desired }) {
		v.fault("setpoint %v is desired, the plant has %v, its shadow says %v", s.desired, s.plant.setpoint(), s.reported())
	}
	s.halt()
	s.gateway = s.startGateway(s.state, false)
	if !s.await(func() bool {
		st := s.gateway.gateway.Status()
		return st.Buffer.Records == 0 && st.Buffer.Samples == 0
	}) {
		v.fault("the buffer is not empty: %+v", s.gateway.gateway.Status())
	}
	time.Sleep(time.Minute) // what was given up is declared
	s.halt()
	s.cloud.stop()
	if err := <-s.cloud.done; err != nil {
		v.fault("the cloud stops with %v", err)
	}
	s.cloud = nil
}

func (s *site) await(holds func() bool) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(s.plan.scan) {
		if holds() {
			return true
		}
	}
	return false
}

// reported is the setpoint in the shadow, which has no difference left; else a number that nobody wants.
func (s *site) reported() float64 {
	var shadow struct {
		State struct {
			Reported struct{ Setpoint float64 }
			Delta    map[string]any
		}
	}
	if err := s.call("GET", "/things/plant7:press/shadow", nil, &shadow); err != nil || len(shadow.State.Delta) > 0 {
		return -1
	}
	return shadow.State.Reported.Setpoint
}

// want asks for another setpoint.
func (s *site) want() error {
	s.desired++
	return s.call("POST", "/things/plant7:press/shadow", map[string]any{"state": map[string]any{"desired": map[string]any{"setpoint": s.desired}}}, nil)
}

// desire is want while faults go on: whether the cloud took it is not always known.
func (s *site) desire() {
	if err := s.want(); err != nil {
		s.event("setpoint %v: %v", s.desired, err)
	}
}

// abandon ends whatever still runs.
func (s *site) abandon() {
	if s.gateway != nil {
		s.gateway.fence()
		s.gateway.disk.end()
		s.gateway.stop()
		<-s.gateway.done
	}
	s.network.cut()
	if s.cloud != nil {
		s.cloud.stop()
		<-s.cloud.done
	}
	s.ghosts.Wait()
	s.http.CloseIdleConnections()
}

// live goes through the whole of it and looks at what came of it.
func (s *site) live() (v verdict) {
	defer s.abandon()
	defer func() {
		if fault := recover(); fault != nil {
			v.fault("it ended with %v", fault)
		}
	}()
	s.open()
	s.run()
	s.heal()
	s.drain(&v)
	s.ghosts.Wait()
	s.audit(&v)
	return v
}

func (v verdict) String() string {
	return fmt.Sprintf("%d samples served, %d certain to be on disk, %d stored, %d given up and declared; %d blocks came again; %d of uncertain time; %d alarms",
		v.served, v.certain, v.stored, v.evicted, v.repeats, v.uncertain, v.raised)
}
