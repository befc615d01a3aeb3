// Package state is the gateway's own small database: what must survive a restart and is no sample.
//
// It is one bbolt file. Each room has a shelf of its own in it and knows nothing of the others'. Telemetry is not kept here but in
// buffer.
package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// ErrInUse: another process has this state open.
var ErrInUse = errors.New("another penstock is running on this state folder: stop it first (systemctl stop penstock), or give this one a folder of its own with state:")

// whatToDo ends what is said of a folder that does not take the database.
const whatToDo = "set state: to a folder this user may write, on a disk with room"

// DB is the open database. It is safe for concurrent use.
type DB struct {
	bolt  *bbolt.DB
	boots uint64
}

var own = []byte("state")

// Open opens or creates dir/state.db and counts this start.
func Open(dir string) (*DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state folder: %w (%s)", err, whatToDo)
	}
	path := filepath.Join(dir, "state.db")
	bolt, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 200 * time.Millisecond, FreelistType: bbolt.FreelistMapType})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, ErrInUse
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w (%s)", path, err, whatToDo)
	}
	db := &DB{bolt: bolt}
	if err := db.countBoot(); err != nil {
		_ = bolt.Close() // the first error is the one to tell
		return nil, fmt.Errorf("write %s: %w (%s)", path, err, whatToDo)
	}
	return db, nil
}

func (db *DB) countBoot() error {
	return db.bolt.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(own)
		if err != nil {
			return err
		}
		if v := b.Get([]byte("boots")); len(v) == 8 {
			db.boots = binary.BigEndian.Uint64(v)
		}
		db.boots++
		return b.Put([]byte("boots"), binary.BigEndian.AppendUint64(nil, db.boots))
	})
}

// Boots is how often this state has been opened, this time included.
func (db *DB) Boots() uint64 { return db.boots }

// Put keeps value under key on a room's shelf; it is on disk when Put returns. A nil value removes the key.
func (db *DB) Put(room, key string, value []byte) error {
	err := db.bolt.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte(room))
		if err != nil {
			return err
		}
		if value == nil {
			return b.Delete([]byte(key))
		}
		return b.Put([]byte(key), value)
	})
	if err != nil {
		return fmt.Errorf("keep %s of %s: %w", key, room, err)
	}
	return nil
}

// Get is what Put kept, a copy; nil when there is nothing.
func (db *DB) Get(room, key string) (value []byte, err error) {
	err = db.bolt.View(func(tx *bbolt.Tx) error {
		if b := tx.Bucket([]byte(room)); b != nil {
			value = append(value, b.Get([]byte(key))...)
		}
		return nil
	})
	return value, err
}

// Close closes the database.
func (db *DB) Close() error { return db.bolt.Close() }
