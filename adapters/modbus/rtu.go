package modbus

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// rtuLink speaks RTU frames (Modbus over Serial Line 1.02). They carry no number, so an answer that comes late looks
// like the answer to a later request of the same unit, function and length. Therefore:
//
//   - what lies on the line when a request is about to be sent is thrown away;
//   - a frame of another unit, function or length than asked for is not taken, and the wait goes on;
//   - a unit that owes an answer (it was silent, or what came was damaged) is asked for an echo first (function 8,
//     with a number of our own). Devices answer in order: once the echo is there, or the exception that there is no
//     function 8, nothing older is under way. A device that is silent to function 8 is left alone for settle instead;
//   - so is a unit that answers, when another kept silent before it: what comes late may have lost its unit id on the way;
//   - an answer that is, byte for byte, the one before to another request may be that one a second time (a repeater, a
//     device server that sends again). An echo is asked for here too, and then the request again.
type rtuLink struct {
	*wire
	timing timing
	settle time.Duration
	units  [256]rtuUnit
	serial uint16 // the number in the last echo
	out    [maxRTU]byte
	in     [2 * maxRTU]byte
	have   int
	heard  time.Time // when the last bytes came
	twins  twins

	troubled time.Time // when a unit was last silent, or its answer damaged, with no echo heard since
}

// timing is what the serial line's speed means. character is 0 where the speed is not known.
type timing struct {
	character, silence time.Duration
}

// rtuUnit is what is known of one unit of the bus.
type rtuUnit struct {
	owes  bool      // an answer to an older request may still come
	vain  bool      // the last echo was asked for in vain
	mute  bool      // it ignores function 8
	alive bool      // it answered when last asked
	asked time.Time // when the last request was sent to which an answer may come
}

const (
	maxRTU         = 1 + maxPDU + 2
	networkSilence = 2 * time.Millisecond // what parts frames where a network has taken the line's silences away
	leastSettle    = time.Second
)

func newRTULink(w *wire, t timing) *rtuLink {
	return &rtuLink{wire: w, timing: t, settle: max(leastSettle, 3*w.timeout), twins: newTwins()}
}

func (l *rtuLink) exchange(ctx context.Context, unit byte, request []byte) ([]byte, error) {
	u := &l.units[unit]
	if !u.owes && u.alive && !u.mute && time.Since(l.troubled) < l.settle {
		u.owes, u.asked = true, l.troubled
	}
	if u.owes {
		if err := l.clear(ctx, unit); err != nil {
			return nil, err
		}
	}
	settled := u.owes
	u.owes = false
	response, err := l.ask(ctx, unit, request)
	if err == nil && !settled && l.twins.suspect(unit, request, response) {
		response, err = l.confirm(ctx, unit, request, response)
	}
	switch {
	case err == nil:
		u.alive, u.mute = true, u.mute || u.vain
		l.twins.keep(unit, request, response)
	case errors.Is(err, errSilent), errors.Is(err, errGarbled):
		u.owes, u.asked, u.alive = true, time.Now(), false
		l.troubled = u.asked
	}
	return response, err
}

// confirm asks once more, with nothing older under way, because the answer may be the last request's come again. A device without echo
// can only be listened to whether it has something else to say.
func (l *rtuLink) confirm(ctx context.Context, unit byte, request, response []byte) ([]byte, error) {
	doubted := append(l.twins.spare[:0], response...)
	l.twins.spare = doubted
	if l.units[unit].mute {
		again, err := l.fitting(ctx, unit, request, time.Now().Add(l.timeout))
		if !errors.Is(err, errSilent) || ctx.Err() != nil {
			return again, err
		}
		l.twins.alike(unit, request, doubted)
		return doubted, nil
	}
	l.units[unit].asked = time.Now()
	if err := l.clear(ctx, unit); err != nil {
		return nil, err
	}
	again, err := l.ask(ctx, unit, request)
	if err == nil && bytes.Equal(again, doubted) {
		l.twins.alike(unit, request, again)
	}
	return again, err
}

// clear makes sure that no older answer of the unit is under way.
func (l *rtuLink) clear(ctx context.Context, unit byte) error {
	u := &l.units[unit]
	if time.Since(u.asked) < l.settle {
		l.serial++
		echo := binary.BigEndian.AppendUint16([]byte{diagnostics, 0, 0}, l.serial)
		_, err := l.ask(ctx, unit, echo)
		u.vain, u.mute = errors.Is(err, errSilent), u.mute && err != nil
		if err == nil {
			l.troubled = time.Time{}
		}
		return err
	}
	return nil
}

// ask sends one request on a quiet line and waits for the frame that can be its answer.
func (l *rtuLink) ask(ctx context.Context, unit byte, request []byte) ([]byte, error) {
	if err := l.quiet(ctx, l.timing.silence); err != nil {
		return nil, err
	}
	frame := appendRTU(l.out[:0], unit, request)
	if err := l.write(ctx, frame); err != nil {
		return nil, err
	}
	// The operating system takes the request at once; the line takes its time for it and for the answer.
	characters := time.Duration(len(frame) + answerRTU(request))
	return l.fitting(ctx, unit, request, time.Now().Add(l.timeout+characters*l.timing.character))
}

// fitting waits for the frame that can be the answer.
func (l *rtuLink) fitting(ctx context.Context, unit byte, request []byte, until time.Time) ([]byte, error) {
	for {
		from, response, err := l.receive(ctx, until)
		if err != nil {
			return nil, err
		}
		if from == unit && answers(request, response) {
			return response, nil
		}
	}
}

// quiet lets the line be silent for that long since the last byte. What has come until then is forgotten, and what is still coming is
// waited for.
func (l *rtuLink) quiet(ctx context.Context, silence time.Duration) error {
	l.have = 0
	if err := rest(ctx, silence-time.Since(l.heard)); err != nil {
		return err
	}
	if n, err := l.pending(l.in[:]); n == 0 || err != nil {
		return err
	}
	return l.listen(ctx, silence)
}

// listen reads what comes until nothing has come for that long, and forgets it.
func (l *rtuLink) listen(ctx context.Context, silence time.Duration) error {
	l.have = 0
	for end := time.Now().Add(silence + l.timeout + maxRTU*l.timing.character); ; {
		_, err := l.read(ctx, l.in[:], time.Now().Add(silence))
		switch {
		case errors.Is(err, errSilent) && ctx.Err() == nil:
			return nil
		case err != nil:
			return err
		case time.Now().After(end):
			return fmt.Errorf("%w: the line is never silent; is another program talking on it?", errGarbled)
		}
	}
}

// receive waits for the next whole frame with a right checksum. What it returns is good until the next call.
func (l *rtuLink) receive(ctx context.Context, until time.Time) (unit byte, pdu []byte, err error) {
	for {
		unit, pdu, size, err := cutRTU(l.in[:l.have])
		if err != nil {
			return 0, nil, err
		}
		if size > 0 {
			// The answer is handed out where it lies beyond the bytes that stay.
			answer := l.out[:copy(l.out[:], pdu)]
			l.have = copy(l.in[:], l.in[size:l.have])
			return unit, answer, nil
		}
		n, err := l.read(ctx, l.in[l.have:], until)
		if l.have += n; n > 0 {
			l.heard = time.Now()
		}
		switch {
		case errors.Is(err, errSilent) && l.have > 0 && n == 0:
			return 0, nil, fmt.Errorf("%w: it ended after %d bytes", errGarbled, l.have)
		case err != nil && n == 0:
			return 0, nil, err
		}
	}
}

// answerRTU is how many characters the answer to a request has, frame included.
func answerRTU(request []byte) int {
	if request[0] <= readInputs {
		return 1 + 2 + dataBytes(request) + 2
	}
	return 1 + len(request) + 2 // what is written is repeated, or less
}

// appendRTU appends a frame: unit, request, checksum.
func appendRTU(dst []byte, unit byte, pdu []byte) []byte {
	from := len(dst)
	dst = append(append(dst, unit), pdu...)
	return binary.LittleEndian.AppendUint16(dst, CRC(dst[from:]))
}

// cutRTU takes the answer off the front of buf. size is 0 while too little of it is there; the error is errGarbled.
func cutRTU(buf []byte) (unit byte, pdu []byte, size int, err error) {
	if len(buf) < 3 {
		return 0, nil, 0, nil
	}
	size, known := responseSize(buf)
	switch {
	case !known:
		return 0, nil, 0, fmt.Errorf("%w: function %d was not asked for", errGarbled, buf[1])
	case len(buf) < size:
		return 0, nil, 0, nil
	case CRC(buf[:size-2]) != binary.LittleEndian.Uint16(buf[size-2:]):
		return 0, nil, 0, fmt.Errorf("%w: its checksum is wrong; check the wiring, the termination and the line's settings", errGarbled)
	}
	return buf[0], buf[1 : size-2], size, nil
}

// responseSize is the length of the frame that begins with these three bytes.
func responseSize(head []byte) (size int, known bool) {
	switch function := head[1]; {
	case function >= readCoils && function <= readInputs && int(head[2]) <= maxPDU-2:
		return 3 + int(head[2]) + 2, true
	case function == writeCoil, function == writeRegister, function == diagnostics, function == 15, function == writeRegisters:
		return 8, true
	case function == maskRegister:
		return 10, true
	case function > exceptionBit && function <= exceptionBit+0x2B:
		return 5, true
	}
	return 0, false
}
