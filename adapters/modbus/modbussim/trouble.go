package modbussim

import (
	"context"
	"io"
	"time"
)

// Piece is some bytes that reach the line, and how long they are in coming.
type Piece struct {
	After time.Duration // the piece before, or the answer's own moment
	Bytes []byte
}

// Trouble has a function decide what becomes of each RTU answer on its way: late, twice, in part, with noise. nil ends it. Like a
// device, the server hears nothing else until the last piece is sent. The function is called from the serving goroutine.
func (s *Server) Trouble(by func(frame []byte) []Piece) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = by
}

// send puts an answer on the line, with what befalls it.
func (s *Server) send(ctx context.Context, line io.Writer, frame []byte) error {
	s.mu.Lock()
	trouble := s.trouble
	s.mu.Unlock()
	if trouble == nil {
		_, err := line.Write(frame)
		return err
	}
	for _, p := range trouble(frame) {
		if !wait(ctx, p.After) {
			return ctx.Err()
		}
		if _, err := line.Write(p.Bytes); err != nil {
			return err
		}
	}
	return nil
}

// wait reports whether the time has passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
