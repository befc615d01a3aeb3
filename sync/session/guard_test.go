package session

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/eclipse/paho.golang/packets"
)

// feed is a connection that gives bytes in pieces.
type feed struct {
	net.Conn
	in     []byte
	piece  int
	closed bool
}

func (f *feed) Close() error { f.closed = true; return nil }
func (f *feed) Read(p []byte) (int, error) {
	if len(f.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), f.piece)], f.in)
	f.in = f.in[n:]
	return n, nil
}

var (
	pingresp = []byte{0xD0, 0}
	puback   = []byte{0x40, 2, 0, 1}
	bomb     = []byte{0x30, 0xFF, 0xFF, 0xFF, 0x7F} // a PUBLISH of 256 MiB
)

func publish(size int) []byte {
	p := packets.NewControlPacket(packets.PUBLISH)
	p.Content.(*packets.Publish).Topic = "t"
	p.Content.(*packets.Publish).Payload = make([]byte, size)
	var b bytes.Buffer
	_, _ = p.WriteTo(&b) // to memory
	return b.Bytes()
}

func TestS2_PacketsPassAndWhatIsTooLargeEndsTheConnection(t *testing.T) {
	for what, c := range map[string]struct {
		in  []byte
		bad bool
	}{
		"small packets":               {bytes.Join([][]byte{pingresp, puback, pingresp}, nil), false},
		"a body that looks so":        {publish(4000), false},
		"up to the limit":             {[]byte{0x30, 0xFF, 0x7F}, false},
		"above the limit":             {[]byte{0x30, 0x80, 0x80, 0x02}, true},
		"a bomb":                      {bomb, true},
		"a bomb behind other packets": {bytes.Join([][]byte{puback, publish(300), bomb}, nil), true},
		"a length that does not end":  {[]byte{0x30, 0x80, 0x80, 0x80, 0x80, 0x01}, true},
	} {
		for piece := 1; piece < 8; piece++ {
			f := &feed{in: bytes.Clone(c.in), piece: piece}
			out, err := io.ReadAll(newGuard(f, 1<<14))
			if c.bad != errors.Is(err, errPacketSize) || c.bad != f.closed {
				t.Errorf("%s in pieces of %d: %v, closed %v", what, piece, err, f.closed)
			}
			if !c.bad && !bytes.Equal(out, c.in) {
				t.Errorf("%s in pieces of %d: other bytes came out", what, piece)
			}
		}
	}
}

// Five bytes must not cost 256 MiB, which is what the library behind the guard would allocate.
func TestS2_ABombCostsNoMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := packets.ReadPacket(newGuard(&feed{in: bytes.Clone(bomb), piece: 64}, maxInbound))
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; err == nil || grown > 1<<20 {
		t.Errorf("%d bytes were allocated, error %v", grown, err)
	}
}

// FuzzGuard: whatever comes, in whatever pieces, no packet above the limit gets through, and what gets through is unchanged.
func FuzzGuard(f *testing.F) {
	for _, seed := range [][]byte{pingresp, puback, bomb, publish(100), {0x30, 0x80, 0x80, 0x80, 0x80, 0x01}} {
		f.Add(seed, uint8(1))
	}
	f.Fuzz(func(t *testing.T, in []byte, piece uint8) {
		const limit = 64
		out, err := io.ReadAll(newGuard(&feed{in: bytes.Clone(in), piece: int(piece%16) + 1}, limit))
		if !bytes.HasPrefix(in, out) || err == nil && len(out) != len(in) {
			t.Fatalf("%x became %x, %v", in, out, err)
		}
		for r := bytes.NewReader(out); r.Len() > 0; {
			_, _ = r.ReadByte()
			size, shift := 0, 0
			for {
				b, err := r.ReadByte()
				if err != nil {
					break
				}
				size |= int(b&0x7F) << shift
				if shift += 7; b&0x80 == 0 {
					break
				}
			}
			if size > limit && r.Len() > 0 {
				t.Fatalf("a packet of %d bytes came through in %x", size, out)
			}
			_, _ = r.Seek(int64(min(size, r.Len())), io.SeekCurrent)
		}
	})
}
