package serial

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"sync"
	"syscall"
	"time"

	tarm "github.com/tarm/serial"
)

// port is an open serial port with one goroutine that reads it.
//
// The library can't wake a Read and tells neither idle nor unplugged: both are (0, EOF). So it is opened with
// its shortest timeout, 100 ms; its Reads stay in the goroutine, and everybody else waits on channels. An empty Read is
// unplugged when the node is another one by now, or when it came back sooner than the timeout: an idle line can't do that.
type port struct {
	path   string
	node   os.FileInfo
	tty    *tarm.Port
	chunks chan chunk    // bounds what is held when nobody listens; the rest stays in the kernel
	closed chan struct{} // Close was called
	ended  chan struct{} // the goroutine has ended; why is in err
	err    error         // set before ended is closed
	once   sync.Once
}

// chunk is what one Read gave, and when.
type chunk struct {
	at   time.Time
	data []byte
}

const (
	readTimeout = 100 * time.Millisecond // the library's shortest
	tooSoon     = readTimeout / 2        // an empty Read that is back by then was not idle
	readSize    = 4096
	chunksHeld  = 16
)

var errClosed = errors.New("the port is closed")

func openPort(path string, line Line) (*port, error) {
	node, err := os.Stat(path)
	if err != nil {
		return nil, openError(path, err)
	}
	if node.Mode()&fs.ModeCharDevice == 0 {
		return nil, fmt.Errorf("open %s: this is a %s and no serial port", path, node.Mode().Type())
	}
	tty, err := tarm.OpenPort(&tarm.Config{
		Name: path, Baud: line.Baud, Size: line.Bits, Parity: tarm.Parity(line.Parity), StopBits: tarm.StopBits(line.Stop), ReadTimeout: readTimeout,
	})
	if err != nil {
		return nil, openError(path, err)
	}
	if err := tty.Flush(); err != nil { // what was said before anybody listened has no time
		_ = tty.Close()
		return nil, openError(path, err)
	}
	p := &port{path: path, node: node, tty: tty, chunks: make(chan chunk, chunksHeld), closed: make(chan struct{}), ended: make(chan struct{})}
	go p.pump()
	return p, nil
}

// openError says what a person can do about it.
func openError(path string, err error) error {
	hint := ""
	switch {
	case errors.Is(err, fs.ErrNotExist):
		hint = "is it plugged in? `dmesg | tail` tells the name it was given; the names in /dev/serial/by-id stay the same"
	case errors.Is(err, fs.ErrPermission):
		hint = "add the user to group " + groupOf(path) + " and start again"
	case errors.Is(err, syscall.EBUSY):
		hint = "another program has it: `fuser " + path + "` tells which"
	case errors.Is(err, syscall.EIO):
		hint = "there is no hardware behind this name; `dmesg | grep tty` lists what there is"
	case errors.Is(err, syscall.ENOTTY):
		hint = "this is no serial port"
	}
	if inPath, ok := errors.AsType[*fs.PathError](err); ok {
		err = inPath.Err
	}
	if hint == "" {
		return fmt.Errorf("open %s: %w", path, err)
	}
	return fmt.Errorf("open %s: %w (%s)", path, err, hint)
}

// groupOf is the group that may open a port: dialout on Debian, uucp elsewhere.
func groupOf(path string) string {
	const usual = "dialout"
	info, err := os.Stat(path)
	if err != nil {
		return usual
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Gid == 0 {
		return usual
	}
	group, err := user.LookupGroupId(strconv.Itoa(int(stat.Gid)))
	if err != nil {
		return usual
	}
	return group.Name
}

// pump reads until the port is closed or lost.
func (p *port) pump() {
	defer close(p.ended)
	buf := make([]byte, readSize)
	for {
		start := time.Now()
		n, err := p.tty.Read(buf)
		at := time.Now()
		if n > 0 {
			c := chunk{at, append([]byte(nil), buf[:n]...)}
			select {
			case p.chunks <- c:
				continue
			case <-p.closed:
			}
		}
		if p.err = p.lost(err, at.Sub(start)); p.err != nil {
			return
		}
	}
}

// lost says why a Read without bytes means the end, or nil when the line was idle.
func (p *port) lost(err error, took time.Duration) error {
	select {
	case <-p.closed:
		return errClosed
	default:
	}
	now, statErr := os.Stat(p.path)
	switch {
	case errors.Is(statErr, fs.ErrNotExist):
		return fmt.Errorf("unplugged: %s is gone", p.path)
	case statErr == nil && !os.SameFile(now, p.node):
		return fmt.Errorf("unplugged: %s is another device now", p.path)
	case err != nil && !errors.Is(err, io.EOF):
		return fmt.Errorf("read %s: %w", p.path, err)
	case took < tooSoon:
		return fmt.Errorf("unplugged: %s was hung up", p.path)
	}
	return nil
}

// send drops what came before, and writes. A port that can't be written to is lost, whatever the reason.
func (p *port) send(question []byte) error {
	err := p.tty.Flush()
	for drained := false; !drained; {
		select {
		case <-p.chunks:
		default:
			drained = true
		}
	}
	if err == nil {
		_, err = p.tty.Write(question)
	}
	if err == nil {
		return nil
	}
	if why := p.lost(err, readTimeout); why != nil {
		return why
	}
	return fmt.Errorf("write to %s: %w", p.path, err)
}

// Close ends everything that waits for the port. It waits for the reading goroutine: 100 ms at most.
func (p *port) Close() (err error) {
	p.once.Do(func() {
		close(p.closed)
		<-p.ended
		err = p.tty.Close()
	})
	return err
}
