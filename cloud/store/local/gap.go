package local

import "github.com/penstock-edge/penstock/cloud"

// missing is the reason of a gap that nobody has declared.
const missing = "missing"

// gaps lists the numbers from 1 on that are not stored, declared ones with their reason, up to the last number that was
// stored or declared. Both lists are sorted and free of overlap. A declared run that was stored in part after all carries
// the samples it declared on the first part that is still a gap.
func gaps(stored, losses []cloud.Gap) []cloud.Gap {
	found := []cloud.Gap{} // in JSON a list, never null
	next := uint64(1)
	for _, s := range stored {
		if s.From > next {
			found = explain(found, next, s.From-1, losses)
		}
		next = s.To + 1
	}
	if n := len(losses); n > 0 && losses[n-1].To >= next {
		found = explain(found, next, losses[n-1].To, losses)
	}
	return takeSamplesOnce(found, losses)
}

// explain splits the hole from..to by what was declared of it.
func explain(found []cloud.Gap, from, to uint64, losses []cloud.Gap) []cloud.Gap {
	for _, l := range losses {
		if l.To < from || l.From > to {
			continue
		}
		if l.From > from {
			found = append(found, cloud.Gap{From: from, To: l.From - 1, Reason: missing})
		}
		found = append(found, cloud.Gap{From: max(from, l.From), To: min(to, l.To), Reason: l.Reason})
		from = l.To + 1
	}
	if from <= to {
		found = append(found, cloud.Gap{From: from, To: to, Reason: missing})
	}
	return found
}

// takeSamplesOnce gives each declared count to the first gap within its run.
func takeSamplesOnce(found, losses []cloud.Gap) []cloud.Gap {
	for _, l := range losses {
		for i := range found {
			if found[i].Reason != missing && found[i].From >= l.From && found[i].To <= l.To {
				found[i].Samples = l.Samples
				break
			}
		}
	}
	return found
}

// mergeLoss says which runs to add and which to drop when l is declared beside what is known (sorted, no overlap).
func mergeLoss(known []cloud.Gap, l cloud.Gap) (add, drop []cloud.Gap) {
	from, samples := l.From, l.Samples
	for _, k := range known {
		switch {
		case k.To < l.From || k.From > l.To:
		case k.From <= l.From && k.To >= l.To:
			return nil, nil // said already
		case k.From >= l.From && k.To <= l.To:
			drop = append(drop, k)
		default:
			if k.From > from {
				add = append(add, cloud.Gap{From: from, To: k.From - 1, Samples: samples, Reason: l.Reason})
				samples = 0
			}
			from = k.To + 1
		}
	}
	if from <= l.To {
		add = append(add, cloud.Gap{From: from, To: l.To, Samples: samples, Reason: l.Reason})
	}
	return add, drop
}
