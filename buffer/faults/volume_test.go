package faults_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/penstock-edge/penstock/buffer/faults/cutdisk"
)

// volume is a real file system on a loop device: on a disk whose power can be cut, or, without one, on a plain file.
type volume struct {
	t      *testing.T
	fs     string
	disk   *cutdisk.Disk // nil: a plain file
	loop   *os.File
	mounts string // where it is mounted
}

// volumeBytes is what an XFS wants at least. The image has holes.
const volumeBytes = 320 << 20

// newVolume makes a file system (ext4 or xfs), mounts it, and takes all down with the test.
func newVolume(t *testing.T, fs string, cuttable bool) *volume {
	t.Helper()
	dir := t.TempDir()
	image, fuse := filepath.Join(dir, "image"), filepath.Join(dir, "fuse")
	v := &volume{t: t, fs: fs, mounts: filepath.Join(dir, "mnt")}
	v.must("make the image", os.WriteFile(image, nil, 0o600))
	v.must("make the image", os.Truncate(image, volumeBytes))
	v.must("make folders", os.Mkdir(v.mounts, 0o700))
	v.must("make folders", os.Mkdir(fuse, 0o700))
	if out, err := exec.Command("mkfs."+fs, "-q", image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.%s: %v: %s (make tools installs it)", fs, err, out)
	}
	if cuttable {
		var err error
		if v.disk, err = cutdisk.Mount(image, fuse, 1); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { v.must("unmount the disk", v.disk.Unmount()) })
		image = filepath.Join(fuse, "disk")
	}
	v.attach(image)
	t.Cleanup(func() { v.must("detach", unix.IoctlSetInt(int(v.loop.Fd()), unix.LOOP_CLR_FD, 0)); _ = v.loop.Close() })
	v.mount()
	t.Cleanup(v.unmount)
	return v
}

func (v *volume) must(what string, err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatalf("%s: %v", what, err)
	}
}

// attach takes a free loop device. It goes free by itself when this process ends.
func (v *volume) attach(image string) {
	v.t.Helper()
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	v.must("loop devices", err)
	defer control.Close()
	file, err := os.OpenFile(image, os.O_RDWR, 0)
	v.must("open the image", err)
	defer file.Close()
	config := unix.LoopConfig{Fd: uint32(file.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR}}
	for range 20 { // somebody else may take the one that was free
		number, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		v.must("a free loop device", err)
		v.loop, err = os.OpenFile(v.device(number), os.O_RDWR, 0)
		v.must("open the loop device", err)
		if err = unix.IoctlLoopConfigure(int(v.loop.Fd()), &config); err == nil {
			return
		}
		_ = v.loop.Close()
		if err != unix.EBUSY {
			v.must("set up the loop device", err)
		}
	}
	v.t.Fatal("no loop device stays free")
}

// device is the node of a loop device; in a container it may not be there yet.
func (v *volume) device(number int) string {
	path := fmt.Sprintf("/dev/loop%d", number)
	if _, err := os.Stat(path); err != nil {
		v.must("make "+path, unix.Mknod(path, unix.S_IFBLK|0o600, int(unix.Mkdev(7, uint32(number)))))
	}
	return path
}

func (v *volume) mount() {
	v.t.Helper()
	v.must("mount", unix.Mount(v.loop.Name(), v.mounts, v.fs, 0, ""))
}

func (v *volume) unmount() {
	v.t.Helper()
	v.must("unmount", unix.Unmount(v.mounts, 0))
}

// remount reads the file system from the disk again, as after a boot. Whoever used it is gone.
func (v *volume) remount() {
	v.t.Helper()
	v.unmount()
	if v.disk != nil {
		v.disk.Restore()
	}
	v.must("flush the loop device", unix.IoctlSetInt(int(v.loop.Fd()), unix.BLKFLSBUF, 0))
	v.mount()
}

// shutdown tells the file system to stop without writing its log: what is in memory only is gone.
func (v *volume) shutdown() {
	v.t.Helper()
	f, err := os.Open(v.mounts)
	if err != nil {
		return // it met the dead disk first, and is down already
	}
	defer f.Close()
	const request, noLogFlush = 2<<30 | 4<<16 | 'X'<<8 | 125, 2 // FS_IOC_SHUTDOWN, FS_SHUTDOWN_FLAGS_NOLOGFLUSH (linux/fs.h)
	flags := uint32(noLogFlush)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), request, uintptr(unsafe.Pointer(&flags))); errno != 0 {
		v.must("shut the file system down", errno)
	}
}
