package modbus_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/sync/telemetry"
	lib "github.com/simonvetter/modbus"
)

const (
	lateTimeout = 30 * time.Millisecond
	lateRounds  = 25
)

// latecomer is a unit whose registers hold 100 times their address, and which is late more often than not.
func latecomer(t testing.TB, mode modbus.Mode, deafTo byte) (*plant, func(bool)) {
	p := newPlant(t, mode)
	p.timeout = lateTimeout
	u := p.sim.Add(3, 100)
	for i := range 100 {
		put(t, u, fmt.Sprintf("hr:%d", i), uint16(100*i))
	}
	u.DeafTo(deafTo)
	r := rand.New(rand.NewPCG(1, 2))
	return p, func(on bool) {
		u.Delay(nil)
		if on {
			u.Delay(func() time.Duration { return time.Duration(r.IntN(5)) * lateTimeout * 2 / 3 })
		}
	}
}

// Three requests of one shape to one unit: an answer that comes late fits each of them.
func TestLateAnswersAreNeverWrongValues(t *testing.T) {
	for name, c := range map[string]struct {
		mode   modbus.Mode
		deafTo byte
	}{
		"tcp": {modbus.TCP, 0}, "rtu": {modbus.RTU, 0}, "rtu-over-tcp": {modbus.RTUOverTCP, 0}, "a unit without echo": {modbus.RTU, 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, late := latecomer(t, c.mode, c.deafTo)
			d := device(p.connection(), 3)
			once := rereader(t, p, points(spec(t, d, "hr:1"), spec(t, d, "hr:10"), spec(t, d, "hr:20")))
			late(true)
			good := 0
			for range lateRounds {
				good += countRight(t, once(), 100, 1000, 2000)
			}
			late(false)
			awaitRight(t, func() int { return countRight(t, once(), 100, 1000, 2000) }, 3)
			t.Logf("%d of %d values came in time; none was wrong", good, 3*lateRounds)
		})
	}
}

// rereader reads once whenever it is called, over a new connection when the last one was lost, as the gateway does.
func rereader(t *testing.T, p *plant, all []adapters.Point) func() []telemetry.Sample {
	a := p.open()
	r := prepare(t, a, all)
	return func() []telemetry.Sample {
		got, err := read(t, r, len(all))
		if err != nil && !errors.Is(err, adapters.ErrNoAnswer) {
			_ = a.Close()
			a = p.open()
			r = prepare(t, a, all)
		}
		return got
	}
}

// countRight counts good values and fails for a wrong one.
func countRight(t *testing.T, got []telemetry.Sample, want ...uint64) (right int) {
	t.Helper()
	for i, s := range got {
		if s.Quality.IsGood() && s.Value != telemetry.Uint64(want[i]) {
			t.Errorf("point %d is %v and called good; the register holds %d", i, s.Value, want[i])
		}
		if s.Quality.IsGood() {
			right++
		}
	}
	return right
}

func awaitRight(t *testing.T, try func() int, want int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); try() != want; {
		if time.Now().After(end) {
			t.Fatal("the unit is in time again, and still not all of its values are read")
		}
	}
}

// The control: the same device read by a client that takes any frame of the right shape. It must be seen to fail, or
// the test above shows nothing.
func TestLateAnswersFoolATrustingClient(t *testing.T) {
	p, late := latecomer(t, modbus.RTUOverTCP, 0)
	c, err := lib.NewClient(&lib.ClientConfiguration{URL: "rtuovertcp://" + p.where, Timeout: lateTimeout, Speed: 115200, Logger: log.New(io.Discard, "", 0)})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Open(); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetUnitId(3)
	late(true)
	wrong := 0
	for range lateRounds {
		for at, want := range map[uint16]uint16{1: 100, 10: 1000, 20: 2000} {
			if got, err := c.ReadRegister(at, lib.HOLDING_REGISTER); err == nil && got != want {
				wrong++
			}
		}
	}
	if wrong == 0 {
		t.Error("no wrong value: the device of these tests is not nasty enough")
	}
	t.Logf("%d wrong values", wrong)
}

// Why requests are not sent by that client: its Close waits for the request that is under way.
func TestForeignClientCloseWaits(t *testing.T) {
	p := newPlant(t, modbus.TCP)
	p.sim.Add(3, 100).Silent(true)
	c, err := lib.NewClient(&lib.ClientConfiguration{URL: "tcp://" + p.where, Timeout: 300 * time.Millisecond, Logger: log.New(io.Discard, "", 0)})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Open(); err != nil {
		t.Fatal(err)
	}
	_ = c.SetUnitId(3)
	done := make(chan error)
	go func() { _, err := c.ReadRegister(0, lib.HOLDING_REGISTER); done <- err }()
	for p.sim.Unit(3).Requests() == 0 {
		time.Sleep(time.Millisecond)
	}
	start := time.Now()
	_ = c.Close()
	if took := time.Since(start); took < 100*time.Millisecond {
		t.Errorf("Close took %v only: it ends a request now, and the reason for tcp.go in README.md is gone", took)
	}
	<-done
}
