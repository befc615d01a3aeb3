package modbussim

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/penstock-edge/penstock/adapters/modbus"
)

func framed(pdu ...byte) []byte {
	return binary.LittleEndian.AppendUint16(pdu, modbus.CRC(pdu))
}

func TestFramesAreFoundInNoise(t *testing.T) {
	read := framed(1, 3, 0, 0, 0, 2)
	write := framed(1, 16, 0, 0, 0, 1, 2, 0, 7)
	line := append(append(append([]byte{0xFF, 0x00}, read...), 0x55), write...)
	first, rest := cut(line)
	if !bytes.Equal(first, read) {
		t.Fatalf("first frame: %x; want %x", first, read)
	}
	second, rest := cut(rest)
	if !bytes.Equal(second, write) || len(rest) != 0 {
		t.Errorf("second frame: %x and %x left; want %x", second, rest, write)
	}
	if half, rest := cut(write[:5]); half != nil || len(rest) != 5 {
		t.Errorf("half a frame: %x, and %x is kept", half, rest)
	}
}

func FuzzRequests(f *testing.F) {
	f.Add(framed(1, 3, 0, 0, 0, 2))
	f.Add(framed(1, 16, 0, 0, 0, 1, 2, 0, 7))
	f.Add(framed(1, 15, 0, 0, 0, 9, 2, 0xFF, 1))
	bank := NewBank(16)
	f.Fuzz(func(t *testing.T, line []byte) {
		for rest := line; ; {
			var frame []byte
			if frame, rest = cut(rest); frame == nil {
				if len(rest) > longest {
					t.Fatalf("%d bytes are kept", len(rest))
				}
				break
			}
			if response := bank.handle(frame[1 : len(frame)-2]); len(response) < 2 || len(response) > 253 {
				t.Fatalf("%x was answered with %x", frame, response)
			}
		}
		if len(line) > 0 {
			bank.handle(line)
		}
	})
}
