package buffer

import (
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
)

// losses are those not forgotten yet; neighbours of one kind are joined, so a long outage is one loss.
type losses []Loss

func (l *losses) add(x Loss) {
	if n := len(*l); n > 0 {
		last := &(*l)[n-1]
		if last.To+1 == x.From && last.Reason == x.Reason && last.Class == x.Class {
			last.To, last.Samples = x.To, last.Samples+x.Samples
			return
		}
	}
	*l = append(*l, x)
}

// forget takes out what was declared. A loss that has grown since keeps what it grew by.
func (l *losses) forget(x Loss) {
	i := slices.IndexFunc(*l, func(y Loss) bool { return y.From == x.From && y.Reason == x.Reason })
	if i < 0 {
		return
	}
	y := &(*l)[i]
	if y.To <= x.To {
		*l = slices.Delete(*l, i, i+1)
		return
	}
	y.From, y.Samples = x.To+1, y.Samples-x.Samples
}

const lossSize = 8 + 8 + 8 + 1 + 1

func (l losses) append(dst []byte) []byte {
	for _, x := range l {
		dst = binary.BigEndian.AppendUint64(dst, x.From)
		dst = binary.BigEndian.AppendUint64(dst, x.To)
		dst = binary.BigEndian.AppendUint64(dst, x.Samples)
		reason := byte(0)
		if x.Reason == Damaged {
			reason = 1
		}
		dst = append(dst, reason, byte(x.Class))
	}
	return dst
}

func parseLosses(b []byte) (l losses) {
	for ; len(b) >= lossSize; b = b[lossSize:] {
		x := Loss{From: binary.BigEndian.Uint64(b), To: binary.BigEndian.Uint64(b[8:]), Samples: binary.BigEndian.Uint64(b[16:]), Reason: Evicted, Class: min(Class(b[25]), Normal)}
		if b[24] == 1 {
			x.Reason = Damaged
		}
		l = append(l, x)
	}
	return l
}
