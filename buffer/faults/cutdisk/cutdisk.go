// Package cutdisk is a disk with a volatile write cache whose power can be cut: one file in a folder, served through FUSE, to
// put a loop device and a real file system on.
//
// A write stays in memory until the next flush. At a cut, what was not flushed reaches the image or not, sector by sector and
// in any order, and of a sector written several times any one version may be the one that does.
package cutdisk

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// sector is what a disk writes wholly or not at all.
const sector = 512

// Disk is the one file. It is safe for concurrent use.
type Disk struct {
	fs.Inode
	image  *os.File
	size   int64
	server *fuse.Server

	mu      sync.Mutex
	pending map[int64][][]byte // by sector: what was written since the last flush, the latest last
	dead    bool               // without power: writes and flushes fail
	random  *rand.Rand
	broken  error // of the image; nothing is flushed any more
}

// Mount serves the image as dir/disk. The seed says which sectors a cut loses.
func Mount(image, dir string, seed uint64) (*Disk, error) {
	f, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	d := &Disk{image: f, size: info.Size(), pending: map[int64][][]byte{}, random: rand.New(rand.NewPCG(seed, 1))}
	options := fuse.MountOptions{MaxWrite: 1 << 20, FsName: "cutdisk", DirectMount: true, DisableSplice: true}
	if d.server, err = fs.Mount(dir, &root{disk: d}, &fs.Options{MountOptions: options}); err != nil {
		return nil, fmt.Errorf("mount a disk at %s: %w", dir, err)
	}
	return d, nil
}

// Unmount ends it.
func (d *Disk) Unmount() error {
	if err := d.server.Unmount(); err != nil {
		return err
	}
	d.server.Wait()
	return d.image.Close()
}

// Cut takes the power away. Of the sectors that were not flushed so many percent are kept, chosen at random.
func (d *Disk) Cut(percent int) (kept, lost int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	return d.settle(percent)
}

// Restore gives the power back.
func (d *Disk) Restore() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = false
}

// settle puts percent of what is pending on the image and forgets the rest. It holds mu.
func (d *Disk) settle(percent int) (kept, lost int) {
	for number, versions := range d.pending {
		if d.random.IntN(100) >= percent {
			lost++
			continue
		}
		kept++
		version := versions[len(versions)-1]
		if percent < 100 {
			version = versions[d.random.IntN(len(versions))]
		}
		if _, err := d.image.WriteAt(version, number*sector); err != nil {
			d.broken = err
		}
	}
	clear(d.pending)
	return kept, lost
}

// Getattr is FUSE's.
func (d *Disk) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size = syscall.S_IFREG|0o600, uint64(d.size)
	return 0
}

// Setattr is FUSE's; there is nothing to set.
func (d *Disk) Setattr(context.Context, fs.FileHandle, *fuse.SetAttrIn, *fuse.AttrOut) syscall.Errno {
	return 0
}

// Open is FUSE's. Nothing may be cached above the cache that is cut.
func (d *Disk) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, 0
}

// Read is FUSE's.
func (d *Disk) Read(_ context.Context, _ fs.FileHandle, p []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, _ := d.image.ReadAt(p, off) // what lies behind the end is cut off below
	p = p[:n]
	for at := 0; at < n; at += sector {
		if versions := d.pending[(off+int64(at))/sector]; len(versions) > 0 {
			copy(p[at:], versions[len(versions)-1])
		}
	}
	return fuse.ReadResultData(p), 0
}

// Write is FUSE's.
func (d *Disk) Write(_ context.Context, _ fs.FileHandle, p []byte, off int64) (uint32, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead || off%sector != 0 || len(p)%sector != 0 {
		return 0, syscall.EIO
	}
	for at := 0; at < len(p); at += sector {
		number := (off + int64(at)) / sector
		d.pending[number] = append(d.pending[number], append([]byte(nil), p[at:at+sector]...))
	}
	return uint32(len(p)), 0
}

// flushTime is how long a flush takes at most, as on a small flash disk: most cuts are to fall into one.
const flushTime = 3 * time.Millisecond

// Fsync is FUSE's: the flush of the loop device.
func (d *Disk) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	time.Sleep(rand.N(flushTime))
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead || d.broken != nil {
		return syscall.EIO
	}
	d.settle(100)
	return 0
}

type root struct {
	fs.Inode
	disk *Disk
}

// OnAdd puts the file into the folder.
func (r *root) OnAdd(ctx context.Context) {
	r.AddChild("disk", r.NewPersistentInode(ctx, r.disk, fs.StableAttr{Mode: syscall.S_IFREG}), true)
}
