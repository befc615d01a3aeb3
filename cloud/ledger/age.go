package ledger

import "time"

// aged is a run of numbers that has been missing without a word since a time.
type aged struct {
	epoch    string
	from, to uint64
	since    time.Time
}

// age gives what is missing now the time since when it was missing before: a run that has shrunk, grown or split keeps its age where it
// was. Both lists are in the ledger's order.
func age(before, now []aged) (list []aged) {
	for _, n := range now {
		for _, b := range before {
			if b.epoch != n.epoch || b.to < n.from || b.from > n.to {
				continue
			}
			if b.from > n.from {
				list = append(list, aged{n.epoch, n.from, b.from - 1, n.since})
			}
			to := min(b.to, n.to)
			list = append(list, aged{n.epoch, max(b.from, n.from), to, b.since})
			if n.from = to + 1; n.from > n.to {
				break
			}
		}
		if n.from <= n.to {
			list = append(list, n)
		}
	}
	return list
}
