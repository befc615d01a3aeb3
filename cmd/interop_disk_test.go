//go:build interop

package cmd_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A full disk stops nobody: the gateway reads on, keeps in memory what the disk does not take, and has lost nothing when there is room
// again. The disk is a small one of its own, in a mount namespace that only the gateway is in (which needs root).
func TestTheDiskIsFull(t *testing.T) {
	t.Parallel()
	s := newCounterSite(t, 4)
	buffer := filepath.Join(s.dir, "buffer")
	s.configure(counterField(s.counters) + "buffer: {path: " + buffer + "}\n")
	s.cloud.stop() // so that everything stays in the buffer
	script := fmt.Sprintf("mkdir %[1]s && mount -t tmpfs -o size=4m tmpfs %[1]s && exec %[2]s run -c %[3]s", buffer, ours("penstock"), s.config())
	s.gateway = start(t, foreign(t, s.dir, "unshare", "--mount", "sh", "-ec", script))
	s.gateway.says("msg=running")
	until(t, 20*time.Second, "samples are on disk", func() bool { st := s.now(); return st.SamplesKept > st.Buffer.Unsaved+50 })

	filler := filepath.Join("/proc", fmt.Sprint(s.gateway.cmd.Process.Pid), "root", buffer, "filler")
	fill(t, filler)
	s.gateway.says("samples stay in memory until the buffer takes them")
	full := s.now()
	until(t, 20*time.Second, "it reads on while the disk is full", func() bool { st := s.now(); return st.Buffer.Unsaved > full.Buffer.Unsaved+200 })
	if st := s.now(); st.Connections[0].State != "up" || st.SamplesKept != st.SamplesRead {
		t.Errorf("while the disk is full: %+v", st)
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s.gateway.says("the buffer takes samples again")
	until(t, 10*time.Second, "what was in memory is on disk", func() bool { return s.now().Buffer.Unsaved < 200 })
	recovered := time.Since(began)

	s.startCloud()
	s.rest()
	until(t, time.Minute, "the buffer is empty", func() bool { return s.now().Buffer.Samples == 0 })
	kept := s.now().SamplesKept
	s.gateway.stop()
	a := s.audit()
	if len(a.missing) > 0 || uint64(len(a.stored)) != kept {
		t.Errorf("%d samples kept, %d stored, %d of those served are missing", kept, len(a.stored), len(a.missing))
	}
	t.Logf("recovered %v after there was room again; %d samples served, %d stored", recovered.Round(time.Millisecond), a.served, len(a.stored))
}

// A gateway that finds no room for its state says so and ends.
func TestTheDiskIsFullFromTheStart(t *testing.T) {
	t.Parallel()
	s := &site{t: t, dir: t.TempDir()}
	disk := filepath.Join(s.dir, "disk")
	s.write(s.config(), "version: 1\nstate: "+filepath.Join(disk, "state")+"\n")
	script := fmt.Sprintf("mkdir %[1]s; mount -t tmpfs -o size=64k tmpfs %[1]s; cat /dev/zero >%[1]s/filler 2>/dev/null; exec %[2]s run -c %[3]s", disk, ours("penstock"), s.config())
	p := start(t, foreign(t, s.dir, "unshare", "--mount", "sh", "-c", script))
	<-p.ended
	result{code: p.cmd.ProcessState.ExitCode(), stderr: p.said.String()}.refused(t, "run", 1, 1, "no space left on device", "set state: to a folder")
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for piece := 1 << 16; piece > 0; piece /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, piece))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
}
