package cloud

import "context"

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

// Missing is the reason of a gap that nobody has declared: its blocks are on their way, or lost.
const Missing = "missing"

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
	Epoch         string `json:"epoch"`
	StoredBlocks  uint64 `json:"stored_blocks"`
	StoredSamples uint64 `json:"stored_samples"`
	FirstSeq      uint64 `json:"first_seq"`
	LastSeq       uint64 `json:"last_seq"`
	Gaps          []Gap  `json:"gaps"`
	Thinned       []Gap  `json:"thinned"`  // blocks that were declared to have fewer samples than were taken, stored or not; by number
	Filtered      uint64 `json:"filtered"` // numbers that were never for this cloud, and are no gap
	Repeats       uint64 `json:"repeats"`  // blocks that came again and changed nothing
}

// Ledger is the account of one gateway: by epoch, oldest first.
type Ledger struct {
	Epochs []EpochLedger `json:"epochs"`
}

// LedgerStore answers for what was stored.
type LedgerStore interface {
	Ledger(ctx context.Context, gateway string) (Ledger, error)
	// Declare records losses. Declaring one again changes nothing; of what is declared twice the later word counts.
	Declare(ctx context.Context, gateway string, losses []Loss) error
}
