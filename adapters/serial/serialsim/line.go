// Package serialsim is equipment on a serial line that is not there: a pseudo terminal with somebody at its other end.
//
// It knows a scale that talks in Mettler-Toledo's continuous frames, a sensor that sends lines and a device
// that answers when it is asked. It imports nothing of ours; tests, the demo and `penstock simulate` use it.
package serialsim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Line is a pseudo terminal: the gateway opens Path as its serial port, the device is at the other end.
//
// A Line holds the slave side open itself: a gateway that closes it and comes back finds it as it was.
type Line struct {
	mu       sync.Mutex
	master   *os.File // nil while unplugged
	slave    *os.File
	path     string // of the pseudo terminal; another one after Replug
	changed  chan struct{}
	link     string // a name that stays; empty when none was wanted
	silent   atomic.Bool
	garbled  atomic.Bool
	received atomic.Int64
}

// Open makes a line. When link is not empty it is a symbolic link to the pseudo terminal, which stays the same over Unplug and Replug
// as /dev/serial/by-id does.
func Open(link string) (*Line, error) {
	l := &Line{link: link, changed: make(chan struct{})}
	if err := l.Replug(); err != nil {
		return nil, err
	}
	return l, nil
}

// Path is what to open: the link, or the pseudo terminal where there is none.
func (l *Line) Path() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.link != "" {
		return l.link
	}
	return l.path
}

// Replug makes a new pseudo terminal, as plugging an adapter in makes a new node. It does nothing while one is there.
func (l *Line) Replug() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.master != nil {
		return nil
	}
	master, slave, err := openPair()
	if err != nil {
		return fmt.Errorf("make a pseudo terminal: %w", err)
	}
	if _, err := term.MakeRaw(int(slave.Fd())); err != nil { // no echo, no translation: bytes as they are
		_, _ = master.Close(), slave.Close()
		return fmt.Errorf("make %s raw: %w", slave.Name(), err)
	}
	if l.link != "" {
		if err := os.Symlink(slave.Name(), l.link); err != nil {
			_, _ = master.Close(), slave.Close()
			return fmt.Errorf("name the line: %w", err)
		}
	}
	l.master, l.slave, l.path = master, slave, slave.Name()
	l.tell()
	return nil
}

// openPair opens a pseudo terminal whose master has deadlines and whose Close ends a Read. The library leaves it
// in blocking mode, in which a file has neither.
func openPair() (master, slave *os.File, err error) {
	blocking, slave, err := pty.Open()
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = blocking.Close() }()
	fd, err := unix.FcntlInt(blocking.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		_ = slave.Close()
		return nil, nil, err
	}
	return os.NewFile(uintptr(fd), blocking.Name()), slave, nil
}

// Unplug takes the line away: its name is gone, and who has it open is hung up.
func (l *Line) Unplug() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.master == nil {
		return nil
	}
	if l.link != "" {
		if err := os.Remove(l.link); err != nil {
			return fmt.Errorf("take the line's name away: %w", err)
		}
	}
	err := l.master.Close()
	_ = l.slave.Close()
	l.master, l.slave = nil, nil
	l.tell()
	return err
}

// tell wakes who waits for the line to be plugged in. The caller holds mu.
func (l *Line) tell() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// Close is Unplug, for good.
func (l *Line) Close() error { return l.Unplug() }

// Silence makes the device say nothing, or talk again. The line stays sound.
func (l *Line) Silence(on bool) { l.silent.Store(on) }

// Garble makes every frame arrive with a byte in its middle changed.
func (l *Line) Garble(on bool) { l.garbled.Store(on) }

// Received is how many bytes the gateway has sent to the device.
func (l *Line) Received() int64 { return l.received.Load() }

// Say sends a frame to the gateway. While the line is unplugged or silenced, nobody hears it and that is no error.
func (l *Line) Say(frame []byte) error {
	if l.silent.Load() || len(frame) == 0 {
		return nil
	}
	said := append([]byte(nil), frame...)
	if l.garbled.Load() {
		said[len(said)/2] ^= 0x15
	}
	return l.Noise(said)
}

// Noise sends bytes as they are, silenced or not.
func (l *Line) Noise(raw []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.master == nil {
		return nil
	}
	err := l.master.SetWriteDeadline(time.Now().Add(fullFor))
	if err == nil {
		_, err = l.master.Write(raw)
	}
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return fmt.Errorf("say something on %s: %w", l.path, err)
}

// fullFor is how long a line that nobody reads may hold up who talks on it. Then bytes are lost, as on a wire.
const fullFor = 20 * time.Millisecond

// hear waits for bytes from the gateway, over unplugging and replugging. It gives ctx's error when that ends.
func (l *Line) hear(ctx context.Context, buf []byte) (int, error) {
	for ctx.Err() == nil {
		l.mu.Lock()
		master, changed := l.master, l.changed
		l.mu.Unlock()
		if master == nil {
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		stop := context.AfterFunc(ctx, func() { _ = master.SetReadDeadline(time.Unix(1, 0)) })
		n, err := master.Read(buf)
		stop()
		if n > 0 {
			l.received.Add(int64(n))
			return n, nil
		}
		if err != nil && !errors.Is(err, os.ErrClosed) && !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, fmt.Errorf("hear something on %s: %w", master.Name(), err)
		}
	}
	return 0, ctx.Err()
}
