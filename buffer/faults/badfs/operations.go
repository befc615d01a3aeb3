package badfs

import "github.com/hanwen/go-fuse/v2/fuse"

// What follows is FUSE's: each operation that can fail, on its way to the folder.

// Write is a write of up to 128 KiB; the kernel makes several of a larger one.
func (f *FS) Write(cancel <-chan struct{}, in *fuse.WriteIn, data []byte) (n uint32, status fuse.Status) {
	if f.halved() {
		data = data[:len(data)/2]
		in.Size = uint32(len(data))
	}
	status = f.through(Write, func() (s fuse.Status) { n, s = f.RawFileSystem.Write(cancel, in, data); return s })
	return n, status
}

// Writev is left to Write.
func (f *FS) Writev(<-chan struct{}, *fuse.WriteIn, [][]byte) (uint32, fuse.Status) {
	return 0, fuse.ENOSYS
}

// Fsync is fsync and fdatasync.
func (f *FS) Fsync(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return f.through(Fsync, func() fuse.Status { return f.RawFileSystem.Fsync(cancel, in) })
}

// FsyncDir is fsync of a folder. The loopback has none, and below it is memory.
func (f *FS) FsyncDir(<-chan struct{}, *fuse.FsyncIn) fuse.Status {
	return f.through(Fsync, func() fuse.Status { return fuse.OK })
}

// Open is open of what is there.
func (f *FS) Open(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	return f.through(Open, func() fuse.Status { return f.RawFileSystem.Open(cancel, in, out) })
}

// OpenDir is open of a folder.
func (f *FS) OpenDir(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	return f.through(Open, func() fuse.Status { return f.RawFileSystem.OpenDir(cancel, in, out) })
}

// Create is open of a new file.
func (f *FS) Create(cancel <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	return f.through(Open, func() fuse.Status { return f.RawFileSystem.Create(cancel, in, name, out) })
}

// Mkdir makes a folder.
func (f *FS) Mkdir(cancel <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	return f.through(Mkdir, func() fuse.Status { return f.RawFileSystem.Mkdir(cancel, in, name, out) })
}

// Rename gives a file another name.
func (f *FS) Rename(cancel <-chan struct{}, in *fuse.RenameIn, before, after string) fuse.Status {
	return f.through(Rename, func() fuse.Status { return f.RawFileSystem.Rename(cancel, in, before, after) })
}

// Unlink removes a file.
func (f *FS) Unlink(cancel <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	return f.through(Unlink, func() fuse.Status { return f.RawFileSystem.Unlink(cancel, in, name) })
}

// SetAttr sets a file's size, or what never fails.
func (f *FS) SetAttr(cancel <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	if in.Valid&fuse.FATTR_SIZE == 0 {
		return f.RawFileSystem.SetAttr(cancel, in, out)
	}
	return f.through(Truncate, func() fuse.Status { return f.RawFileSystem.SetAttr(cancel, in, out) })
}

// Read is a read, or a page of mapped memory that is wanted.
func (f *FS) Read(cancel <-chan struct{}, in *fuse.ReadIn, buf []byte) (r fuse.ReadResult, status fuse.Status) {
	status = f.through(Read, func() (s fuse.Status) { r, s = f.RawFileSystem.Read(cancel, in, buf); return s })
	return r, status
}
