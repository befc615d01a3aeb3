package buffer

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// Loss is a run of records that will never be delivered; those of Downsampled will, with fewer samples.
type Loss struct {
	From, To uint64 // both included
	Samples  uint64 // what is gone with them; 0 where the damage took that too
	Reason   string // Evicted, Damaged or Downsampled
	Class    Class
}

// Why records are lost.
const (
	Evicted = "evicted" // they gave way because the queue was full or they were too old
	Damaged = "damaged" // the disk gave back other bytes than it took, or the receiver will never understand them
	Refused = "refused" // the queue was full and drops the newest; counted only, since they have no numbers

	Downsampled = "downsampled" // the queue was full, and they stay with fewer samples
)

// reasons are those of losses, by their code on disk.
func reasons() []string { return []string{Evicted, Damaged, Downsampled} }

func codeOf(reason string) int { return slices.Index(reasons(), reason) }

// counts are what was dropped, by reason's code.
type counts [3]Dropped

func (c *counts) add(reason string, d Dropped) {
	x := &c[codeOf(reason)]
	x.Records, x.Samples = x.Records+d.Records, x.Samples+d.Samples
}

// losses are those not forgotten yet, by number and reason. A loss that goes on where another ends is joined to it, so a long outage is one loss.
type losses []Loss

func (x Loss) order() (uint64, int) { return x.From, codeOf(x.Reason) }

// search is the place of a loss with this beginning and reason, or where it would be.
func (l losses) search(x Loss) (int, bool) {
	return slices.BinarySearchFunc(l, x, func(a, b Loss) int {
		return cmp.Or(cmp.Compare(a.From, b.From), codeOf(a.Reason)-codeOf(b.Reason))
	})
}

func (l *losses) add(x Loss) {
	i, there := l.search(x)
	if there { // thinned again
		y := &(*l)[i]
		y.To, y.Samples = max(y.To, x.To), y.Samples+x.Samples
		return
	}
	for j := i - 1; j >= max(0, i-len(reasons())); j-- {
		if before := &(*l)[j]; before.To+1 == x.From && before.Reason == x.Reason && before.Class == x.Class {
			before.To, before.Samples = x.To, before.Samples+x.Samples
			return
		}
	}
	*l = slices.Insert(*l, i, x)
}

// forget takes out what was declared. A loss that has grown since keeps what it grew by.
func (l *losses) forget(x Loss) {
	i, there := l.search(x)
	if !there {
		return
	}
	y := &(*l)[i]
	y.Samples -= min(x.Samples, y.Samples)
	switch {
	case y.To > x.To:
		moved := *y
		moved.From = x.To + 1
		*l = slices.Delete(*l, i, i+1)
		l.add(moved)
	case y.Samples == 0 || y.Reason != Downsampled:
		*l = slices.Delete(*l, i, i+1)
	}
}

// entry is a loss as it is on disk: first number and reason are the key; last number, samples, reason and class are the value.
func (x Loss) entry() (key, value []byte) {
	value = binary.BigEndian.AppendUint64(nil, x.To)
	value = binary.BigEndian.AppendUint64(value, x.Samples)
	key = append(binary.BigEndian.AppendUint64(nil, x.From), byte(codeOf(x.Reason)))
	return key, append(value, key[8], byte(x.Class))
}

// parse adds an entry, if it makes sense.
func (l *losses) parse(key, value []byte) bool {
	if len(key) < 8 || len(key) > 9 || len(value) != 18 { // version 1 had no reason in the key
		return false
	}
	x := Loss{From: binary.BigEndian.Uint64(key), To: binary.BigEndian.Uint64(value), Samples: binary.BigEndian.Uint64(value[8:]), Class: Class(value[17])}
	if x.From == 0 || x.From > x.To || x.Class >= classes || int(value[16]) >= len(reasons()) {
		return false
	}
	x.Reason = reasons()[value[16]]
	i, there := l.search(x)
	if !there {
		*l = slices.Insert(*l, i, x)
	}
	return !there
}
