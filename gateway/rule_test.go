package gateway_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/gateway/status"
)

// TestARuleWritesSetsAndIsOnRecord: what the equipment does makes a rule act on the equipment, through the limits that hold for everybody.
func TestARuleWritesSetsAndIsOnRecord(t *testing.T) {
	s := newSite(t, `rules:
  - name: warm
    when: press.temp > 20
    write: {press.setpoint: 42}
    end: {write: {press.setpoint: 7}}
  - name: too_far
    when: press.temp > 20
    write: {press.mode: "${press.temp * 4}"}
  - name: very_warm
    when: press.temp > 30
    alarm: {severity: high, text: "Press at ${press.temp} °C"}
  - name: doubled
    sql: SELECT value * 2 AS value FROM 'press/temp'
    set: hall_b.doubled
`)
	s.put(1, 21)
	g, _, stop := s.run()
	until(t, "the rule has written", func() bool { return s.cell(2) == 42 })
	until(t, "the virtual point follows", func() bool { return value(g, "hall_b.doubled") == "42" })
	s.put(1, 19)
	until(t, "its end has written, too", func() bool { return s.cell(2) == 7 })
	until(t, "a write that may not be is refused and counted", func() bool {
		for _, r := range g.Status().Rules {
			if r.Name == "too_far" {
				return r.Errors > 0 && strings.Contains(r.Why, "press.mode")
			}
		}
		return false
	})
	lines, err := g.AuditTail(100)
	if err != nil {
		t.Fatal(err)
	}
	said := ""
	for _, l := range lines {
		said += string(l) + "\n"
	}
	if !strings.Contains(said, `"who":"rule:warm"`) || !strings.Contains(said, `"object":"press.setpoint","outcome":"done"`) {
		t.Errorf("the audit log does not tell who wrote what:\n%s", said)
	}
	if _, err := g.Write(t.Context(), status.Write{Point: "hall_b.doubled", Value: "1", Who: "anna"}); err == nil {
		t.Error("a virtual point was written by hand")
	}
	stop()
}

// TestAnAlarmComesIsAcknowledgedAndGoes: its events are records that wait for the cloud, and who acknowledged is on record.
func TestAnAlarmComesIsAcknowledgedAndGoes(t *testing.T) {
	s := newSite(t, `rules:
  - name: very_warm
    when: press.temp > 30
    alarm: {severity: high, text: "Press at ${press.temp} °C"}
`)
	g, _, stop := s.run()
	state := func() string { return g.Alarms()[0].State }
	if state() != "normal" {
		t.Fatalf("it begins as %+v", g.Alarms())
	}
	s.put(1, 35)
	until(t, "the alarm has come", func() bool { return state() == "unacknowledged" })
	if a := g.Alarms()[0]; a.Text != "Press at 35 °C" || a.Severity != "high" || g.Status().Alarms != 1 {
		t.Errorf("%+v", a)
	}
	if err := g.Operate(t.Context(), status.Operation{Alarm: "very_warm", Do: "acknowledge", Who: "anna", Comment: "filling up"}); err != nil {
		t.Fatal(err)
	}
	if a := g.Alarms()[0]; a.State != "acknowledged" || a.Acknowledged != "anna" {
		t.Errorf("%+v", a)
	}
	if err := g.Operate(t.Context(), status.Operation{Alarm: "none", Do: "acknowledge", Who: "anna"}); !errors.Is(err, status.ErrNoAlarm) {
		t.Errorf("an alarm that is not there: %v", err)
	}
	s.put(1, 20)
	until(t, "the alarm has gone", func() bool { return state() == "normal" })
	until(t, "its three events are on disk", func() bool { return g.Status().Buffer.Records >= 3 })
	stop()

	g, _, stop = s.run() // what is known outlives the process
	if a := g.Alarms()[0]; a.State != "normal" || a.Since == nil {
		t.Errorf("after a restart: %+v", a)
	}
	lines, err := g.AuditTail(10)
	if err != nil || len(lines) != 1 || !strings.Contains(string(lines[0]), `"who":"anna"`) {
		t.Errorf("the audit log: %s, %v", lines, err)
	}
	stop()
}

// put sets a holding register.
func (s *site) put(at, cell uint16) {
	s.t.Helper()
	if err := s.plc.Put(modbus.Address{Table: modbus.Holding, Number: at}, cell); err != nil {
		s.t.Fatal(err)
	}
}

// cell is what a holding register has.
func (s *site) cell(at uint16) uint16 {
	s.t.Helper()
	cells, err := s.plc.Cells(modbus.Address{Table: modbus.Holding, Number: at}, 1)
	if err != nil {
		s.t.Fatal(err)
	}
	return cells[0]
}

// value is what a point reads, as text.
func value(g interface{ Points() []status.Point }, name string) string {
	for _, p := range g.Points() {
		if p.Point == name && !p.Value.IsNone() {
			return p.Value.String()
		}
	}
	return ""
}
