package buffer

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/oklog/ulid/v2"
	"golang.org/x/sys/unix"
)

// ErrInUse: another process has the folder open.
var ErrInUse = errors.New("another process is using this buffer: stop it first, or give each gateway a folder of its own (buffer: {path: ...})")

func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(ErrInUse, f.Close())
	}
	return f, nil
}

// listSegments gives the first numbers of the segments in the folder, in order, and clears away what a crash left of one that was being made.
func listSegments(dir string) (firsts []uint64, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries { // sorted by name, so by number
		if strings.HasSuffix(e.Name(), segmentSuffix+tempSuffix) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return nil, err
			}
			continue
		}
		name, ok := strings.CutSuffix(e.Name(), segmentSuffix)
		first, err := strconv.ParseUint(name, 16, 63)
		if ok && err == nil && first > 0 && segmentPath("", first) == e.Name() {
			firsts = append(firsts, first)
		}
	}
	return firsts, nil
}

// readEpoch reads the epoch, or gives the folder one. The segments know it as well, so that a damaged file
// changes nothing; and without any segment the numbers begin anew, so the epoch does too.
func readEpoch(dir, known string, segments int) (string, error) {
	path := filepath.Join(dir, "epoch")
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if id, err := ulid.ParseStrict(strings.TrimSpace(string(text))); err == nil && segments > 0 && (known == "" || known == id.String()) {
		return id.String(), nil
	}
	epoch := known
	if _, err := ulid.ParseStrict(known); err != nil {
		epoch = ulid.Make().String()
	}
	if err := writeSynced(path+tempSuffix, epoch+"\n"); err != nil {
		return "", err
	}
	if err := os.Rename(path+tempSuffix, path); err != nil {
		return "", err
	}
	return epoch, syncDir(dir)
}

func writeSynced(path, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
