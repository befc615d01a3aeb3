package modbussim

import (
	"io"
	"time"

	"golang.org/x/sys/unix"
)

// paced gives a line the speed of a real one: a request has arrived when its last character has and the silence that ends a frame has passed
// (Modbus over Serial Line 1.02, 2.5.1.1), and an answer comes character by character.
type paced struct {
	io.ReadWriteCloser
	character time.Duration
}

func (p paced) Read(buf []byte) (int, error) {
	n, err := p.ReadWriteCloser.Read(buf)
	sleepUntil(time.Now().Add(time.Duration(n)*p.character + p.character*7/2))
	return n, err
}

func (p paced) Write(frame []byte) (int, error) {
	at := time.Now()
	for i := range frame {
		at = at.Add(p.character)
		sleepUntil(at)
		if _, err := p.ReadWriteCloser.Write(frame[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(frame), nil
}

// sleepUntil is finer than Go's own timers, which may end a millisecond late: more than a character.
func sleepUntil(t time.Time) {
	for left := time.Until(t); left > 0; left = time.Until(t) {
		span := unix.NsecToTimespec(int64(left))
		_ = unix.Nanosleep(&span, nil)
	}
}
