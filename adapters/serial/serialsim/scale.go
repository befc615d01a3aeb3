package serialsim

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"
)

// Scale is a weighing terminal with Mettler-Toledo's continuous output: a frame of 18 bytes again and again.
//
//	STX  SWA  SWB  SWC  gross (6)  tare (6)  CR  checksum
//
// Weights are whole numbers of the increment, without sign and point. SWA bits 0-2 say where the point is; SWB bit 1 is
// the sign of gross, bit 2 says out of range, bit 3 in motion.
type Scale struct {
	Line  *Line
	Every time.Duration // between two frames; 0: 100 ms

	mu  sync.Mutex
	now Weight
}

// Weight is what a scale shows.
type Weight struct {
	Gross, Tare int // in increments, as the six digits say
	Decimals    int // places after the point, 0 to 5; the digits do not change
	Motion      bool
	OutOfRange  bool
}

// Set changes what the scale shows.
func (s *Scale) Set(w Weight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = w
}

// Frame is what the scale says now.
func (s *Scale) Frame() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now.frame()
}

func (w Weight) frame() []byte {
	const always = 0x20 // bit 5 is set in all three status words, so that they are printable
	swb := byte(always)
	for bit, set := range map[int]bool{1: w.Gross < 0, 2: w.OutOfRange, 3: w.Motion} {
		if set {
			swb |= 1 << bit
		}
	}
	digits := func(n int) int { return int(math.Abs(float64(n))) % 1000000 }
	const increment1 = 1 << 3 // SWA bits 3-4: the last digit counts in ones
	frame := []byte{0x02, always | increment1 | byte(w.Decimals+2)&7, swb, always}
	frame = fmt.Appendf(frame, "%6d%6d\r", digits(w.Gross), digits(w.Tare))
	var sum byte
	for _, b := range frame {
		sum += b & 0x7f
	}
	return append(frame, -sum&0x7f)
}

// Run talks until ctx ends.
func (s *Scale) Run(ctx context.Context) error { return talk(ctx, s.Line, s.Every, s.Frame) }

// talk says what frame gives, again and again.
func talk(ctx context.Context, line *Line, every time.Duration, frame func() []byte) error {
	if every == 0 {
		every = 100 * time.Millisecond
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := line.Say(frame()); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
