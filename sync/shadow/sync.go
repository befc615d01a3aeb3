package shadow

import (
	"errors"
	"fmt"
	"time"
)

// Sync says how an edge keeps its shadows in step with the cloud's. The zero value of a field stands for its default.
type Sync struct {
	Direction Direction     // default BothWays
	Every     time.Duration // 0: in real time; else once in this long
	Outbound  float64       // most requests a second to the cloud; default 100
	Thing     float64       // most local requests a second for one thing; default 20
	Local     float64       // most local requests a second; default 200
	Limits    Limits
}

// Full fills in the defaults.
func (s Sync) Full() Sync {
	if s.Direction == "" {
		s.Direction = BothWays
	}
	for rate, standard := range map[*float64]float64{&s.Outbound: 100, &s.Thing: 20, &s.Local: 200} {
		if *rate == 0 {
			*rate = standard
		}
	}
	s.Limits = s.Limits.full()
	return s
}

// Validate joins all that is wrong.
func (s Sync) Validate() error {
	_, err := ParseDirection(string(s.Direction))
	if s.Every < 0 {
		err = errors.Join(err, fmt.Errorf("shadow sync every %v: use 0 for real time, or a time", s.Every))
	}
	if s.Outbound < 0 || s.Thing < 0 || s.Local < 0 {
		err = errors.Join(err, errors.New("shadow rates must be above 0 requests a second"))
	}
	return errors.Join(err, s.Limits.Validate())
}

// Step is what a sync does about a refusal.
type Step int

// The steps.
const (
	GiveUp Step = iota // the change can't be made: say so; the next edit tries again
	Reread             // someone was quicker: read both sides and merge again, at once
	Retry              // not now: wait Backoff and send again
)

// Step says how a sync goes on after this refusal.
func (e *Error) Step() Step {
	switch {
	case e.Code == 409:
		return Reread
	case e.Code == 429 || e.Code >= 500:
		return Retry
	}
	return GiveUp
}

// The bounds of Backoff.
const (
	firstBackoff = time.Second
	lastBackoff  = 5 * time.Minute
)

// Backoff is how long to wait before try n (0 is the first retry), with chance, from 0 to 1, as jitter: a plant's gateways that
// lost the cloud at one moment come back spread out.
func Backoff(n int, chance float64) time.Duration {
	d := lastBackoff
	if n < 9 {
		d = min(firstBackoff<<max(n, 0), lastBackoff)
	}
	return d/2 + time.Duration(min(max(chance, 0), 1)*float64(d/2))
}
