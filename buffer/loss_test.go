package buffer

import (
	"slices"
	"testing"
)

func loss(from, to, samples uint64) Loss {
	return Loss{From: from, To: to, Samples: samples, Reason: Evicted, Class: Normal}
}

func TestLosses(t *testing.T) {
	alarm := Loss{From: 8, To: 9, Samples: 1, Reason: Evicted, Class: Alarm}
	for _, c := range []struct {
		name   string
		add    []Loss
		forget []Loss
		want   losses
	}{
		{"neighbours are joined", []Loss{loss(1, 3, 5), loss(4, 7, 6)}, nil, losses{loss(1, 7, 11)}},
		{"another class is not", []Loss{loss(1, 7, 5), alarm}, nil, losses{loss(1, 7, 5), alarm}},
		{"they are in order", []Loss{loss(5, 7, 1), loss(1, 2, 1)}, nil, losses{loss(1, 2, 1), loss(5, 7, 1)}},
		{"declared is forgotten", []Loss{loss(1, 3, 5), loss(9, 9, 1)}, []Loss{loss(1, 3, 5)}, losses{loss(9, 9, 1)}},
		{"what it grew by stays", []Loss{loss(1, 3, 5), loss(4, 7, 6)}, []Loss{loss(1, 3, 5)}, losses{loss(4, 7, 6)}},
		{"forgetting twice is no harm", []Loss{loss(1, 3, 5)}, []Loss{loss(1, 3, 5), loss(1, 3, 5)}, losses{}},
	} {
		var l, again losses
		for _, x := range c.add {
			l.add(x)
		}
		for _, x := range c.forget {
			l.forget(x)
		}
		if !slices.Equal(l, c.want) {
			t.Errorf("%s: %v, want %v", c.name, l, c.want)
		}
		for _, x := range slices.Backward(l) {
			if key, value := x.entry(); !again.parse(key, value) {
				t.Errorf("%s: %v does not come back from disk", c.name, x)
			}
		}
		if !slices.Equal(l, again) {
			t.Errorf("%s: %v came back as %v", c.name, l, again)
		}
	}
}
