package buffer

import (
	"encoding/binary"

	"go.etcd.io/bbolt"
)

// writeJournal empties the journal, adds to it, or both. Entries have running numbers.
func writeJournal(tx *bbolt.Tx, empty bool, entries [][]byte) error {
	b := tx.Bucket(journalBucket)
	if empty && b.Sequence() > 0 {
		if err := tx.DeleteBucket(journalBucket); err != nil {
			return err
		}
		var err error
		if b, err = tx.CreateBucket(journalBucket); err != nil {
			return err
		}
	}
	for _, data := range entries {
		n, err := b.NextSequence()
		if err != nil {
			return err
		}
		key := binary.BigEndian.AppendUint64(nil, n)
		if err := putBody(b, key, signed(journalBucket, key, data)); err != nil {
			return err
		}
	}
	return nil
}

// Unsealed is the journal that a crash left behind, as it was at Open. The next Seal replaces it.
func (q *Queue) Unsealed() [][]byte { return q.unsealed }
