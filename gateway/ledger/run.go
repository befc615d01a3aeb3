package ledger

import (
	"slices"
	"sort"

	"github.com/penstock-edge/penstock/sync/wire"
)

// Run is a run of sequence numbers with one fate.
type Run struct {
	From     uint64 `json:"from"` // both included
	To       uint64 `json:"to"`
	Samples  uint64 `json:"samples"`
	Reason   string `json:"reason"`
	Class    string `json:"class"`
	Declared bool   `json:"declared"` // the target has said that it knows all of it
}

// Blocks is how many sequence numbers the run has.
func (r Run) Blocks() uint64 { return r.To - r.From + 1 }

// runs do not overlap and are in order. Neighbours of one kind are one run, so a long outage is one.
type runs []Run

// from is the place of the first run that ends at or behind n.
func (l runs) from(n uint64) int {
	return sort.Search(len(l), func(i int) bool { return l[i].To >= n })
}

// overlapping are the runs that have a number of from..to.
func (l runs) overlapping(from, to uint64) runs {
	i := l.from(from)
	n := i
	for n < len(l) && l[n].From <= to {
		n++
	}
	return l[i:n]
}

// lose adds what is lost. Numbers that are there already change nothing: a crash has had them found once more. What of them is news has its
// share of the samples then, since nobody knows better.
func (l *runs) lose(r Run) {
	all := r
	news := func(from, to uint64) {
		if from <= to {
			r.From, r.To = from, to
			r.Samples = uint64(float64(all.Samples) * float64(r.Blocks()) / float64(all.Blocks()))
			l.join(r)
		}
	}
	next := all.From
	for _, k := range slices.Clone(l.overlapping(all.From, all.To)) {
		news(next, k.From-1)
		next = k.To + 1
	}
	news(next, all.To)
}

// thin adds blocks out of which samples were taken; out of some of them perhaps again.
func (l *runs) thin(r Run) {
	for _, k := range slices.Clone(l.overlapping(r.From, r.To)) {
		if k.Class == r.Class {
			r.From, r.To, r.Samples = min(r.From, k.From), max(r.To, k.To), r.Samples+k.Samples
			l.remove(k)
		}
	}
	l.join(r)
}

// join puts in a run that overlaps no other, with its neighbours of its kind.
func (l *runs) join(r Run) {
	r.Declared = false
	alike := func(k Run) bool { return k.Reason == r.Reason && k.Class == r.Class }
	i := l.from(r.From)
	if i > 0 && (*l)[i-1].To+1 == r.From && alike((*l)[i-1]) {
		i--
		r.From, r.Samples = (*l)[i].From, r.Samples+(*l)[i].Samples
		*l = slices.Delete(*l, i, i+1)
	}
	if i < len(*l) && (*l)[i].From == r.To+1 && alike((*l)[i]) {
		r.To, r.Samples = (*l)[i].To, r.Samples+(*l)[i].Samples
		*l = slices.Delete(*l, i, i+1)
	}
	*l = slices.Insert(*l, i, r)
}

func (l *runs) remove(r Run) {
	if i := l.from(r.From); i < len(*l) && (*l)[i] == r {
		*l = slices.Delete(*l, i, i+1)
	}
}

// came takes a number out that came after all, with its samples. What is left of its run is to be declared as it is now, each part with its share
// of the samples: nobody knows better. Shares may be wrong; their sum is not, so what a run has too many or too few when its last number
// comes is its neighbour's.
func (l *runs) came(n, samples uint64) (changed bool) {
	i := l.from(n)
	if i == len(*l) || (*l)[i].From > n {
		return false
	}
	r := (*l)[i]
	*l = slices.Delete(*l, i, i+1)
	left := int64(r.Samples) - int64(samples)
	if r.Blocks() == 1 {
		l.settle(i, r, left)
		return true
	}
	if left < 0 {
		l.settle(i, r, left)
		left = 0
	}
	before, after := n-r.From, r.To-n
	share := uint64(float64(left) * float64(before) / float64(before+after))
	if after > 0 {
		*l = slices.Insert(*l, i, Run{From: n + 1, To: r.To, Samples: uint64(left) - share, Reason: r.Reason, Class: r.Class})
	}
	if before > 0 {
		*l = slices.Insert(*l, i, Run{From: r.From, To: n - 1, Samples: share, Reason: r.Reason, Class: r.Class})
	}
	return true
}

// settle gives samples that r had too many to the nearest run of its kind, or takes what it had too few from the nearest that have some. r would have
// its place at i.
func (l runs) settle(i int, r Run, samples int64) {
	for before, after := i-1, i; samples != 0 && (before >= 0 || after < len(l)); {
		k := after
		if after == len(l) || before >= 0 && r.From-l[before].To <= l[after].From-r.To {
			k, before = before, before-1
		} else {
			after++
		}
		if to := &l[k]; to.Reason == r.Reason && to.Class == r.Class && (samples > 0 || to.Samples > 0) {
			moved := max(samples, -int64(to.Samples))
			to.Samples, to.Declared = uint64(int64(to.Samples)+moved), false
			samples -= moved
		}
	}
}

// owed adds what is to be declared to list, up to max.
func (l runs) owed(list []wire.Loss, epoch string, max int) []wire.Loss {
	for _, r := range l {
		if !r.Declared && len(list) < max {
			list = append(list, r.loss(epoch))
		}
	}
	return list
}

func (r Run) loss(epoch string) wire.Loss {
	return wire.Loss{Epoch: epoch, From: r.From, To: r.To, Samples: r.Samples, Reason: r.Reason, Class: r.Class}
}

// declared notes that the target knows of a loss. A run that has changed since is still owed.
func (l runs) declared(x wire.Loss) {
	if i := l.from(x.From); i < len(l) && l[i].loss(x.Epoch) == x {
		l[i].Declared = true
	}
}
