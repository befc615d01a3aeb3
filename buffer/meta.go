package buffer

import (
	"encoding/binary"

	"go.etcd.io/bbolt"
)

// putMeta writes what the newest segment knows of the whole queue.
func putMeta(tx *bbolt.Tx, gone ranges, lost losses, dropped map[string]Dropped) error {
	b := tx.Bucket(metaBucket)
	if err := b.Put(goneKey, gone.append(nil)); err != nil {
		return err
	}
	if err := b.Put(lossesKey, lost.append(nil)); err != nil {
		return err
	}
	var counts []byte
	for _, reason := range []string{Evicted, Damaged} {
		counts = binary.BigEndian.AppendUint64(counts, dropped[reason].Records)
		counts = binary.BigEndian.AppendUint64(counts, dropped[reason].Samples)
	}
	return b.Put(statsKey, counts)
}

func readMeta(tx *bbolt.Tx) (gone ranges, lost losses, dropped map[string]Dropped) {
	dropped = map[string]Dropped{}
	b := tx.Bucket(metaBucket)
	if b == nil {
		return nil, nil, dropped
	}
	counts := b.Get(statsKey)
	for _, reason := range []string{Evicted, Damaged} {
		if len(counts) < 16 {
			break
		}
		dropped[reason] = Dropped{binary.BigEndian.Uint64(counts), binary.BigEndian.Uint64(counts[8:])}
		counts = counts[16:]
	}
	return parseRanges(b.Get(goneKey)), parseLosses(b.Get(lossesKey)), dropped
}

// seed carries meta and journal from one segment into the next.
func (q *Queue) seed(from *segment) func(*bbolt.Tx) error {
	return func(to *bbolt.Tx) error {
		q.mu.Lock()
		err := putMeta(to, q.gone, q.losses, q.dropped)
		q.mu.Unlock()
		if err != nil || from == nil {
			return err
		}
		return from.bolt.View(func(tx *bbolt.Tx) error { return copyJournal(to, tx) })
	}
}

func copyJournal(to, from *bbolt.Tx) error {
	b := to.Bucket(journalBucket)
	return from.Bucket(journalBucket).ForEach(func(k, v []byte) error {
		if err := b.SetSequence(binary.BigEndian.Uint64(k)); err != nil {
			return err
		}
		return b.Put(k, v)
	})
}
