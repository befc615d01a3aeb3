package state

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"
)

// Shelf is one room's keys within a transaction. What Get and Each give is valid until the transaction ends.
type Shelf struct{ bucket *bbolt.Bucket }

// Update changes a room's shelf in one transaction: all of it is on disk when Update returns nil, and none of it after an error.
func (db *DB) Update(room string, change func(Shelf) error) error {
	err := db.bolt.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte(room))
		if err != nil {
			return err
		}
		return change(Shelf{b})
	})
	if err != nil {
		return fmt.Errorf("keep the state of %s: %w", room, err)
	}
	return nil
}

// View reads a room's shelf as it stands between two changes.
func (db *DB) View(room string, read func(Shelf) error) error {
	return db.bolt.View(func(tx *bbolt.Tx) error { return read(Shelf{tx.Bucket([]byte(room))}) })
}

// Get is the value of a key; nil when there is none.
func (s Shelf) Get(key string) []byte {
	if s.bucket == nil {
		return nil
	}
	return s.bucket.Get([]byte(key))
}

// Put sets a key. It is an error within View.
func (s Shelf) Put(key string, value []byte) error { return s.bucket.Put([]byte(key), value) }

// Delete removes a key; one that is not there is no error.
func (s Shelf) Delete(key string) error { return s.bucket.Delete([]byte(key)) }

// Each calls see with the keys that begin with prefix, in order, until it returns an error. The shelf must not be changed meanwhile.
func (s Shelf) Each(prefix string, see func(key string, value []byte) error) error {
	if s.bucket == nil {
		return nil
	}
	c := s.bucket.Cursor()
	for k, v := c.Seek([]byte(prefix)); k != nil && bytes.HasPrefix(k, []byte(prefix)); k, v = c.Next() {
		if err := see(string(k), v); err != nil {
			return err
		}
	}
	return nil
}
