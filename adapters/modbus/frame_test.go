package modbus

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

func unhex(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return b
}

// The frames are those of the standards' examples and of devices.
func TestChecksum(t *testing.T) {
	for frame, want := range map[string]uint16{"0207": 0x1241, "010300000001": 0x0A84, "0103020006": 0x4638} {
		if got := CRC(unhex(frame)); got != want {
			t.Errorf("%s: %04x; want %04x", frame, got, want)
		}
	}
}

func TestOnlyTheFittingResponseIsTaken(t *testing.T) {
	two := readRequest(nil, Holding, 0, 2)
	for response, want := range map[string]bool{
		"030400010002": true, "03020001": false, "0306000100020003": false, "040400010002": false,
		"8302": true, "8402": false, "83": false, "": false, "0304000100": false, "0604000100020000": false,
	} {
		if got := answers(two, unhex(response)); got != want {
			t.Errorf("%s to %x: %v; want %v", response, two, got, want)
		}
	}
	one := []byte{writeRegister, 0, 5, 0, 7}
	for response, want := range map[string]bool{"0600050007": true, "0600050008": false, "0600060007": false, "8603": true} {
		if got := answers(one, unhex(response)); got != want {
			t.Errorf("%s to %x: %v; want %v", response, one, got, want)
		}
	}
}

func FuzzRTU(f *testing.F) {
	f.Add(appendRTU(nil, 1, unhex("030400010002")))
	f.Add(appendRTU(nil, 7, unhex("8302")))
	f.Add(unhex("0103ff"))
	f.Fuzz(func(t *testing.T, buf []byte) {
		unit, pdu, size, err := cutRTU(buf)
		if err != nil || size == 0 {
			return
		}
		if size > len(buf) || size > maxRTU || !bytes.Equal(appendRTU(nil, unit, pdu), buf[:size]) {
			t.Errorf("%x was cut as unit %d, %x, %d bytes", buf, unit, pdu, size)
		}
	})
}

func FuzzMBAP(f *testing.F) {
	f.Add(unhex("00010000000601030000000a"))
	f.Add(unhex("000100000000010300"))
	f.Fuzz(func(t *testing.T, buf []byte) {
		size, err := mbapSize(buf)
		if err == nil && size != 0 && (size < mbapHeader+2 || size > mbapHeader+maxPDU) {
			t.Errorf("%x is taken to be %d bytes long", buf, size)
		}
	})
}

// Whatever a response holds, it is either not taken or has every byte that its decoding will touch.
func FuzzDecode(f *testing.F) {
	f.Add(unhex("030400010002"), uint16(2), false)
	f.Add(unhex("01020001"), uint16(9), true)
	f.Fuzz(func(t *testing.T, response []byte, count uint16, bits bool) {
		table := Holding
		if bits {
			table = Coil
		}
		n := 1 + int(count)%maxRegisters
		if !answers(readRequest(nil, table, 0, n), response) || response[0]&exceptionBit != 0 {
			return
		}
		r := &reader{samples: nil}
		var places []place
		for i := range n {
			places = append(places, place{index: i, stretch: stretch{i, i + 1}, codec: alike(&Point{At: Address{Table: table, Number: uint16(i)}, Scale: 0.1, Bit: noBit})})
		}
		s := newSpan(table, places)
		r.samples = append(r.samples, make([]telemetry.Sample, n)...)
		r.decode(&s, response)
	})
}

func alike(p *Point) *codec {
	c := p.codec()
	return &c
}
