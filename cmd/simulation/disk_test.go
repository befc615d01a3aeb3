package simulation

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// disk stands between one life of a gateway and its buffer. When the machine crashes within a transaction it keeps what the folder is at that
// moment; from then on nothing that this life writes counts.
type disk struct {
	folder string // of the buffer
	random *rand.Rand

	mu      sync.Mutex
	failing error  // every transaction fails with it, without beginning
	over    bool   // the life is
	arm     *crash // when it comes to that
}

// crash is one that happens within a transaction.
type crash struct {
	after int    // so many transactions later
	how   string // before | after | torn
	into  string // where the folder as it was goes to
	done  chan struct{}
	fence func() // called at the moment
}

// commit is gateway.Options.Disk. The buffer has one goroutine that calls it.
func (d *disk) commit(segment string, commit func() error) error {
	d.mu.Lock()
	failing, over, c := d.failing, d.over, d.arm
	if c != nil && failing == nil {
		if c.after--; c.after >= 0 {
			c = nil
		}
	}
	d.mu.Unlock()
	switch {
	case over:
		return syscall.EIO
	case failing != nil:
		return &os.PathError{Op: "write", Path: segment, Err: failing}
	case c == nil:
		return commit()
	}
	return d.crash(c, segment, commit)
}

func (d *disk) crash(c *crash, segment string, commit func() error) error {
	before, err := os.ReadFile(segment)
	must(err)
	if c.how != "before" {
		if err := commit(); err != nil {
			return err // another time
		}
	}
	c.fence()
	must(os.CopyFS(c.into, os.DirFS(d.folder)))
	if c.how == "torn" {
		d.tear(filepath.Join(c.into, filepath.Base(segment)), before)
	}
	d.end()
	close(c.done)
	return syscall.EIO
}

func (d *disk) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over, d.arm = true, nil
}

const page = 4096

// tear gives a segment the bytes that a power cut may leave of a transaction that was under way. bbolt writes its pages, syncs, writes one of the
// two meta pages, syncs: either some of the pages are there and the meta page is the old one, or all are and it is the new one or the old.
func (d *disk) tear(path string, before []byte) {
	after, err := os.ReadFile(path)
	must(err)
	all := d.random.IntN(3) == 0
	for at := 0; at < len(after); at += page {
		old := make([]byte, page)
		if at < len(before) {
			copy(old, before[at:])
		}
		if at < 2*page || !all && d.random.IntN(2) == 0 {
			copy(after[at:], old)
		}
	}
	must(os.WriteFile(path, after, 0o600))
}

// copyRest copies what of a folder is not there yet.
func copyRest(from, to string) {
	must(filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		there := filepath.Join(to, strings.TrimPrefix(path, from))
		if entry.IsDir() {
			if _, err := os.Stat(there); path != from && err == nil {
				return filepath.SkipDir
			}
			return os.MkdirAll(there, 0o700)
		}
		text, err := os.ReadFile(path)
		must(err)
		return os.WriteFile(there, text, 0o600)
	}))
}

// must: the folders of the simulation itself are on a sound disk.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
