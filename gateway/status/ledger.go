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
}

// LedgerEpoch is one life of the buffer. Its gaps are those of the cloud's ledger, by number.
type LedgerEpoch struct {
	Epoch   string      `json:"epoch"`
	Gaps    []LedgerRun `json:"gaps"`
	Thinned []LedgerRun `json:"thinned"` // blocks that come, with so many samples fewer
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
		m.f(`<br><span class="bad">%s: %s samples in %s blocks of class %s</span>`, strings.ToUpper(c.Reason[:1])+c.Reason[1:], group(c.Samples), group(c.Blocks), c.Class)
	}
	switch {
	case t.Undeclared > 0:
		m.f(`<br><span class="late">◐ %s blocks of that are not declared yet</span>`, group(t.Undeclared))
	case len(t.Lost) > 0:
		m.raw(`<br><span class="dim">● all of it declared: the cloud's ledger says the same</span>`)
	}
}
