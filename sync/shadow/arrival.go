package shadow

// arrived judges by the leaves that our change would have changed whether it got to the cloud, from s.Before to s.Merged, when
// the cloud has moved on since. A leaf that holds what we sent speaks for it; one that holds what it held before, and was not
// written since, against it. Where nothing speaks for it, it did not: to send a change again is better than to lose it.
func (s *Sent) arrived(c Document) bool {
	var e evidence
	e.look(s.Before.Desired, s.Merged.Desired, c.desired, s.Clock)
	e.look(s.Before.Reported, s.Merged.Reported, c.reported, s.Clock)
	return e.pro && !e.contra
}

type evidence struct{ pro, contra bool }

func (e *evidence) look(before, sent Object, now section, clock int64) {
	for key := range diff(before, sent) {
		b, s, n := node{before, true}.below(key), node{sent, true}.below(key), node{now.state, true}.below(key)
		bo, bok := b.value.(Object)
		so, sok := s.value.(Object)
		switch {
		case bok && sok:
			e.look(bo, so, now.child(key), clock)
		case n.equal(s):
			e.pro = true
		case n.there && n.equal(b) && latest(now.times[key]) <= clock:
			e.contra = true
		}
	}
}

// clock is the latest write that the document knows of.
func (d Document) clock() int64 { return max(latest(d.desired.times), latest(d.reported.times)) }

func latest(when any) int64 {
	switch when := when.(type) {
	case int64:
		return when
	case times:
		var last int64
		for _, t := range when {
			last = max(last, latest(t))
		}
		return last
	}
	return 0
}
