package modbussim

import (
	"context"
	"encoding/binary"
	"io"

	"github.com/penstock-edge/penstock/adapters/modbus"
)

// longest is the longest RTU frame.
const longest = 256

// talkRTU serves RTU frames on a line. Like a device it does one request after the other and says nothing to frames
// that are damaged or meant for others.
func (s *Server) talkRTU(ctx context.Context, line io.ReadWriteCloser) error {
	buf := make([]byte, 0, 4*longest)
	for {
		n, err := line.Read(buf[len(buf):cap(buf)])
		if err != nil {
			return err
		}
		buf = buf[:len(buf)+n]
		rest := buf
		for {
			frame, after := cut(rest)
			rest = after
			if frame == nil {
				break
			}
			if err := s.reply(ctx, line, frame); err != nil {
				return err
			}
		}
		buf = buf[:copy(buf[:cap(buf)], rest)]
	}
}

func (s *Server) reply(ctx context.Context, line io.Writer, frame []byte) error {
	response := s.answer(ctx, frame[0], frame[1:len(frame)-2])
	if len(response) == 0 {
		return nil
	}
	out := append([]byte{frame[0]}, response...)
	return s.send(ctx, line, binary.LittleEndian.AppendUint16(out, modbus.CRC(out)))
}

// cut takes the first request with a right checksum out of buf. What stands before it is noise. Without one it
// gives nil and what may be a frame's begin: never more than the longest frame.
func cut(buf []byte) (frame, rest []byte) {
	for from := range buf {
		size := requestSize(buf[from:])
		if size > 0 && from+size <= len(buf) && sound(buf[from:from+size]) {
			return buf[from : from+size], buf[from+size:]
		}
	}
	return nil, buf[max(0, len(buf)-longest):]
}

func sound(frame []byte) bool {
	end := len(frame) - 2
	return modbus.CRC(frame[:end]) == binary.LittleEndian.Uint16(frame[end:])
}

// requestSize is how long the request that begins here is with unit and checksum; 0 when that can't be told (yet).
// A function the simulator does not know is taken to be as long as a diagnosis.
func requestSize(buf []byte) int {
	if len(buf) < 8 {
		return 0
	}
	if buf[1] == 15 || buf[1] == 16 {
		return 7 + int(buf[6]) + 2
	}
	if buf[1] == 22 {
		return 10
	}
	return 8
}
