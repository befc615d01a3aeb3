package buffer

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"go.etcd.io/bbolt"
)

// The keys of the meta bucket; the others are reasons, with what was dropped for each.
const (
	epochKey  = "epoch"
	formatKey = "format"
	firstKey  = "first" // the segment's name
	beginKey  = "begin" // the first number that must be accounted for: in a segment, or gone
	nextKey   = "next"  // the segment that follows; its numbers begin there
	voidKey   = "void"  // segments that ended in doubt, each with its last transaction that counts

	formatVersion = 2
)

// state is what the newest segment knows of the whole queue.
type state struct {
	cursors []known
	dropped totals
	begin   uint64
	void    []ending
}

// ending is how a segment ended that was in doubt: what its transactions behind the last that counts have thinned, is not.
type ending struct{ first, sound uint64 }

// totals are what was dropped of the whole queue, by reason.
type totals map[string]Dropped

func (t totals) add(reason string, d Dropped) {
	x := t[reason]
	t[reason] = Dropped{x.Records + d.Records, x.Samples + d.Samples}
}

// state copies what is true now. It holds q.mu.
func (q *Queue) state() state {
	st := state{dropped: maps.Clone(q.dropped), begin: q.begin}
	for _, s := range q.segments {
		if s.doubtful {
			st.void = append(st.void, ending{s.first, s.sound})
		}
	}
	for _, c := range q.cursors {
		st.cursors = append(st.cursors, c.clone())
	}
	return st
}

// of is what the state has of a slot.
func (st state) of(slot uint8) *known {
	for i := range st.cursors {
		if st.cursors[i].slot == slot {
			return &st.cursors[i]
		}
	}
	return nil
}

// write brings the newest segment from what it knows to st. Only what has changed is written: after a long outage with
// many classes, the lists can have a hundred thousand entries.
func (st state) write(tx *bbolt.Tx, saved state) error {
	for _, was := range saved.cursors {
		if st.of(was.slot) == nil {
			if err := was.remove(tx); err != nil {
				return err
			}
		}
	}
	for _, k := range st.cursors {
		if err := k.write(tx, saved.of(k.slot)); err != nil {
			return err
		}
	}
	if st.begin != saved.begin {
		if err := put(tx, metaBucket, []byte(beginKey), number(st.begin)); err != nil {
			return err
		}
	}
	if !slices.Equal(st.void, saved.void) {
		value := []byte{}
		for _, e := range st.void {
			value = append(append(value, number(e.first)...), number(e.sound)...)
		}
		if err := put(tx, metaBucket, []byte(voidKey), value); err != nil {
			return err
		}
	}
	return st.putDropped(tx, saved)
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func (st state) putDropped(tx *bbolt.Tx, saved state) error {
	for reason, d := range st.dropped {
		if saved.dropped[reason] == d {
			continue
		}
		value := binary.BigEndian.AppendUint64(nil, d.Records)
		if err := put(tx, metaBucket, []byte(reason), binary.BigEndian.AppendUint64(value, d.Samples)); err != nil {
			return err
		}
	}
	return nil
}

func put(tx *bbolt.Tx, bucket, key, value []byte) error {
	return tx.Bucket(bucket).Put(key, signed(bucket, key, value))
}

// listed is what is kept in a bucket as a list, by first number.
type listed interface {
	comparable
	order() (first uint64, reason int)
	entry() (key, value []byte)
}

func (x run) order() (uint64, int) { return x.from, 0 }

func before[T listed](x, y T) bool {
	a, i := x.order()
	b, j := y.order()
	return a < b || a == b && i < j
}

// putChanges turns one sorted list of a cursor's on disk into another.
func putChanges[T listed](tx *bbolt.Tx, bucket []byte, slot uint8, was, now []T) error {
	b := tx.Bucket(bucket)
	for len(was) > 0 || len(now) > 0 {
		switch {
		case len(now) == 0 || len(was) > 0 && before(was[0], now[0]):
			key, _ := was[0].entry()
			if err := b.Delete(append([]byte{slot}, key...)); err != nil {
				return err
			}
			was = was[1:]
			continue
		case len(was) > 0 && was[0] == now[0]:
			was, now = was[1:], now[1:]
			continue
		case len(was) > 0 && !before(now[0], was[0]):
			was = was[1:]
		}
		key, value := now[0].entry()
		if err := put(tx, bucket, append([]byte{slot}, key...), value); err != nil {
			return err
		}
		now = now[1:]
	}
	return nil
}

// seed fills a new segment with what is known of the whole queue, the journal included: the segments before it count no more.
func (q *Queue) seed(st state) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		return errors.Join(
			put(tx, metaBucket, []byte(formatKey), number(formatVersion)),
			put(tx, metaBucket, []byte(epochKey), []byte(q.epoch)),
			st.write(tx, state{}),
			writeJournal(tx, false, q.entries),
		)
	}
}
