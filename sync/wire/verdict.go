package wire

import (
	"encoding/json"
	"fmt"
)

// Bounds of one message of verdicts. Who has more sends several.
const (
	MaxVerdicts     = 100
	maxVerdictBytes = 64 << 10
)

// Verdict ends a doubt: either the right offset is known, and every time taken in that doubt with it, or it never will be.
// However often it comes it says the same.
type Verdict struct {
	Boot   Boot   `json:"boot"`
	Doubt  uint32 `json:"doubt"`
	Offset int64  `json:"offset,omitempty"` // nanoseconds, see Stamp
	Lost   bool   `json:"lost,omitempty"`   // the machine was booted again before anybody knew: the times stay as they are, and uncertain
}

type verdicts struct {
	Verdicts []Verdict `json:"verdicts"`
}

// EncodeVerdicts writes a message of 1 to MaxVerdicts verdicts.
func EncodeVerdicts(list []Verdict) ([]byte, error) {
	if err := checkVerdicts(list); err != nil {
		return nil, fmt.Errorf("encode verdicts: %w", err)
	}
	return json.Marshal(verdicts{list})
}

// DecodeVerdicts reads what EncodeVerdicts wrote.
func DecodeVerdicts(data []byte) ([]Verdict, error) {
	if len(data) > maxVerdictBytes {
		return nil, fmt.Errorf("decode verdicts: %d bytes; %d are the most", len(data), maxVerdictBytes)
	}
	var v verdicts
	err := json.Unmarshal(data, &v)
	if err == nil {
		err = checkVerdicts(v.Verdicts)
	}
	if err != nil {
		return nil, fmt.Errorf("decode verdicts: %w", err)
	}
	return v.Verdicts, nil
}

func checkVerdicts(list []Verdict) error {
	if len(list) == 0 || len(list) > MaxVerdicts {
		return fmt.Errorf("%d verdicts in one message; 1 to %d are allowed", len(list), MaxVerdicts)
	}
	for i, v := range list {
		switch {
		case v.Doubt == 0:
			return fmt.Errorf("verdict %d is on doubt 0; they count from 1", i)
		case v.Lost && v.Offset != 0:
			return fmt.Errorf("verdict %d says that the time is lost, and what it is", i)
		}
	}
	return nil
}
