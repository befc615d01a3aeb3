package web

import "github.com/penstock-edge/penstock/cloud"

// gapRows is how many gaps a page lists.
const gapRows = 50

// delivery sums up a ledger.
type delivery struct {
	Blocks, Samples uint64
	Missing         uint64 // blocks that nobody declared: on their way, or lost
	Lost            uint64 // samples declared lost
	Repeats         uint64
	Lives           int // of the gateway's buffer
	Gaps            []gap
	MoreGaps        int
}

type gap struct {
	cloud.Gap
	Epoch  string
	Blocks uint64
}

func deliveryOf(l cloud.Ledger) delivery {
	d := delivery{Lives: len(l.Epochs)}
	for _, e := range l.Epochs {
		d.Blocks += e.StoredBlocks
		d.Samples += e.StoredSamples
		d.Repeats += e.Repeats
		for _, g := range e.Gaps {
			blocks := g.To - g.From + 1
			if g.Reason == "missing" {
				d.Missing += blocks
			} else {
				d.Lost += g.Samples
			}
			if len(d.Gaps) < gapRows {
				d.Gaps = append(d.Gaps, gap{g, e.Epoch, blocks})
			} else {
				d.MoreGaps++
			}
		}
	}
	return d
}
