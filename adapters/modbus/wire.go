package modbus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Errors of a request. Any other is the end of the connection.
var (
	errSilent  = errors.New("no answer in time")
	errGarbled = errors.New("the answer was damaged")
	errMisfit  = fmt.Errorf("%w: it is not what was asked for", errGarbled) // and yet it is the answer
	errEnded   = errors.New("the other end closed it")
)

// stream is what frames travel on: a socket or a serial port.
type stream interface {
	io.ReadWriteCloser
	SetDeadline(time.Time) error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// wire is a stream on which every wait ends: by its deadline, by the context's end (watch), or by Close. One goroutine uses it at a
// time, save for Close.
type wire struct {
	stream
	timeout   time.Duration
	datagrams bool      // nothing read is an empty datagram, not the end
	writeBy   time.Time // the write deadline that is set

	watched context.Context // whose end ends waits; nil: none's
	unhook  func() bool
	fired   chan struct{} // closed when the end of watched has been dealt with
}

// watch has waits end when ctx does, and not when the context before does. It is called before requests are sent for a context; for one that
// serves many requests that costs nothing.
func (w *wire) watch(ctx context.Context) {
	if ctx == w.watched {
		return
	}
	if w.watched != nil && !w.unhook() {
		<-w.fired // it has touched the deadlines; what waits to read sets its own
		w.writeBy = time.Time{}
	}
	if w.watched = nil; ctx.Done() == nil {
		return
	}
	fired := make(chan struct{})
	w.watched, w.fired = ctx, fired
	w.unhook = context.AfterFunc(ctx, func() {
		defer close(fired)
		_ = w.SetDeadline(time.Unix(1, 0))
	})
}

// read waits until there is something, for errSilent at until at the latest.
func (w *wire) read(ctx context.Context, buf []byte, until time.Time) (int, error) {
	if err := w.SetReadDeadline(earlier(ctx, until)); err != nil {
		return 0, err
	}
	if ctx.Err() != nil { // it ended before the deadline was set, so watch did not end this wait
		return 0, errSilent
	}
	n, err := w.stream.Read(buf)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, errSilent
	case errors.Is(err, io.EOF):
		return n, errEnded
	}
	return n, err
}

// pending reads what is there already and does not wait; 0 when there is nothing.
func (w *wire) pending(buf []byte) (n int, err error) {
	source, ok := w.stream.(syscall.Conn)
	if !ok {
		return 0, fmt.Errorf("BUG: a %T can't be looked into", w.stream)
	}
	raw, err := source.SyscallConn()
	if err != nil {
		return 0, err
	}
	if err := w.SetReadDeadline(time.Time{}); err != nil {
		return 0, err
	}
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		n, failed = unix.Read(int(fd), buf)
		return true // never waits
	})
	switch {
	case err != nil:
		return 0, err
	case errors.Is(failed, unix.EAGAIN), errors.Is(failed, unix.EINTR):
		return 0, nil
	case failed != nil:
		return 0, failed
	case n == 0 && !w.datagrams:
		return 0, errEnded
	}
	return max(n, 0), nil
}

// write gives the request away whole, within the timeout or a little more.
func (w *wire) write(ctx context.Context, frame []byte) error {
	if by := earlier(ctx, time.Now().Add(w.timeout)); by.After(w.writeBy) || by.Before(w.writeBy.Add(-w.timeout)) {
		w.writeBy = by.Add(w.timeout / 2) // so that it need not be set for each request
		if err := w.SetWriteDeadline(w.writeBy); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return errSilent
	}
	if _, err := w.stream.Write(frame); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return errors.New("the other end takes no more bytes")
		}
		return err
	}
	return nil
}

func earlier(ctx context.Context, t time.Time) time.Time {
	if d, ok := ctx.Deadline(); ok && d.Before(t) {
		return d
	}
	return t
}
