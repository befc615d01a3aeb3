package wire

import (
	"encoding/json"
	"fmt"
	"time"
)

// Bounds of a Watch. Who watches more points asks for all of them.
const (
	MaxWatched  = 1000
	MaxLease    = 5 * time.Minute
	maxWatchMsg = MaxWatched*(6*MaxName+4) + 1<<10
)

// EveryPoint in Watch.Points means each point of the gateway.
const EveryPoint = "*"

// Watch is what a cloud asks of a gateway: the changes of some points at once, on LiveTopic, for as long as the lease runs. It takes the place of the
// one before it. No points: nobody looks any more.
type Watch struct {
	Points []string      // names, or EveryPoint
	Lease  time.Duration // from its arrival on, up to MaxLease; the cloud asks again before it has run out
}

type watchMessage struct {
	Points  []string `json:"points"`
	LeaseMS int64    `json:"lease_ms"`
}

// EncodeWatch writes a Watch.
func EncodeWatch(w Watch) ([]byte, error) {
	if err := w.check(); err != nil {
		return nil, fmt.Errorf("encode a watch: %w", err)
	}
	return json.Marshal(watchMessage{w.Points, w.Lease.Milliseconds()})
}

// DecodeWatch reads what EncodeWatch wrote.
func DecodeWatch(data []byte) (Watch, error) {
	if len(data) > maxWatchMsg {
		return Watch{}, fmt.Errorf("decode a watch: %d bytes; %d are the most", len(data), maxWatchMsg)
	}
	var m watchMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return Watch{}, fmt.Errorf("decode a watch: %w", err)
	}
	if m.LeaseMS < 0 || m.LeaseMS > MaxLease.Milliseconds() {
		return Watch{}, fmt.Errorf("decode a watch: a lease of %d ms; up to %d are given", m.LeaseMS, MaxLease.Milliseconds())
	}
	w := Watch{m.Points, time.Duration(m.LeaseMS) * time.Millisecond}
	if err := w.check(); err != nil {
		return Watch{}, fmt.Errorf("decode a watch: %w", err)
	}
	return w, nil
}

func (w Watch) check() error {
	if len(w.Points) > MaxWatched {
		return fmt.Errorf("%d points; %d are the most, or %q for all", len(w.Points), MaxWatched, EveryPoint)
	}
	for _, p := range w.Points {
		if len(p) == 0 || len(p) > MaxName {
			return fmt.Errorf("the point %.80q has a name of %d bytes; 1 to %d are allowed", p, len(p), MaxName)
		}
	}
	if w.Lease < 0 || w.Lease > MaxLease {
		return fmt.Errorf("a lease of %v; up to %v are given", w.Lease, MaxLease)
	}
	return nil
}
