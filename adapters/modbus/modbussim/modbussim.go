// Package modbussim is a plant of Modbus devices without the plant: units with tables behind TCP, RTU over TCP, or a
// serial line (a pty), that can be told to keep silent, to be slow and to refuse.
//
// It knows the wire from the device's side and takes addresses, types and orders from package modbus. Tests, the demo
// and `penstock simulate` may import it.
package modbussim

import (
	"log/slog"
	"sync"
)

// Server serves units. All its methods may be called at any time, also while it serves.
type Server struct {
	log *slog.Logger

	mu      sync.Mutex
	units   map[byte]*Unit
	trouble func(frame []byte) []Piece
}

// New makes a server without units.
func New(log *slog.Logger) *Server {
	return &Server{log: log, units: map[byte]*Unit{}}
}

// Add puts a unit on the wire whose four tables have size places each. A unit of that id that was there is replaced.
func (s *Server) Add(id byte, size int) *Unit {
	u := &Unit{Bank: NewBank(size)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.units[id] = u
	return u
}

// Unit is the unit of that id, nil when there is none.
func (s *Server) Unit(id byte) *Unit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.units[id]
}
