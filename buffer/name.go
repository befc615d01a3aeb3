package buffer

import (
	"bytes"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// rightNames gives segments their own names back where somebody who copied or restored them has mixed them up: the name says which numbers
// are looked for in a file. It returns the first numbers of the segments, by name and in order.
func (q *Queue) rightNames(firsts []uint64) ([]uint64, error) {
	for i := 0; i < len(firsts); i++ {
		for range firsts { // each exchange puts one where it belongs, so this ends
			own, err := ownFirst(segmentPath(q.dir, firsts[i]))
			if err != nil || own == 0 || own == firsts[i] {
				break // what is wrong with it is found out later
			}
			if !q.moveBack(firsts[i], own) {
				break
			}
			if firsts, err = listSegments(q.dir); err != nil || i >= len(firsts) {
				return firsts, err
			}
		}
	}
	return firsts, nil
}

// moveBack gives the file with one name the other, which a file that has a right to it keeps.
func (q *Queue) moveBack(name, own uint64) bool {
	from, to := segmentPath(q.dir, name), segmentPath(q.dir, own)
	flags := uint(unix.RENAME_EXCHANGE)
	other, err := ownFirst(to)
	switch {
	case errors.Is(err, os.ErrNotExist):
		flags = unix.RENAME_NOREPLACE
	case other == own:
		return false // a copy of it
	}
	if err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, flags); err != nil {
		q.o.Log.Error("a segment of the buffer has another's name, and cannot be renamed", "segment", from, "its own", to, "err", err)
		return false
	}
	q.o.Log.Warn("a segment of the buffer had another's name", "segment", from, "its own", to)
	return true
}

// ownFirst is the number that a file says it begins with; 0: it does not say.
func ownFirst(path string) (uint64, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	f := &boltFile{file: file, size: uint64(info.Size())}
	meta, err := f.meta()
	if err != nil {
		return 0, err
	}
	s := &survey{dropped: totals{}}
	f.walk(meta.root, 0, func(e element) {
		if e.bucket && bytes.Equal(e.key, metaBucket) {
			f.bucket(e, func(e element) { f.note(s.entry(f, metaBucket, e)) })
		}
	})
	return s.first, nil
}
