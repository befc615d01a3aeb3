package cloud

import (
	"context"
	"math"
)

// Loss is a run of sequence numbers that the gateway will never send, declared by it. Of one whose reason is wire.LossDownsampled the blocks
// come, with so many samples fewer.
type Loss struct {
	Epoch   string `json:"epoch"`
	From    uint64 `json:"from"` // both included
	To      uint64 `json:"to"`
	Samples uint64 `json:"samples"`
	Reason  string `json:"reason"` // a word of the gateway's: evicted | damaged | downsampled
	Class   string `json:"class,omitempty"`
}

// GivenUp is how many samples a gateway gave up before they had a number, in one life of its buffer.
type GivenUp struct {
	Epoch   string `json:"-"`
	Samples uint64 `json:"samples"`
	Reason  string `json:"reason"` // a word of the gateway's: refused | memory
}

// Missing is the reason of a gap that nobody has declared: its blocks are on their way, or lost.
const Missing = "missing"

// GapAlarm is the name of the alarm on a gateway whose blocks have been missing for a while without its having said why.
const GapAlarm = "undeclared_gap"

// Gap is a run of sequence numbers that is not stored.
type Gap struct {
	From    uint64 `json:"from"` // both included
	To      uint64 `json:"to"`
	Samples uint64 `json:"samples"`         // as declared; 0 while nobody has declared it
	Reason  string `json:"reason"`          // evicted | damaged as declared, missing otherwise
	Class   string `json:"class,omitempty"` // alarm | keep | normal as declared; empty when not told
}

// Blocks is how many sequence numbers the gap has.
func (g Gap) Blocks() uint64 { return g.To - g.From + 1 }

// EpochLedger is what is stored and what is not of one life of a gateway's buffer.
type EpochLedger struct {
	Epoch         string    `json:"epoch"`
	StoredBlocks  uint64    `json:"stored_blocks"`
	StoredSamples uint64    `json:"stored_samples"`
	FirstSeq      uint64    `json:"first_seq"`
	LastSeq       uint64    `json:"last_seq"`
	Gaps          []Gap     `json:"gaps"`
	Thinned       []Gap     `json:"thinned"`  // blocks that were declared to have fewer samples than were taken, stored or not; by number
	GivenUp       []GivenUp `json:"given_up"` // before it had a number
	Held          uint64    `json:"held"`     // the gateway has said that it may still hold this number and those above; 0: it has not said
	Filtered      uint64    `json:"filtered"` // numbers that were never for this cloud, and are no gap
	Repeats       uint64    `json:"repeats"`  // blocks that came again and changed nothing
}

// Ledger is the account of one gateway: by epoch, oldest first.
type Ledger struct {
	Epochs []EpochLedger `json:"epochs"`
}

// Missing calls see with each run of numbers that nobody has declared, in order; held are those that wait in the gateway's buffer, by its own
// word. What is missing of a life of the buffer that is over waits nowhere.
func (l Ledger) Missing(see func(epoch string, g Gap, held bool)) {
	for i, e := range l.Epochs {
		from := e.Held
		if from == 0 || i < len(l.Epochs)-1 {
			from = math.MaxUint64
		}
		for _, g := range e.Gaps {
			if g.Reason != Missing {
				continue
			}
			if g.From < from {
				below := g
				below.To = min(g.To, from-1)
				see(e.Epoch, below, false)
			}
			if g.To >= from {
				g.From = max(g.From, from)
				see(e.Epoch, g, true)
			}
		}
	}
}

// Standing is what became of a gateway's blocks, in a few numbers.
type Standing struct {
	Blocks, Samples         uint64 // stored
	Waiting                 uint64 // blocks that are not here yet, and wait in the gateway's buffer
	Undeclared              uint64 // blocks that are not here, and nobody says why
	LostBlocks, LostSamples uint64 // declared lost
	Thinned                 uint64 // samples that were taken out of blocks
	GivenUp                 uint64 // samples that never were in a block
	Repeats                 uint64
}

// Standing sums the ledger up.
func (l Ledger) Standing() (s Standing) {
	for _, e := range l.Epochs {
		s.Blocks, s.Samples, s.Repeats = s.Blocks+e.StoredBlocks, s.Samples+e.StoredSamples, s.Repeats+e.Repeats
		for _, g := range e.Gaps {
			if g.Reason != Missing {
				s.LostBlocks, s.LostSamples = s.LostBlocks+g.Blocks(), s.LostSamples+g.Samples
			}
		}
		for _, g := range e.Thinned {
			s.Thinned += g.Samples
		}
		for _, g := range e.GivenUp {
			s.GivenUp += g.Samples
		}
	}
	l.Missing(func(_ string, g Gap, held bool) {
		if held {
			s.Waiting += g.Blocks()
		} else {
			s.Undeclared += g.Blocks()
		}
	})
	return s
}

// LedgerStore answers for what was stored.
type LedgerStore interface {
	Ledger(ctx context.Context, gateway string) (Ledger, error)
	// Incomplete names the gateways whose ledgers have gaps, whatever their reason, or thinned blocks.
	Incomplete(ctx context.Context) ([]string, error)
	// Declare records losses. Declaring one again changes nothing; of what is declared twice the later word counts.
	Declare(ctx context.Context, gateway string, losses []Loss) error
	// GiveUp records what never had a number: of each epoch and reason the largest sum.
	GiveUp(ctx context.Context, gateway string, given []GivenUp) error
}
