package wire

import (
	"encoding/json"
	"fmt"
)

// Bounds of one message of losses. Who has more to declare sends several.
const (
	MaxLosses     = 1000
	maxLossBytes  = 512 << 10
	maxLossString = 64 // bytes of an epoch, a reason and a class
)

// Why something was lost. Other words may come.
const (
	LossEvicted     = "evicted"     // it gave way because the buffer was full, or it was too old
	LossDamaged     = "damaged"     // the disk gave back other bytes than it took, or the cloud will never understand it
	LossDownsampled = "downsampled" // the blocks come, with fewer samples: no number is missing for it
)

// Loss is a run of sequence numbers that a gateway will never send, and how many samples were in it. Of LossDownsampled the numbers come, and
// Samples is how many were taken out. A gateway that declares a run again, wider or with more samples, means all of it.
type Loss struct {
	Epoch   string `json:"epoch"`
	From    uint64 `json:"from"` // both included, from 1
	To      uint64 `json:"to"`
	Samples uint64 `json:"samples"`
	Reason  string `json:"reason"`
	Class   string `json:"class,omitempty"` // of the buffer: alarm, keep, normal; empty from gateways that do not say
}

// GivenUp is how many samples were given up before they had a sequence number, since the life of the buffer began: no run can tell of them. A
// larger number replaces the one before.
type GivenUp struct {
	Epoch   string `json:"epoch"`
	Samples uint64 `json:"samples"`
	Reason  string `json:"reason"` // refused: the buffer was full and drops the newest; memory: the disk took nothing for too long
}

// Declaration is what a gateway says it could not keep: 1 to MaxLosses of both kinds together.
type Declaration struct {
	Losses  []Loss    `json:"losses,omitempty"`
	GivenUp []GivenUp `json:"given_up,omitempty"`
}

// EncodeDeclaration writes a message.
func EncodeDeclaration(d Declaration) ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("encode losses: %w", err)
	}
	return json.Marshal(d)
}

// DecodeDeclaration reads what EncodeDeclaration wrote.
func DecodeDeclaration(data []byte) (d Declaration, err error) {
	if len(data) > maxLossBytes {
		return d, fmt.Errorf("decode losses: %d bytes; %d are the most", len(data), maxLossBytes)
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return Declaration{}, fmt.Errorf("decode losses: %w", err)
	}
	if err := d.check(); err != nil {
		return Declaration{}, fmt.Errorf("decode losses: %w", err)
	}
	return d, nil
}

func (d Declaration) check() error {
	if n := len(d.Losses) + len(d.GivenUp); n == 0 || n > MaxLosses {
		return fmt.Errorf("%d losses in one message; 1 to %d are allowed", n, MaxLosses)
	}
	for i, g := range d.GivenUp {
		if !lossWord(g.Epoch) || !lossWord(g.Reason) {
			return fmt.Errorf("what was given up, %d, has the epoch %.80q and the reason %.80q; words of 1 to %d of a-z A-Z 0-9 : _ - are needed", i, g.Epoch, g.Reason, maxLossString)
		}
	}
	return checkLosses(d.Losses)
}

func checkLosses(list []Loss) error {
	for i, l := range list {
		switch {
		case !lossWord(l.Epoch):
			return fmt.Errorf("loss %d has the epoch %.80q; 1 to %d of a-z A-Z 0-9 : _ - are allowed", i, l.Epoch, maxLossString)
		case !lossWord(l.Reason):
			return fmt.Errorf("loss %d has the reason %.80q; a word such as evicted or damaged is needed", i, l.Reason)
		case l.Class != "" && !lossWord(l.Class):
			return fmt.Errorf("loss %d is of the class %.80q; a word such as normal or alarm is needed, or none", i, l.Class)
		case l.From == 0 || l.To < l.From:
			return fmt.Errorf("loss %d runs from %d to %d; sequence numbers start at 1 and go up", i, l.From, l.To)
		}
	}
	return nil
}

func lossWord(s string) bool { return len(s) <= maxLossString && ValidName(s) }
