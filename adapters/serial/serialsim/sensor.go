package serialsim

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Sensor talks in lines: "T=21.5 RH=40" and CR LF.
type Sensor struct {
	Line  *Line
	Every time.Duration // between two lines; 0: 100 ms

	mu                    sync.Mutex
	temperature, humidity float64
}

// Set changes what it measures, in °C and percent.
func (s *Sensor) Set(temperature, humidity float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.temperature, s.humidity = temperature, humidity
}

// Frame is what the sensor says now.
func (s *Sensor) Frame() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Appendf(nil, "T=%.1f RH=%.0f\r\n", s.temperature, s.humidity)
}

// Run talks until ctx ends.
func (s *Sensor) Run(ctx context.Context) error { return talk(ctx, s.Line, s.Every, s.Frame) }
