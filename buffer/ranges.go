package buffer

import (
	"encoding/binary"
	"slices"
)

// ranges is a set of sequence numbers as runs, both ends included, in order and apart. What is acknowledged comes
// nearly in order, so the runs are few however many the numbers.
type ranges []run

type run struct{ from, to uint64 }

// search finds the first run that ends at seq or behind it.
func (r ranges) search(seq uint64) int {
	i, _ := slices.BinarySearchFunc(r, seq, func(x run, seq uint64) int {
		if x.to < seq {
			return -1
		}
		return 1
	})
	return i
}

func (r ranges) has(seq uint64) bool {
	i := r.search(seq)
	return i < len(r) && r[i].from <= seq
}

// add puts from..to in and returns how many numbers were new.
func (r *ranges) add(from, to uint64) (added uint64) {
	added = to - from + 1
	i := r.search(max(from, 1) - 1) // a run that ends right before from is joined
	j := i
	for ; j < len(*r) && ((*r)[j].from <= to || (*r)[j].from == to+1); j++ {
		x := (*r)[j]
		if lo, hi := max(x.from, from), min(x.to, to); lo <= hi {
			added -= hi - lo + 1
		}
	}
	if i < j {
		from, to = min(from, (*r)[i].from), max(to, (*r)[j-1].to)
	}
	*r = slices.Replace(*r, i, j, run{from, to})
	return added
}

// below forgets everything under seq.
func (r *ranges) below(seq uint64) {
	i := r.search(seq)
	*r = slices.Delete(*r, 0, i)
	if len(*r) > 0 && (*r)[0].from < seq {
		(*r)[0].from = seq
	}
}

// behind forgets the runs under seq but for the last of them.
func (r *ranges) behind(seq uint64) {
	if i := r.search(seq); i > 1 {
		*r = slices.Delete(*r, 0, i-1)
	}
}

// before is the highest number in r under seq; 0: none.
func (r ranges) before(seq uint64) uint64 {
	i := r.search(seq)
	switch {
	case i < len(r) && r[i].from < seq:
		return seq - 1
	case i > 0:
		return r[i-1].to
	}
	return 0
}

// common are the numbers that are in both.
func (r ranges) common(with ranges) (out ranges) {
	for _, x := range with {
		out = append(out, r.within(x.from, x.to)...)
	}
	return out
}

// within is the part of r between from and to, both included.
func (r ranges) within(from, to uint64) (out ranges) {
	for i := r.search(from); i < len(r) && r[i].from <= to; i++ {
		out = append(out, run{max(r[i].from, from), min(r[i].to, to)})
	}
	return out
}

// holes are the numbers between from and to that are not in r.
func (r ranges) holes(from, to uint64) (out ranges) {
	for _, x := range r.within(from, to) {
		if x.from > from {
			out = append(out, run{from, x.from - 1})
		}
		from = x.to + 1
	}
	if from <= to {
		out = append(out, run{from, to})
	}
	return out
}

// covers says whether all numbers between from and to are in r.
func (r ranges) covers(from, to uint64) bool {
	i := r.search(from)
	return from > to || i < len(r) && r[i].from <= from && r[i].to >= to
}

// last is the highest number in r; 0: none.
func (r ranges) last() uint64 {
	if len(r) == 0 {
		return 0
	}
	return r[len(r)-1].to
}

// entry is a run as it is on disk: its first number is the key, its last the value.
func (x run) entry() (key, value []byte) {
	return binary.BigEndian.AppendUint64(nil, x.from), binary.BigEndian.AppendUint64(nil, x.to)
}

// parse adds an entry, if it makes sense.
func (r *ranges) parse(key, value []byte) bool {
	if len(key) != 8 || len(value) != 8 {
		return false
	}
	from, to := binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(value)
	if from == 0 || from > to || to >= 1<<63 {
		return false
	}
	r.add(from, to)
	return true
}
