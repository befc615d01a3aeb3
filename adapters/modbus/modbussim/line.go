package modbussim

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Line is a serial line: a pty whose other end, Path, is opened as a serial port is.
type Line struct {
	Path         string
	Character    time.Duration // how long one character takes; 0: bytes cross the line at once. It is set before the line is served
	master, held *os.File      // held keeps the line up while nobody else has Path open
}

// OpenLine makes a line without speed: bytes cross it at once.
func OpenLine() (*Line, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("make a serial line: %w", err)
	}
	l := &Line{Path: slave.Name(), master: master, held: slave}
	if l.master, err = wakeable(master); err != nil {
		_ = slave.Close()
		return nil, fmt.Errorf("make the serial line end with Close: %w", err)
	}
	if _, err := term.MakeRaw(int(slave.Fd())); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("make the serial line raw: %w", err)
	}
	return l, nil
}

// wakeable gives f again, such that Close ends a Read that waits.
func wakeable(f *os.File) (*os.File, error) {
	defer f.Close()
	fd, err := unix.Dup(int(f.Fd()))
	if err != nil {
		return nil, err
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// Close is the plug being pulled out.
func (l *Line) Close() error {
	err := l.master.Close()
	if herr := l.held.Close(); err == nil {
		err = herr
	}
	return err
}

// ServeLine serves RTU frames on a line until ctx ends or the line is closed, and closes it.
func (s *Server) ServeLine(ctx context.Context, l *Line) error {
	defer l.Close()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	var line io.ReadWriteCloser = l.master
	if l.Character > 0 {
		line = paced{line, l.Character}
	}
	err := s.talkRTU(ctx, line) // talks until it can't
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("serve %s: %w", l.Path, err)
}
