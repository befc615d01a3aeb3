package faults_test

import (
	"path/filepath"
	"testing"
	"time"
)

// controlCycles is within how many cycles a store that acknowledges before fsync must be caught.
const controlCycles = 20

// The power is cut at any moment: what was not flushed is lost, in part, in any order, also within what was written at once.
// Each run shows first that it sees a store that does not wait for the disk.
func TestR2_PowerCut(t *testing.T) {
	for _, run := range []struct {
		fs   string
		cuts int
	}{{"ext4", *ext4Cuts}, {"xfs", *xfsCuts}} {
		t.Run(run.fs, func(t *testing.T) {
			began := time.Now()
			v := newVolume(t, run.fs, true)
			lost := 0
			caught := powerRig(v, hastyStore, &lost).control(controlCycles)
			lost = 0
			r := powerRig(v, realStore, &lost)
			r.run(run.cuts)
			t.Logf("R2: %s: %d power cuts, %d sectors lost, in %v: 0 acknowledged lost, 0 visible twice, 0 wrong bytes, 0 hand repairs; %v", run.fs, run.cuts, lost, time.Since(began).Round(time.Second), r)
			t.Logf("R3: %s: a store that does not wait for the disk was caught in cycle %d of at most %d", run.fs, caught, controlCycles)
		})
	}
}

// powerRig is a rig on a volume; a crash is a power cut, and a boot.
func powerRig(v *volume, store string, lost *int) *rig {
	r := newRig(v.t, filepath.Join(v.mounts, "buffer"), store)
	r.crash = func(kill func()) {
		_, n := v.disk.Cut(r.random.IntN(10) * 10)
		*lost += n
		time.Sleep(time.Duration(r.random.IntN(8)) * time.Millisecond) // the store sees the disk fail, and must not believe it
		v.shutdown()
		kill()
		v.remount()
	}
	return r
}

// The file system itself is told to drop what is in memory only, page cache and open journal.
func TestR2_FileSystemShutDown(t *testing.T) {
	began := time.Now()
	v := newVolume(t, "ext4", false)
	rig := func(store string) *rig {
		r := newRig(t, filepath.Join(v.mounts, "buffer"), store)
		r.crash = func(kill func()) { v.shutdown(); kill(); v.remount() }
		return r
	}
	caught := rig(hastyStore).control(controlCycles)
	r := rig(realStore)
	r.run(*downs)
	t.Logf("R2: ext4 shut down without its log %d times in %v: 0 acknowledged lost, 0 visible twice, 0 wrong bytes, 0 hand repairs; %v", *downs, time.Since(began).Round(time.Second), r)
	t.Logf("R3: ext4 shut down: a store that does not wait for the disk was caught in cycle %d of at most %d", caught, controlCycles)
}
