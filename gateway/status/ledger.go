package status

import (
	"net/http"
	"strings"
)

// Ledger is what one target will never get: what `penstock ledger -o json` prints for each.
type Ledger struct {
	Target     string        `json:"target"`
	Epochs     []LedgerEpoch `json:"epochs"`            // oldest first
	Older      []LedgerCount `json:"older"`             // what is only counted any more
	Undeclared uint64        `json:"undeclared_blocks"` // of which the target has not been told

	UndeclaredSamples uint64 `json:"undeclared_samples"` // in these, and of what never was in a block
}

// LedgerEpoch is one life of the buffer. Its gaps are those of the cloud's ledger, by number.
type LedgerEpoch struct {
	Epoch   string        `json:"epoch"`
	Gaps    []LedgerRun   `json:"gaps"`
	Thinned []LedgerRun   `json:"thinned"` // blocks that come, with so many samples fewer
	GivenUp []LedgerGiven `json:"given_up"`
}

// LedgerGiven is how many samples were given up before they had a number.
type LedgerGiven struct {
	Reason   string `json:"reason"`
	Samples  uint64 `json:"samples"`
	Declared bool   `json:"declared"`
}

// LedgerRun is a run of sequence numbers, both ends included.
type LedgerRun struct {
	From     uint64 `json:"from"`
	To       uint64 `json:"to"`
	Samples  uint64 `json:"samples"`
	Reason   string `json:"reason"`
	Class    string `json:"class"`
	Declared bool   `json:"declared"`
}

// LedgerCount is how much met one fate.
type LedgerCount struct {
	Reason  string `json:"reason"`
	Class   string `json:"class"`
	Blocks  uint64 `json:"blocks"`
	Samples uint64 `json:"samples"`
}

// Account is where the ledgers come from.
type Account interface {
	Ledgers() []Ledger
}

func (s *Server) ledger(w http.ResponseWriter, _ *http.Request) {
	s.reply(w, map[string][]Ledger{"targets": s.source.Ledgers()})
}

// lost shows what a target will never get, and whether it knows.
func (m *markup) lost(t Target) {
	for _, c := range t.Lost {
		if c.Blocks == 0 {
			m.f(`<br><span class="bad">%s: %s samples that never were in a block</span>`, capital(c.Reason), group(c.Samples))
			continue
		}
		m.f(`<br><span class="bad">%s: %s samples in %s blocks of class %s</span>`, capital(c.Reason), group(c.Samples), group(c.Blocks), c.Class)
	}
	switch {
	case t.Undeclared > 0 || t.UndeclaredSamples > 0:
		m.f(`<br><span class="late">◐ %s blocks and %s samples of that are not declared yet</span>`, group(t.Undeclared), group(t.UndeclaredSamples))
	case len(t.Lost) > 0:
		m.raw(`<br><span class="dim">● all of it declared: the cloud's ledger says the same</span>`)
	}
}

// capital writes a word as sentences begin.
func capital(word string) string {
	return strings.ToUpper(word[:min(len(word), 1)]) + word[min(len(word), 1):]
}
