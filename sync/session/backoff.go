package session

import (
	"math/rand/v2"
	"time"
)

// Between attempts: from half a second to half a minute, doubling, each drawn at random between half and the whole of it, so that a cloud
// that comes back is not met by every gateway in the same second.
const (
	firstWait = 500 * time.Millisecond
	mostWait  = 30 * time.Second
	held      = 5 * time.Second // a connection that lasted so long was a good one: the next outage begins with the first wait
)

func wait(tries int) time.Duration {
	d := mostWait
	if tries < 7 {
		d = min(firstWait<<tries, mostWait)
	}
	return d/2 + rand.N(d/2)
}
