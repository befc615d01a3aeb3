package modbus_test

import (
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/sync/telemetry"
	lib "github.com/simonvetter/modbus"
)

// peer is a device by another library: the same values as in the table of interop_test.go, without other programs.
type peer struct {
	mu      sync.Mutex
	holding [200]uint16
	coils   [200]bool
}

func (p *peer) HandleCoils(req *lib.CoilsRequest) ([]bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	part := p.coils[req.Addr:][:req.Quantity]
	if req.IsWrite {
		copy(part, req.Args)
	}
	return append([]bool(nil), part...), nil
}

func (p *peer) HandleDiscreteInputs(req *lib.DiscreteInputsRequest) (res []bool, err error) {
	for i := range req.Quantity {
		res = append(res, (req.Addr+i)%3 == 0)
	}
	return res, nil
}

func (p *peer) HandleHoldingRegisters(req *lib.HoldingRegistersRequest) ([]uint16, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if int(req.Addr)+int(req.Quantity) > len(p.holding) {
		return nil, lib.ErrIllegalDataAddress
	}
	part := p.holding[req.Addr:][:req.Quantity]
	if req.IsWrite {
		copy(part, req.Args)
	}
	return append([]uint16(nil), part...), nil
}

func (p *peer) HandleInputRegisters(req *lib.InputRegistersRequest) (res []uint16, err error) {
	for i := range req.Quantity {
		res = append(res, req.Addr+i)
	}
	return res, nil
}

// freePort finds a port that is free now: this library's server wants to listen by itself.
func freePort(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func TestADeviceByAnotherLibrary(t *testing.T) {
	where := freePort(t)
	dev := &peer{}
	srv, err := lib.NewServer(&lib.ServerConfiguration{URL: "tcp://" + where, Timeout: time.Minute, Logger: log.New(io.Discard, "", 0)}, dev)
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	defer srv.Stop()
	c := &modbus.Connection{Modbus: modbus.TCP, Address: where, Timeout: time.Second}
	a, d := open(t, c), device(c, 1)
	for i, order := range []modbus.Order{"ABCD", "CDAB", "BADC", "DCBA"} {
		s := spec(t, d, fmt.Sprintf("hr:%d", 10*i), typed(modbus.Float32), ordered(order))
		if err := write(a, s, telemetry.Float64(12.5)); err != nil {
			t.Errorf("%s: %v", order, err)
		}
		if got, err := read(t, prepare(t, a, points(s)), 1); err != nil || got[0].Value != telemetry.Float64(12.5) {
			t.Errorf("%s: %v %s, %v", order, got[0].Value, got[0].Quality, err)
		}
	}
	dev.mu.Lock()
	held := fmt.Sprintf("%04x", [][]uint16{dev.holding[0:2], dev.holding[10:12], dev.holding[20:22], dev.holding[30:32]})
	dev.mu.Unlock()
	if want := "[[4148 0000] [0000 4148] [4841 0000] [0000 4841]]"; held != want {
		t.Errorf("12.5 is held as %s; want %s", held, want)
	}
	all := points(spec(t, d, "ir:7"), spec(t, d, "di:3"), spec(t, d, "di:4"), spec(t, d, "hr:500"))
	got, err := read(t, prepare(t, a, all), 4)
	if err != nil || got[0].Value != telemetry.Uint64(7) || got[1].Value != telemetry.Bool(true) || got[2].Value != telemetry.Bool(false) || got[3].Quality != telemetry.BadNodeUnknown {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAClientByAnotherLibrary(t *testing.T) {
	for mode, url := range map[modbus.Mode]string{modbus.TCP: "tcp://", modbus.RTUOverTCP: "rtuovertcp://"} {
		p := newPlant(t, mode)
		u := p.sim.Add(7, 100)
		c, err := lib.NewClient(&lib.ClientConfiguration{URL: url + p.where, Speed: 115200, Timeout: time.Second, Logger: log.New(io.Discard, "", 0)})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Open(); err != nil {
			t.Fatal(err)
		}
		_ = c.SetUnitId(7)
		if err := u.Set(spec(t, device(p.connection(), 7), "hr:4", typed(modbus.Float32)), telemetry.Float64(-2.5)); err != nil {
			t.Fatal(err)
		}
		if got, err := c.ReadFloat32(4, lib.HOLDING_REGISTER); err != nil || got != -2.5 {
			t.Errorf("%s: hr:4 is %v, %v", mode, got, err)
		}
		if err := c.WriteCoils(3, []bool{true, false, true}); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
		if got, err := c.ReadCoils(3, 3); err != nil || fmt.Sprint(got) != "[true false true]" {
			t.Errorf("%s: coils are %v, %v", mode, got, err)
		}
		if _, err := c.ReadRegister(100, lib.INPUT_REGISTER); err != lib.ErrIllegalDataAddress {
			t.Errorf("%s: a register beyond the table: %v", mode, err)
		}
		_ = c.Close()
	}
}
