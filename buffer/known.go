package buffer

import (
	"encoding/binary"
	"slices"

	"go.etcd.io/bbolt"
)

// known is what is on disk of a cursor, in the newest segment.
type known struct {
	slot    uint8 // its number on disk, by which pages name it
	name    string
	created uint64 // the number that was to come when it was made
	heirs   ranges // of what was there already: what is for it
	last    uint64 // the last number given for it
	gone    ranges // acknowledged, given up, or not for it
	losses  losses
	dropped counts
}

func (k known) clone() known {
	k.heirs, k.gone, k.losses = slices.Clone(k.heirs), slices.Clone(k.gone), slices.Clone(k.losses)
	return k
}

// lose books records as lost, and returns how much that is.
func (k *known) lose(p *page, run run, reason string) Dropped {
	d := Dropped{run.to - run.from + 1, p.weigh(ranges{run})}
	k.losses.add(Loss{From: run.from, To: run.to, Samples: d.Samples, Reason: reason, Class: p.class})
	k.dropped.add(reason, d)
	k.gone.add(run.from, run.to)
	return d
}

// entry is the cursor's entry on disk; the lists have buckets of their own.
func (k known) entry() []byte {
	b := binary.BigEndian.AppendUint64(nil, k.created)
	b = binary.BigEndian.AppendUint64(b, k.last)
	for code := range k.dropped {
		b = binary.BigEndian.AppendUint64(b, k.dropped[code].Records)
		b = binary.BigEndian.AppendUint64(b, k.dropped[code].Samples)
	}
	return append(b, k.name...)
}

// parse is the reverse of entry.
func (k *known) parse(b []byte) bool {
	if len(b) < 16+16*len(k.dropped) {
		return false
	}
	k.created, k.last = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	b = b[16:]
	for code := range k.dropped {
		k.dropped[code] = Dropped{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
		b = b[16:]
	}
	k.name = string(b)
	return k.created > 0 && k.created < 1<<63 && k.last < 1<<63
}

// write brings what a segment knows of the cursor from was to k.
func (k known) write(tx *bbolt.Tx, was *known) error {
	slot := []byte{k.slot}
	if was == nil || was.last != k.last || was.dropped != k.dropped || was.name != k.name || was.created != k.created {
		if err := put(tx, cursorsBucket, slot, k.entry()); err != nil {
			return err
		}
	}
	if was == nil {
		was = &known{}
	}
	return k.writeLists(tx, was)
}

func (k known) writeLists(tx *bbolt.Tx, was *known) error {
	if err := putChanges(tx, heirsBucket, k.slot, was.heirs, k.heirs); err != nil {
		return err
	}
	if err := putChanges(tx, goneBucket, k.slot, was.gone, k.gone); err != nil {
		return err
	}
	return putChanges(tx, lossesBucket, k.slot, was.losses, k.losses)
}

// remove takes a cursor that is no more out of the segment.
func (k known) remove(tx *bbolt.Tx) error {
	if err := tx.Bucket(cursorsBucket).Delete([]byte{k.slot}); err != nil {
		return err
	}
	return known{slot: k.slot}.writeLists(tx, &k)
}
