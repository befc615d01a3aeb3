package state

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Peek reads one key of the state that a gateway which does not run has left behind, and changes nothing. nil: there is none.
func Peek(dir, room, key string) (value []byte, err error) {
	path := filepath.Join(dir, "state.db")
	bolt, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 200 * time.Millisecond, ReadOnly: true})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrInUse
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	value, err = (&DB{bolt: bolt}).Get(room, key)
	return value, errors.Join(err, bolt.Close())
}
