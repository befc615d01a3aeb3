// Package badfs shows a folder through FUSE and lets its operations fail: the k-th, or all from then on. The program above it
// is whatever it is, and gets its errors from the kernel.
package badfs

import (
	"fmt"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Operation is a kind of system call. Closing, looking up and asking for attributes never fail.
type Operation string

// The operations that can fail.
const (
	Write    Operation = "write"
	Fsync    Operation = "fsync" // of files and folders
	Open     Operation = "open"  // of files and folders, made anew or not
	Rename   Operation = "rename"
	Unlink   Operation = "unlink"
	Truncate Operation = "truncate"
	Read     Operation = "read" // also of mapped memory, where it is a signal
	Mkdir    Operation = "mkdir"
)

// Writing is what needs a disk that takes something.
func Writing() []Operation { return []Operation{Write, Fsync, Rename, Unlink, Truncate, Mkdir} }

// Fault is what goes wrong.
type Fault struct {
	Operations []Operation
	At         int // the first that fails, from 1
	Count      int // how many fail; 0: all from then on
	Error      syscall.Errno
	Late       bool // it is done, and the error comes all the same
	Half       bool // the first is a write that takes half, and the error comes with the next
}

// FS is the folder. It is safe for concurrent use.
type FS struct {
	fuse.RawFileSystem
	server *fuse.Server

	mu     sync.Mutex
	fault  Fault
	seen   int // of the fault's operations
	struck int
}

// Mount shows the folder at another place.
func Mount(folder, at string) (*FS, error) {
	root, err := fs.NewLoopbackRoot(folder)
	if err != nil {
		return nil, err
	}
	// Nothing is kept above that a failure would have to take back, and nothing is handed to the kernel to do without us. What the kernel
	// has read it keeps, as of a disk; else every write would make it read all of a file again.
	options := fuse.MountOptions{FsName: "badfs", DirectMount: true, DisableSplice: true, ExplicitDataCacheControl: true, DisabledCapabilities: fuse.CAP_PASSTHROUGH}
	f := &FS{RawFileSystem: fs.NewNodeFS(root, &fs.Options{MountOptions: options})}
	if f.server, err = fuse.NewServer(f, at, &options); err != nil {
		return nil, fmt.Errorf("mount a folder at %s: %w", at, err)
	}
	go f.server.Serve()
	return f, f.server.WaitMount()
}

// Unmount ends it.
func (f *FS) Unmount() error {
	if err := f.server.Unmount(); err != nil {
		return err
	}
	f.server.Wait()
	return nil
}

// Break lets a fault begin, and counts anew. The zero fault is a healthy disk.
func (f *FS) Break(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.seen, f.struck = fault, 0, 0
}

// Struck is how many operations have failed since Break.
func (f *FS) Struck() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.struck
}

// hit says what becomes of an operation: whether it is done, and what is said of it.
func (f *FS) hit(o Operation) (done bool, said fuse.Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !contains(f.fault.Operations, o) {
		return true, fuse.OK
	}
	f.seen++
	first := f.fault.At
	if f.fault.Half {
		first++
	}
	if f.seen < first || f.fault.Count > 0 && f.seen >= first+f.fault.Count {
		return true, fuse.OK
	}
	f.struck++
	return f.fault.Late, fuse.Status(f.fault.Error)
}

// halved says whether the write that comes is the one that takes half.
func (f *FS) halved() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fault.Half && f.seen+1 == f.fault.At
}

func contains(list []Operation, o Operation) bool {
	for _, x := range list {
		if x == o {
			return true
		}
	}
	return false
}

// through carries an operation out, or does not, and says what is to be said of it.
func (f *FS) through(o Operation, do func() fuse.Status) fuse.Status {
	done, said := f.hit(o)
	if done {
		if status := do(); !status.Ok() {
			return status
		}
	}
	return said
}
