package poll

import (
	"math/rand/v2"
	"time"
)

// backoff spaces attempts: doubling from first to most, with a fifth of jitter so that many gateways (or many
// devices) that lost the same thing do not come back at the same moment.
type backoff struct {
	first, most time.Duration
	tries       int
}

func (b *backoff) next() time.Duration {
	d := b.most
	if b.tries < 20 && b.first<<b.tries < b.most {
		d = b.first << b.tries
	}
	b.tries++
	return d - d/10 + rand.N(d/5+1)
}

func (b *backoff) reset() { b.tries = 0 }
