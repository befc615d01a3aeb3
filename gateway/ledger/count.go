package ledger

import "slices"

// Sum is an account in a few numbers.
type Sum struct {
	Counts []Count // what was lost or thinned out, by reason and class; without a class what never was in a block

	Undeclared        uint64 // blocks of which the target has not been told
	UndeclaredSamples uint64 // samples, in these and of what never was in a block
}

// Sum adds up what is known.
func (l *Ledger) Sum() (s Sum) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Counts = slices.Clone(l.kept.Older)
	for _, e := range l.kept.Epochs {
		for _, list := range []runs{e.Gaps, e.Thinned} {
			for _, r := range list {
				s.Counts = count(s.Counts, r)
				if !r.Declared {
					s.Undeclared, s.UndeclaredSamples = s.Undeclared+r.Blocks(), s.UndeclaredSamples+r.Samples
				}
			}
		}
		for _, g := range e.GivenUp {
			s.Counts = append(s.Counts, Count{Reason: g.Reason, Samples: g.Samples})
			if !g.Declared {
				s.UndeclaredSamples += g.Samples
			}
		}
	}
	return s
}

// count adds a run to its kind.
func count(list []Count, r Run) []Count {
	i := slices.IndexFunc(list, func(c Count) bool { return c.Reason == r.Reason && c.Class == r.Class })
	if i < 0 {
		return append(list, Count{r.Reason, r.Class, r.Blocks(), r.Samples})
	}
	list[i].Blocks, list[i].Samples = list[i].Blocks+r.Blocks(), list[i].Samples+r.Samples
	return list
}

// bound keeps what is listed within maxRuns: the oldest runs that were declared are only counted from then on. What is owed stays.
func (k *kept) bound() {
	over := -maxRuns
	for _, e := range k.Epochs {
		over += len(e.Gaps) + len(e.Thinned)
	}
	for i := range k.Epochs {
		for _, list := range []*runs{&k.Epochs[i].Gaps, &k.Epochs[i].Thinned} {
			*list = slices.DeleteFunc(*list, func(r Run) bool {
				if over <= 0 || !r.Declared {
					return false
				}
				over--
				k.Older = count(k.Older, r)
				return true
			})
		}
	}
}
