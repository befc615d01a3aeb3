package shadow

import (
	"fmt"
	"time"
)

// Limits bound what a client may store. The zero value of a field stands for its default.
type Limits struct {
	State    int           // bytes of desired and reported together, as compact JSON; default 8 KiB (AWS's), at most 1 MiB
	Depth    int           // levels of objects and arrays in a section, the section itself counted; default 6 (AWS's), at most 32
	Payload  int           // bytes of a request as it arrives; default 128 KiB or four times State, whichever is more
	Remember time.Duration // how long a deleted shadow's version goes on counting; default 48 h (AWS's), negative: not at all
}

// The bounds of Limits themselves.
const (
	DefaultState = 8 << 10
	MaxState     = 1 << 20
	DefaultDepth = 6
	MaxDepth     = 32
	MaxToken     = 64 // bytes of a client token
)

// Validate refuses limits that memory could not be trusted with.
func (l Limits) Validate() error {
	if l.State < 0 || l.State > MaxState {
		return fmt.Errorf("shadow size of %d bytes: must be 1 to %d", l.State, MaxState)
	}
	if l.Depth < 0 || l.Depth > MaxDepth {
		return fmt.Errorf("shadow depth of %d: must be 1 to %d", l.Depth, MaxDepth)
	}
	if l.Payload < 0 || l.Payload > 16*MaxState {
		return fmt.Errorf("shadow request of %d bytes: must be 1 to %d", l.Payload, 16*MaxState)
	}
	return nil
}

// full fills in the defaults.
func (l Limits) full() Limits {
	if l.State == 0 {
		l.State = DefaultState
	}
	if l.Depth == 0 {
		l.Depth = DefaultDepth
	}
	if l.Payload == 0 {
		l.Payload = max(128<<10, 4*l.State)
	}
	if l.Remember == 0 {
		l.Remember = 48 * time.Hour
	}
	return l
}
