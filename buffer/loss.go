package buffer

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// Loss is a run of records that will never be delivered.
type Loss struct {
	From, To uint64 // both included
	Samples  uint64 // what they stood for; 0 where the damage took that too
	Reason   string // Evicted or Damaged
	Class    Class
}

// Why records are lost.
const (
	Evicted = "evicted" // they gave way because the queue was full or they were too old
	Damaged = "damaged" // the disk gave back other bytes than it took, or the receiver will never understand them
	Refused = "refused" // the queue was full and drops the newest; counted only, since they have no numbers
)

// reasons are those of losses, by their code on disk.
func reasons() []string { return []string{Evicted, Damaged} }

func codeOf(reason string) int { return slices.Index(reasons(), reason) }

// counts are what was dropped, by reason's code.
type counts [2]Dropped

func (c *counts) add(reason string, d Dropped) {
	x := &c[codeOf(reason)]
	x.Records, x.Samples = x.Records+d.Records, x.Samples+d.Samples
}

// losses are those not forgotten yet, by number. A loss that goes on where another ends is joined to it, so a long outage is one loss.
type losses []Loss

func (l losses) search(from uint64) int {
	i, _ := slices.BinarySearchFunc(l, from, func(x Loss, from uint64) int { return cmp.Compare(x.From, from) })
	return i
}

func (l *losses) add(x Loss) {
	i := l.search(x.From)
	if i > 0 {
		before := &(*l)[i-1]
		if before.To+1 == x.From && before.Reason == x.Reason && before.Class == x.Class {
			before.To, before.Samples = x.To, before.Samples+x.Samples
			return
		}
	}
	*l = slices.Insert(*l, i, x)
}

// forget takes out what was declared. A loss that has grown since keeps what it grew by.
func (l *losses) forget(x Loss) {
	i := l.search(x.From)
	if i == len(*l) || (*l)[i].From != x.From || (*l)[i].Reason != x.Reason {
		return
	}
	y := &(*l)[i]
	if y.To <= x.To {
		*l = slices.Delete(*l, i, i+1)
		return
	}
	y.From, y.Samples = x.To+1, y.Samples-min(x.Samples, y.Samples)
}

// entry is a loss as it is on disk: its first number is the key; last number, samples, reason and class are the value.
func (x Loss) entry() (key, value []byte) {
	value = binary.BigEndian.AppendUint64(nil, x.To)
	value = binary.BigEndian.AppendUint64(value, x.Samples)
	return binary.BigEndian.AppendUint64(nil, x.From), append(value, byte(codeOf(x.Reason)), byte(x.Class))
}

// parse adds an entry, if it makes sense.
func (l *losses) parse(key, value []byte) bool {
	if len(key) != 8 || len(value) != 18 {
		return false
	}
	x := Loss{From: binary.BigEndian.Uint64(key), To: binary.BigEndian.Uint64(value), Samples: binary.BigEndian.Uint64(value[8:]), Class: Class(value[17])}
	if x.From == 0 || x.From > x.To || x.Class >= classes || int(value[16]) >= len(reasons()) {
		return false
	}
	x.Reason = reasons()[value[16]]
	*l = slices.Insert(*l, l.search(x.From), x)
	return true
}
