package local

import (
	"sort"

	"github.com/penstock-edge/penstock/cloud"
)

// gaps lists the numbers from 1 on that are not accounted for, declared ones with their reason, up to the last number that was
// accounted for or declared. Both lists are sorted and free of overlap. A declared run that was stored in part after all carries
// the samples it declared on the first part that is still a gap. Neighbours of one kind are one gap, however they were declared.
func gaps(accounted, losses []cloud.Gap) []cloud.Gap {
	var found []cloud.Gap
	next := uint64(1)
	for _, s := range accounted {
		if s.From > next {
			found = explain(found, next, s.From-1, losses)
		}
		next = s.To + 1
	}
	if n := len(losses); n > 0 && losses[n-1].To >= next {
		found = explain(found, next, losses[n-1].To, losses)
	}
	return join(takeSamplesOnce(found, losses))
}

// explain splits the hole from..to by what was declared of it.
func explain(found []cloud.Gap, from, to uint64, losses []cloud.Gap) []cloud.Gap {
	first := sort.Search(len(losses), func(i int) bool { return losses[i].To >= from })
	for _, l := range losses[first:] {
		if l.From > to {
			break
		}
		if l.From > from {
			found = append(found, cloud.Gap{From: from, To: l.From - 1, Reason: cloud.Missing})
		}
		found = append(found, cloud.Gap{From: max(from, l.From), To: min(to, l.To), Reason: l.Reason, Class: l.Class})
		from = l.To + 1
	}
	if from <= to {
		found = append(found, cloud.Gap{From: from, To: to, Reason: cloud.Missing})
	}
	return found
}

// takeSamplesOnce gives each declared count to the first gap within its run. Both lists are in order.
func takeSamplesOnce(found, losses []cloud.Gap) []cloud.Gap {
	i := 0
	for _, l := range losses {
		for i < len(found) && found[i].From < l.From {
			i++
		}
		if i < len(found) && found[i].To <= l.To {
			found[i].Samples = l.Samples
		}
	}
	return found
}

// join makes one of neighbours that only their numbers tell apart. What it gives is a list in JSON, never null.
func join(list []cloud.Gap) []cloud.Gap {
	joined := []cloud.Gap{}
	for _, g := range list {
		if n := len(joined); n > 0 && joined[n-1].To+1 == g.From && joined[n-1].Reason == g.Reason && joined[n-1].Class == g.Class {
			joined[n-1].To, joined[n-1].Samples = g.To, joined[n-1].Samples+g.Samples
			continue
		}
		joined = append(joined, g)
	}
	return joined
}

// carve takes a run with its samples out of those that overlap it, and gives what is left of them: the samples that the run does not
// have stay with the first piece.
func carve(known []cloud.Gap, from, to, samples uint64) (left []cloud.Gap) {
	for _, k := range known {
		rest := k
		rest.Samples -= min(k.Samples, samples)
		if k.From < from {
			left = append(left, cloud.Gap{From: k.From, To: from - 1, Samples: rest.Samples, Reason: k.Reason, Class: k.Class})
			rest.Samples = 0
		}
		if k.To > to {
			rest.From = to + 1
			left = append(left, rest)
		}
	}
	return left
}
