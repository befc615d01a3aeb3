package modbus_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestASilentUnitCostsTheOthersItsTimeoutOnly(t *testing.T) {
	for _, mode := range modes {
		t.Run(string(mode), func(t *testing.T) {
			p := newPlant(t, mode)
			dead, alive := p.sim.Add(4, 10), p.sim.Add(5, 10)
			put(t, alive, "hr:0", 7)
			dead.Silent(true)
			a := p.open()
			c := p.connection()
			toDead := prepare(t, a, points(spec(t, device(c, 4), "hr:0"), spec(t, device(c, 4), "hr:5"), spec(t, device(c, 4), "co:5")))
			toAlive := prepare(t, a, points(spec(t, device(c, 5), "hr:0")))
			for round := range 5 {
				start := time.Now()
				got, err := read(t, toDead, 3)
				if took := time.Since(start); round > 0 && took > p.timeout+100*time.Millisecond {
					t.Errorf("round %d: a unit known to be silent took %v; its timeout is %v", round, took, p.timeout)
				}
				if !errors.Is(err, adapters.ErrNoAnswer) || got[2].Quality != telemetry.BadTimeout {
					t.Errorf("round %d: %v, %v; want ErrNoAnswer and bad: timeout", round, err, got[2].Quality)
				}
				if got, err := read(t, toAlive, 1); err != nil || got[0].Value != telemetry.Uint64(7) {
					t.Errorf("round %d: the other unit gave %v %v, %v", round, got[0].Value, got[0].Quality, err)
				}
			}
		})
	}
}

// A socket whose other end was switched off says nothing, ever: it must be given up.
func TestADeafConnectionIsGivenUp(t *testing.T) {
	p := newPlant(t, modbus.TCP)
	p.timeout = 20 * time.Millisecond
	p.sim.Add(1, 10).Silent(true)
	r := prepare(t, p.open(), points(spec(t, device(p.connection(), 1), "hr:0")))
	var err error
	for range 3 {
		_, err = read(t, r, 1)
	}
	if err == nil || errors.Is(err, adapters.ErrNoAnswer) || !strings.Contains(err.Error(), "nothing has come back") {
		t.Errorf("after 3 readings without an answer: %v; want a lost connection", err)
	}
}

func TestOneBadAddressDoesNotSpoilItsNeighbours(t *testing.T) {
	p := newPlant(t, modbus.TCP)
	u := p.sim.Add(1, 200)
	d := device(p.connection(), 1)
	var specs []*modbus.Point
	for i := range 100 {
		put(t, u, fmt.Sprintf("hr:%d", i), uint16(i))
		specs = append(specs, spec(t, d, fmt.Sprintf("hr:%d", i)))
	}
	u.Hole(specs[42].At, 1)
	r := prepare(t, p.open(), points(specs...))
	var cost [3]int64
	for round := range cost {
		before := u.Requests()
		got, err := read(t, r, 100)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for i, s := range got {
			switch {
			case i == 42 && (s.Quality != telemetry.BadNodeUnknown || !s.Value.IsNone()):
				t.Errorf("round %d: the missing register is %v %s", round, s.Value, s.Quality)
			case i != 42 && (s.Quality != telemetry.Good || s.Value != telemetry.Uint64(uint64(i))):
				t.Errorf("round %d: hr:%d is %v %s", round, i, s.Value, s.Quality)
			}
		}
		cost[round] = u.Requests() - before
	}
	if cost[0] > 20 || cost[1] > 8 || cost[2] != cost[1] {
		t.Errorf("requests a round: %v; want the missing register found once and then left out", cost)
	}
}

func TestExceptionsHaveAReason(t *testing.T) {
	p := newPlant(t, modbus.RTUOverTCP)
	u := p.sim.Add(1, 10)
	for e, want := range map[modbus.Exception]telemetry.Quality{
		modbus.IllegalFunction: telemetry.BadNotReadable, modbus.IllegalAddress: telemetry.BadNodeUnknown, modbus.IllegalValue: telemetry.BadNodeUnknown,
		modbus.DeviceFailure: telemetry.BadDeviceFailure, modbus.Busy: telemetry.BadOutOfService, modbus.NoPath: telemetry.BadNoCommunication,
		modbus.NoTarget: telemetry.BadTimeout, 99: telemetry.BadUnexpected,
	} {
		u.Refuse(e)
		r := prepare(t, p.open(), points(spec(t, device(p.connection(), 1), "hr:0")))
		got, err := read(t, r, 1)
		if got[0].Quality != want || !got[0].Value.IsNone() {
			t.Errorf("%v: %v %s; want %s", e, got[0].Value, got[0].Quality, want)
		}
		if silent := e == modbus.NoTarget || e == modbus.NoPath; silent != errors.Is(err, adapters.ErrNoAnswer) || !silent && err != nil {
			t.Errorf("%v: read gives %v", e, err)
		}
	}
}

// Some devices do not answer for addresses they do not have, instead of refusing.
func TestASilentBlockDoesNotHideTheOthers(t *testing.T) {
	p := newPlant(t, modbus.TCP)
	u := p.sim.Add(1, 100)
	put(t, u, "hr:50", 5)
	u.Garble(func(request, response []byte) []byte {
		if binary.BigEndian.Uint16(request[1:]) == 0 {
			return nil
		}
		return response
	})
	d := device(p.connection(), 1)
	r := prepare(t, p.open(), points(spec(t, d, "hr:0"), spec(t, d, "hr:50")))
	for range 2 { // it is asked for both at once, then begins with the silent one, and learns
		_, _ = read(t, r, 2)
	}
	got, err := read(t, r, 2)
	if err != nil || got[0].Quality != telemetry.BadTimeout || got[1].Value != telemetry.Uint64(5) {
		t.Errorf("%v %s and %v %s, %v", got[0].Value, got[0].Quality, got[1].Value, got[1].Quality, err)
	}
}

func TestSentinelOverTheWire(t *testing.T) {
	p := newPlant(t, modbus.TCP)
	put(t, p.sim.Add(1, 10), "hr:0", 0x8000)
	s := spec(t, device(p.connection(), 1), "hr:0", typed(modbus.Int16), func(p *modbus.Point) { _ = p.Invalid.UnmarshalText([]byte("0x8000")) })
	if got, err := read(t, prepare(t, p.open(), points(s)), 1); err != nil || got[0].Quality != telemetry.BadSensorFailure || !got[0].Value.IsNone() {
		t.Errorf("%v %s, %v", got[0].Value, got[0].Quality, err)
	}
}

func write(a adapters.Adapter, s *modbus.Point, v telemetry.Value) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return a.(adapters.Writer).Write(ctx, points(s)[0], v)
}

func TestAnUnconfirmedWriteIsNotRepeated(t *testing.T) {
	p := newPlant(t, modbus.TCP)
	u := p.sim.Add(1, 10)
	u.Silent(true)
	err := write(p.open(), spec(t, device(p.connection(), 1), "co:3"), telemetry.Bool(true))
	if !errors.Is(err, adapters.ErrNoAnswer) || !strings.Contains(err.Error(), "write co:3") || u.Requests() != 1 {
		t.Errorf("%v after %d requests; want ErrNoAnswer after one", err, u.Requests())
	}
}

func TestWritesThatAreRefusedSayWhy(t *testing.T) {
	p := newPlant(t, modbus.TCP)
	u := p.sim.Add(1, 10)
	a, d := p.open(), device(p.connection(), 1)
	for _, c := range []struct {
		s    *modbus.Point
		v    telemetry.Value
		want string
	}{
		{spec(t, d, "hr:50"), telemetry.Int64(1), "write hr:50: the device answered with exception 2: it has no such address"},
		{spec(t, d, "di:0"), telemetry.Bool(true), "di:0 is a discrete input, which can't be written"},
		{spec(t, d, "ir:0"), telemetry.Int64(1), "ir:0 is an input register"},
		{spec(t, d, "hr:0", func(p *modbus.Point) { p.Bit = 3 }), telemetry.Int64(2), "write hr:0.3: \"2\" is neither true nor false"},
		{spec(t, d, "hr:50", func(p *modbus.Point) { p.Bit = 3 }), telemetry.Bool(true), "write hr:50.3: the device answered with exception 2"},
		{spec(t, d, "ir:0", func(p *modbus.Point) { p.Bit = 3 }), telemetry.Bool(true), "ir:0 is an input register"},
		{spec(t, d, "hr:0"), telemetry.Int64(70000), "write hr:0: 70000 does not fit into uint16"},
	} {
		if err := write(a, c.s, c.v); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %s", c.s, err, c.want)
		}
	}
	u.Garble(func(request, response []byte) []byte {
		if request[0] == 6 {
			return []byte{0x86, 1}
		}
		return response
	})
	before := u.Requests()
	if err := write(a, spec(t, d, "hr:4"), telemetry.Int64(44)); err != nil || u.Requests() != before+2 {
		t.Errorf("a device without function 6: %v after %d requests; want function 16 to be tried", err, u.Requests()-before)
	}
}

func TestPortsThatCannotBeOpened(t *testing.T) {
	p := newPlant(t, modbus.RTU)
	p.sim.Add(1, 10)
	p.open()
	if _, err := p.connection().Open(context.Background(), quiet()); err == nil || !strings.Contains(err.Error(), "another program is using it") {
		t.Errorf("a port in use: %v", err)
	}
	c := p.connection()
	c.Port = "/dev/serial/by-id/nothing"
	if _, err := c.Open(context.Background(), quiet()); err == nil || !strings.Contains(err.Error(), "there is no serial device /dev/serial/by-id/nothing") {
		t.Errorf("a port that is not there: %v", err)
	}
}

// script is a device that answers each request with the bytes that its next step gives.
func script(t *testing.T, steps ...func(request []byte) []byte) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { ln.Close(); <-done })
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		buf := make([]byte, 300)
		for _, step := range steps {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			if _, err := conn.Write(step(buf[:n])); err != nil {
				return
			}
		}
		_, _ = conn.Read(buf) // until the other end is done
	}()
	return ln.Addr().String()
}

// rtu is a frame of a unit.
func rtu(unit byte, pdu ...byte) []byte {
	frame := append([]byte{unit}, pdu...)
	return binary.LittleEndian.AppendUint16(frame, modbus.CRC(frame))
}

func echo(request []byte) []byte { return append([]byte(nil), request...) }

func TestDamagedAndForeignFrames(t *testing.T) {
	right := rtu(3, 3, 2, 0, 42)
	damaged := rtu(3, 3, 2, 0, 99)
	damaged[4] ^= 1
	answer := func(frames ...[]byte) func([]byte) []byte {
		return func([]byte) (all []byte) {
			for _, f := range frames {
				all = append(all, f...)
			}
			return all
		}
	}
	for story, steps := range map[string][]func([]byte) []byte{
		"another unit answers first":            {answer(rtu(9, 3, 2, 0, 99), right)},
		"a longer answer comes first":           {answer(rtu(3, 3, 4, 0, 99, 0, 99), right)},
		"another function's answer comes first": {answer(rtu(3, 4, 2, 0, 99), right)},
		"a damaged answer, then the echo":       {answer(damaged), echo, answer(right)},
		"the damaged answer's repetition waits": {answer(damaged), func(r []byte) []byte { return append(rtu(3, 3, 2, 0, 99), echo(r)...) }, answer(right)},
		"noise, and there is no function 8":     {answer([]byte{0, 0xFF, 0x55, 0xAA}), answer(rtu(3, 0x88, 1)), answer(right)},
		"half an answer":                        {answer(right[:4]), echo, answer(right)},
	} {
		t.Run(story, func(t *testing.T) {
			c := &modbus.Connection{Modbus: modbus.RTUOverTCP, Address: script(t, steps...), Timeout: 100 * time.Millisecond, Retries: 1}
			r := prepare(t, open(t, c), points(spec(t, device(c, 3), "hr:0")))
			if got, err := read(t, r, 1); err != nil || got[0].Value != telemetry.Uint64(42) {
				t.Errorf("%v %s, %v; want 42", got[0].Value, got[0].Quality, err)
			}
		})
	}
}

// mbap is the answer to a Modbus TCP request.
func mbap(request []byte, pdu ...byte) []byte {
	frame := append([]byte(nil), request[:7]...)
	binary.BigEndian.PutUint16(frame[4:], uint16(1+len(pdu)))
	return append(frame, pdu...)
}

func TestModbusTCPKeepsItsPlaceInTheStream(t *testing.T) {
	var first []byte
	half := func(request []byte) []byte {
		first = mbap(request, 3, 2, 0, 99)
		return first[:9]
	}
	rest := func(request []byte) []byte {
		return append(append([]byte{}, first[9:]...), mbap(request, 3, 2, 0, 42)...)
	}
	c := &modbus.Connection{Modbus: modbus.TCP, Address: script(t, half, rest), Timeout: 50 * time.Millisecond}
	r := prepare(t, open(t, c), points(spec(t, device(c, 3), "hr:0")))
	if _, err := read(t, r, 1); !errors.Is(err, adapters.ErrNoAnswer) {
		t.Errorf("half an answer: %v; want ErrNoAnswer", err)
	}
	if got, err := read(t, r, 1); err != nil || got[0].Value != telemetry.Uint64(42) {
		t.Errorf("after the other half: %v %s, %v; want 42", got[0].Value, got[0].Quality, err)
	}
}

func TestWhatIsNoModbusTCP(t *testing.T) {
	for story, c := range map[string]struct {
		answer func([]byte) []byte
		lost   bool
	}{
		"a web server":            {func([]byte) []byte { return []byte("HTTP/1.1 400 Bad Request\r\n\r\n") }, true},
		"rtu frames":              {func([]byte) []byte { return rtu(3, 3, 2, 0, 42) }, true},
		"another unit":            {func(r []byte) []byte { f := mbap(r, 3, 2, 0, 42); f[6] = 9; return f }, false},
		"too few registers":       {func(r []byte) []byte { return mbap(r, 3, 0) }, false},
		"a wrong number of bytes": {func(r []byte) []byte { return mbap(r, 3, 2, 0, 42, 0) }, false},
	} {
		t.Run(story, func(t *testing.T) {
			conn := &modbus.Connection{Modbus: modbus.TCP, Address: script(t, c.answer), Timeout: 50 * time.Millisecond}
			got, err := read(t, prepare(t, open(t, conn), points(spec(t, device(conn, 3), "hr:0"))), 1)
			if err == nil || !got[0].Quality.IsBad() || errors.Is(err, adapters.ErrNoAnswer) == c.lost {
				t.Errorf("%v %s, %v", got[0].Value, got[0].Quality, err)
			}
		})
	}
}

// One bit is changed and its neighbours are not: by function 22, or by reading and writing where the device does not know it.
func TestABitIsWrittenAlone(t *testing.T) {
	for _, order := range []modbus.Order{"ABCD", "BADC"} {
		for name, without := range map[string]bool{"with function 22": false, "without": true} {
			t.Run(string(order)+" "+name, func(t *testing.T) {
				p := newPlant(t, modbus.RTUOverTCP)
				u := p.sim.Add(1, 10)
				put(t, u, "hr:4", 0b1010_0000_1111_0000)
				masks := 0
				u.Garble(func(request, response []byte) []byte {
					if request[0] != 22 {
						return response
					}
					if masks++; without {
						put(t, u, "hr:4", 0b1010_0000_1111_0000)
						return []byte{0x96, 1}
					}
					return response
				})
				a, d := p.open(), device(p.connection(), 1)
				for _, w := range []struct {
					bit int
					on  bool
				}{{0, true}, {15, false}, {4, false}, {9, true}} {
					s := spec(t, d, "hr:4", ordered(order), func(p *modbus.Point) { p.Bit = w.bit })
					before, _ := u.Cells(s.At, 1)
					if masks > 0 && without { // from here on the unit's lack of it is known
						u.Garble(nil)
					}
					if err := write(a, s, telemetry.Bool(w.on)); err != nil {
						t.Fatalf("bit %d: %v", w.bit, err)
					}
					after, _ := u.Cells(s.At, 1)
					if want := s.SetBit(before[0], w.on); after[0] != want {
						t.Errorf("bit %d set to %v: %016b became %016b; want %016b", w.bit, w.on, before[0], after[0], want)
					}
				}
				if without && masks != 1 {
					t.Errorf("function 22 was tried %d times on a unit that does not have it", masks)
				}
			})
		}
	}
}

func TestTLSKnowsBothEnds(t *testing.T) {
	p, stranger := newPlant(t, modbus.TLS), newPKI(t)
	put(t, p.sim.Add(3, 10), "hr:0", 42)
	for story, change := range map[string]func(*modbus.Connection){
		"a device that somebody else signed": func(c *modbus.Connection) { c.CA = stranger.file("ca.crt") },
		"a client that somebody else signed": func(c *modbus.Connection) {
			c.Cert, c.Key = stranger.file("client.crt"), stranger.file("client.key")
		},
		"no key":            func(c *modbus.Connection) { c.Key = "nothing" },
		"a CA that is none": func(c *modbus.Connection) { c.CA = stranger.file("ca.key") },
	} {
		c := p.connection()
		change(c)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		a, err := c.Open(ctx, quiet())
		if err != nil {
			continue
		}
		defer a.Close()
		// With TLS 1.3 a client learns that it was turned away when it reads.
		if got, err := read(t, prepare(t, a, points(spec(t, device(c, 3), "hr:0"))), 1); err == nil || errors.Is(err, adapters.ErrNoAnswer) || !got[0].Quality.IsBad() {
			t.Errorf("%s: %v %s, %v", story, got[0].Value, got[0].Quality, err)
		}
	}
	if err := (&modbus.Connection{Modbus: modbus.TLS, Address: "plc", Cert: "x"}).Validate(); err == nil || !strings.Contains(err.Error(), "tls needs cert, key and ca") {
		t.Errorf("tls without a key: %v", err)
	}
	if err := (&modbus.Connection{Modbus: modbus.TCP, Address: "plc", CA: "x"}).Validate(); err == nil || !strings.Contains(err.Error(), "tcp is not encrypted") {
		t.Errorf("a certificate with tcp: %v", err)
	}
}
