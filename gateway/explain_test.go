package gateway_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/gateway"
	"github.com/penstock-edge/penstock/gateway/status"
)

// What a gateway has learned of a device is there after a stop, for the next start and for who asks.
func TestWhatWasLearnedSurvivesARestart(t *testing.T) {
	s := newSite(t, "")
	at, err := modbus.ParseAddress("hr:2")
	if err != nil {
		t.Fatal(err)
	}
	s.plc.Hole(at, 1)
	before, err := gateway.Explain(s.cfg, "press")
	if err != nil || before.Learned || len(before.Readings) != 1 || len(before.Readings[0].Requests) != 2 {
		t.Errorf("before anything is known: %+v, %v; want a request a table", before, err)
	}
	g, _, stop := s.run()
	until(t, "a reading", func() bool { return g.Status().Connections[0].Requests > 3 })
	stop()
	after, err := gateway.Explain(s.cfg, "press")
	if err != nil || !after.Learned || !strings.Contains(strings.Join(after.Facts, "\n"), "it does not have hr:2") ||
		len(after.Readings[0].Requests) != 3 || strings.Join(after.Readings[0].Missing, " ") != "setpoint" {
		t.Errorf("after a stop: %+v, %v; want hr:2 named and setpoint missing", after, err)
	}
	asked := s.plc.Requests()
	g, _, stop = s.run()
	until(t, "a reading", func() bool { return g.Status().Connections[0].Requests == 1 })
	if n := s.plc.Requests() - asked; n < 3 || n > 6 {
		t.Errorf("%d requests in the first reading or two after a restart; want three each: hr:1, hr:3 and co:1", n)
	}
	now, err := g.Explain("press")
	if err != nil || !now.Learned {
		t.Errorf("while it runs: %+v, %v", now, err)
	}
	stop()
	if _, err := gateway.Explain(s.cfg, "pres"); !errors.Is(err, status.ErrNoPoint) {
		t.Errorf("a device that is not there: %v", err)
	}
}
