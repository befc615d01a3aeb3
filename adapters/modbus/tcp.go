package modbus

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"
)

// tcpLink speaks Modbus TCP (Modbus Messaging on TCP/IP 1.0b): each request carries a number that its answer
// repeats, so an answer that comes late is known for what it is and a silent unit costs no reconnection.
type tcpLink struct {
	*wire
	pause  time.Duration
	number uint16
	out    [mbapHeader + maxPDU]byte
	in     [2 * (mbapHeader + maxPDU)]byte
	have   int // bytes of in that hold what came, a frame's begin first
	used   int // bytes of in that the last answer took
}

// mbapHeader is number, protocol (0), length of what follows, and unit.
const mbapHeader = 7

func (l *tcpLink) exchange(ctx context.Context, unit byte, request []byte) ([]byte, error) {
	if err := rest(ctx, l.pause); err != nil {
		return nil, err
	}
	l.number++
	if err := l.write(ctx, l.frame(unit, request)); err != nil {
		return nil, err
	}
	until := time.Now().Add(l.timeout)
	for {
		number, from, response, err := l.receive(ctx, until)
		switch {
		case err != nil:
			return nil, err
		case number != l.number:
			continue // late
		case from != unit && unit != 0 && unit != 255:
			return nil, fmt.Errorf("%w: unit %d was asked and unit %d answered", errGarbled, unit, from)
		case !answers(request, response):
			return nil, errMisfit
		}
		return response, nil
	}
}

func (l *tcpLink) frame(unit byte, request []byte) []byte {
	binary.BigEndian.PutUint16(l.out[0:], l.number)
	binary.BigEndian.PutUint16(l.out[2:], 0)
	binary.BigEndian.PutUint16(l.out[4:], uint16(1+len(request)))
	l.out[6] = unit
	return l.out[:mbapHeader+copy(l.out[mbapHeader:], request)]
}

// receive waits for the next whole frame. What it returns is good until the next call. Bytes of a frame that has not
// come whole by then are kept: the rest of it is found where it belongs.
func (l *tcpLink) receive(ctx context.Context, until time.Time) (number uint16, unit byte, pdu []byte, err error) {
	l.have = copy(l.in[:], l.in[l.used:l.have])
	l.used = 0
	for {
		size, err := mbapSize(l.in[:l.have])
		if err != nil {
			return 0, 0, nil, err
		}
		if size > 0 && l.have >= size {
			l.used = size
			return binary.BigEndian.Uint16(l.in[:]), l.in[6], l.in[mbapHeader:size], nil
		}
		n, err := l.read(ctx, l.in[l.have:], until)
		l.have += n
		if err != nil && n == 0 {
			return 0, 0, nil, err
		}
	}
}

// mbapSize is the length of the frame that begins in buf, 0 while too little of it is there.
func mbapSize(buf []byte) (int, error) {
	if len(buf) < mbapHeader {
		return 0, nil
	}
	length := int(binary.BigEndian.Uint16(buf[4:]))
	if binary.BigEndian.Uint16(buf[2:]) != 0 || length < 3 || length > 1+maxPDU {
		return 0, fmt.Errorf("what comes from %x is no Modbus TCP; for a device server that hands RTU frames on, write modbus: rtu-over-tcp", buf[:mbapHeader])
	}
	return mbapHeader - 1 + length, nil
}
