package flow

import (
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// right is a clock that is never in doubt.
type right struct{}

func (right) Stamp([]telemetry.Sample) wire.Stamp { return wire.Stamp{} }

// doubts says which of a run of samples are in which doubt: stretches, one after the other. Mostly there is one, and no doubt.
type doubts []stretch

type stretch struct {
	stamp wire.Stamp
	n     int
}

// add tells of one sample more. The equipment's own time is in no doubt.
func (d *doubts) add(stamp wire.Stamp, sourced bool) {
	if sourced {
		stamp = wire.Stamp{}
	}
	d.join(stretch{stamp, 1})
}

func (d *doubts) join(more ...stretch) {
	for _, s := range more {
		if last := len(*d) - 1; last >= 0 && (*d)[last].stamp == s.stamp {
			(*d)[last].n += s.n
		} else {
			*d = append(*d, s)
		}
	}
}

// cut parts what is told of the first n samples from the rest.
func (d doubts) cut(n int) (head, tail doubts) {
	for i, s := range d {
		if n < s.n {
			head = append(head, d[:i]...)
			if n > 0 {
				head = append(head, stretch{s.stamp, n})
			}
			return head, append(doubts{{s.stamp, s.n - n}}, d[i+1:]...)
		}
		n -= s.n
	}
	return d, nil
}

// part is samples of one doubt.
type part struct {
	stamp   wire.Stamp
	samples []telemetry.Sample
}

// parts sorts samples by doubt, order kept. Samples of one doubt are not copied.
func (d doubts) parts(samples []telemetry.Sample) (list []part) {
	if len(d) == 1 {
		return []part{{d[0].stamp, samples}}
	}
	place := map[wire.Stamp]int{}
	for _, s := range d {
		i, known := place[s.stamp]
		if !known {
			i = len(list)
			place[s.stamp], list = i, append(list, part{stamp: s.stamp})
		}
		list[i].samples = append(list[i].samples, samples[:s.n]...)
		samples = samples[s.n:]
	}
	return list
}
