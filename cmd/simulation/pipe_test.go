package simulation

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// pipe is one direction of a connection: bytes that arrive when their time has come, in order. A write never waits: TLS holds a mutex while it
// writes, and in a bubble time stands still for who waits for a mutex.
type pipe struct {
	mu       sync.Mutex
	changed  chan struct{} // closed, and replaced, when a reader has to look again
	flight   []segment     // what is under way or has arrived, in order
	last     time.Time     // when the newest of it arrives
	held     bool          // nothing moves: what is written waits
	waiting  []byte        // what was written meanwhile
	farewell bool          // and then the end
	end      error         // what the reader finds behind the bytes; nil: more may come
	endAt    time.Time
	reset    error // at once, before any bytes that are still there
}

type segment struct {
	at   time.Time
	data []byte
}

func newPipe() *pipe { return &pipe{changed: make(chan struct{})} }

// look wakes the reader. It holds p.mu.
func (p *pipe) look() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *pipe) send(data []byte, latency time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held {
		p.waiting = append(p.waiting, data...)
		return
	}
	p.arrive(data, latency)
}

// arrive holds p.mu.
func (p *pipe) arrive(data []byte, latency time.Duration) {
	at := time.Now().Add(latency)
	if at.Before(p.last) {
		at = p.last
	}
	p.last = at
	p.flight = append(p.flight, segment{at, append([]byte(nil), data...)})
	p.look()
}

// hold stops the direction, or lets it go on with what waited.
func (p *pipe) hold(held bool, latency time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held = held; !held && len(p.waiting) > 0 {
		p.arrive(p.waiting, latency)
		p.waiting = nil
	}
	if !held && p.farewell {
		p.finishAt(latency)
	}
}

func (p *pipe) isHeld() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}

// finish ends the direction behind the bytes that are under way.
func (p *pipe) finish(latency time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held {
		p.farewell = true
		return
	}
	p.finishAt(latency)
}

// finishAt holds p.mu.
func (p *pipe) finishAt(latency time.Duration) {
	if p.end != nil {
		return
	}
	p.end, p.endAt = io.EOF, time.Now().Add(latency)
	if p.endAt.Before(p.last) {
		p.endAt = p.last
	}
	p.look()
}

func (p *pipe) abort(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reset == nil {
		p.reset = err
		p.look()
	}
}

// read waits for bytes, the end, or the deadline.
func (p *pipe) read(b []byte, deadline func() time.Time) (int, error) {
	for {
		p.mu.Lock()
		n, next, err := p.take(b)
		changed := p.changed
		p.mu.Unlock()
		if n > 0 || err != nil {
			return n, err
		}
		if end := deadline(); !end.IsZero() {
			if !time.Now().Before(end) {
				return 0, os.ErrDeadlineExceeded
			}
			if next.IsZero() || end.Before(next) {
				next = end
			}
		}
		if next.IsZero() {
			<-changed
			continue
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// take gives what has arrived, or when there may be more. It holds p.mu.
func (p *pipe) take(b []byte) (n int, next time.Time, err error) {
	now := time.Now()
	if p.reset != nil {
		return 0, next, p.reset
	}
	for n < len(b) && len(p.flight) > 0 && !p.flight[0].at.After(now) {
		k := copy(b[n:], p.flight[0].data)
		n += k
		if p.flight[0].data = p.flight[0].data[k:]; len(p.flight[0].data) == 0 {
			p.flight = p.flight[1:]
		}
	}
	switch {
	case n > 0:
	case len(p.flight) > 0:
		next = p.flight[0].at
	case p.end != nil && !p.endAt.After(now):
		err = p.end
	case p.end != nil:
		next = p.endAt
	}
	return n, next, err
}

// socket is one end of a connection.
type socket struct {
	link     *link
	in, out  *pipe
	from, to address

	mu       sync.Mutex
	closed   bool
	readEnd  time.Time
	writeEnd time.Time
}

type address string

func (a address) Network() string { return "tcp" }
func (a address) String() string  { return string(a) }

var errReset = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

func (s *socket) Read(b []byte) (int, error) {
	n, err := s.in.read(b, func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.readEnd
	})
	if s.isClosed() && err != nil {
		err = net.ErrClosed
	}
	return n, err
}

func (s *socket) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *socket) Write(b []byte) (int, error) {
	s.mu.Lock()
	closed, end := s.closed, s.writeEnd
	s.mu.Unlock()
	switch {
	case closed:
		return 0, net.ErrClosed
	case !end.IsZero() && !time.Now().Before(end):
		return 0, os.ErrDeadlineExceeded
	}
	if err := s.link.carry(s, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (s *socket) Close() error {
	s.mu.Lock()
	was := s.closed
	s.closed = true
	s.mu.Unlock()
	if was {
		return net.ErrClosed
	}
	s.link.closed(s)
	return nil
}

func (s *socket) LocalAddr() net.Addr  { return s.from }
func (s *socket) RemoteAddr() net.Addr { return s.to }
func (s *socket) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

func (s *socket) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	s.readEnd = t
	s.mu.Unlock()
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.in.look()
	return nil
}

func (s *socket) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writeEnd = t
	return nil
}
