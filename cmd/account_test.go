package cmd_test

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// account is what is stored of counters, held against what they served.
type account struct {
	stored  []time.Time // the time of every stored sample
	missing []time.Time // when those were served that are not stored
	served  int         // samples
	bad     []sample    // stored, and no value that was served: the device was said not to answer
}

// audit reads everything that is stored of the counters. Wrong is whatever was not served, or is out of order, or there twice; what is
// not stored is left to the caller to judge.
func (s *site) audit() (a account) {
	s.t.Helper()
	for _, c := range s.counters {
		history := c.history()
		a.served += len(history) * len(c.points())
		for _, point := range slices.Sorted(maps.Keys(c.points())) {
			seen := s.follow(point, c.points()[point], len(history), &a)
			for n, at := range history {
				if !seen[n] {
					a.missing = append(a.missing, at)
				}
			}
		}
	}
	total := uint64(0)
	for _, e := range s.ledger().Epochs {
		total += e.StoredSamples
		if len(e.Gaps) > 0 {
			s.t.Errorf("epoch %s has gaps: %+v", e.Epoch, e.Gaps)
		}
	}
	if total != uint64(len(a.stored)) {
		s.t.Errorf("the ledger counts %d samples, and %d are stored", total, len(a.stored))
	}
	return a
}

// follow walks through a point's samples, which must be numbers served, in the order served, and gives which there are.
func (s *site) follow(point string, worth float64, served int, a *account) (seen map[int]bool) {
	s.t.Helper()
	seen = map[int]bool{}
	last, lastAt := -1, time.Time{}
	for _, one := range s.query(point) {
		a.stored = append(a.stored, one.Time)
		if !one.Time.After(lastAt) {
			s.t.Errorf("%s has two samples at %v", point, one.Time)
		}
		lastAt = one.Time
		if one.Quality != "good" {
			a.bad = append(a.bad, one)
			continue
		}
		var value float64
		if err := json.Unmarshal(one.Value, &value); err != nil {
			s.t.Fatalf("%s is %s: %v", point, one.Value, err)
		}
		n := int(value / worth)
		if n <= last || n >= served || float64(n)*worth != value {
			s.t.Errorf("%s: %v follows number %d of %d served", point, value, last, served)
		}
		seen[n], last = true, n
	}
	return seen
}
