package modbus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// openPort opens a serial device for raw bytes. The file is non-blocking, so reads end by deadlines to the
// millisecond and by Close; a device that is pulled out is an error of the next read.
func openPort(path string, line Line) (*os.File, error) {
	f, err := os.OpenFile(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, explainOpen(path, err)
	}
	if err := control(f, func(fd int) error { return claim(fd, line) }); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("open %s at %s: %w", path, line, err)
	}
	return f, nil
}

func explainOpen(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no serial device %s: is the adapter plugged in? `ls /dev/serial/by-id` lists what is there", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("open %s: permission denied: add the user to the group that owns it, mostly dialout", path)
	}
	return fmt.Errorf("open the serial device: %w", err)
}

func control(f *os.File, do func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var done error
	if err := raw.Control(func(fd uintptr) { done = do(int(fd)) }); err != nil {
		return err
	}
	return done
}

// claim keeps other programs that ask for it off the line, sets it up and throws away what came before.
func claim(fd int, line Line) error {
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return errors.New("another program is using it; two masters on one bus garble each other")
	}
	if err := unix.IoctlSetTermios(fd, unix.TCSETS2, termios(line)); err != nil {
		return fmt.Errorf("set up the line: %w", err)
	}
	return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIOFLUSH)
}

// termios is raw mode at any speed (BOTHER), modem lines ignored.
func termios(line Line) *unix.Termios {
	t := &unix.Termios{
		Cflag:  unix.CREAD | unix.CLOCAL | unix.BOTHER | unix.CS8,
		Ispeed: uint32(line.Baud),
		Ospeed: uint32(line.Baud),
	}
	if line.Data == 7 {
		t.Cflag = t.Cflag&^unix.CSIZE | unix.CS7
	}
	if line.Stop == 2 {
		t.Cflag |= unix.CSTOPB
	}
	switch line.Parity {
	case 'E':
		t.Cflag |= unix.PARENB
		t.Iflag |= unix.INPCK
	case 'O':
		t.Cflag |= unix.PARENB | unix.PARODD
		t.Iflag |= unix.INPCK
	}
	t.Cc[unix.VMIN] = 1
	return t
}
