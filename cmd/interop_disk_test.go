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

	"github.com/penstock-edge/penstock/gateway/status"
)

// disk is one in a mount namespace of its own (which needs root), where the gateway's buffer is.
type disk struct {
	s      *site
	path   string
	holder *program // keeps the namespace while no gateway is in it
}

// newDisk puts the buffer of a site on a disk of 4 MiB.
func newDisk(s *site) *disk {
	s.t.Helper()
	s.configure(counterField(s.counters) + bufferOn("buffer", s))
	return mountDisk(s, "mkdir buffer; mount -t tmpfs -o size=4m tmpfs buffer; echo ready; exec cat")
}

// mountDisk runs a script that mounts something as the folder buffer, says that it is ready, and stays.
func mountDisk(s *site, script string) *disk {
	s.t.Helper()
	d := &disk{s: s, path: filepath.Join(s.dir, "buffer")}
	d.holder = start(s.t, foreign(s.t, s.dir, "unshare", "--mount", "sh", "-ec", script))
	d.holder.says("ready")
	return d
}

// startGateway starts it where the disk is.
func (d *disk) startGateway() {
	d.s.t.Helper()
	d.s.before = d.s.served()
	d.s.gateway = start(d.s.t, foreign(d.s.t, d.s.dir, "nsenter", fmt.Sprintf("--mount=/proc/%d/ns/mnt", d.holder.cmd.Process.Pid), ours("penstock"), "run", "-c", d.s.config()))
	d.s.gateway.says("msg=running")
}

func (d *disk) filler() string {
	return filepath.Join("/proc", fmt.Sprint(d.holder.cmd.Process.Pid), "root", d.path, "filler")
}

// fill fills it to the last byte.
func (d *disk) fill() {
	d.s.t.Helper()
	f, err := os.OpenFile(d.filler(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		d.s.t.Fatal(err)
	}
	defer f.Close()
	for piece := 1 << 16; piece > 0; piece /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, piece))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			d.s.t.Fatal(err)
		}
	}
}

// clear makes room.
func (d *disk) clear() {
	d.s.t.Helper()
	if err := os.Remove(d.filler()); err != nil {
		d.s.t.Fatal(err)
	}
}

// run runs the gateway without a cloud until it has something on disk.
func (d *disk) run() {
	d.s.t.Helper()
	d.s.cloud.stop()
	d.startGateway()
	until(d.s.t, 20*time.Second, "samples are on disk", func() bool { st := d.s.now(); return st.SamplesKept > st.Buffer.Unsaved+50 })
}

// runUntilFull runs the gateway until the disk takes nothing any more, and gives its status then, and how long it took to say so.
func (d *disk) runUntilFull() (full status.Status, alarm time.Duration) {
	d.s.t.Helper()
	d.run()
	d.fill()
	began := time.Now()
	d.s.gateway.says("samples stay in memory until the buffer takes them")
	alarm = time.Since(began)
	return d.s.now(), alarm
}

// A full disk stops nobody: the gateway reads on, keeps in memory what the disk does not take, and has lost nothing when there is room
// again.
func TestR6_TheDiskIsFull(t *testing.T) {
	t.Parallel()
	s := newCounterSite(t, 4)
	d := newDisk(s)
	full, alarm := d.runUntilFull()
	until(t, 20*time.Second, "it reads on while the disk is full", func() bool { st := s.now(); return st.Buffer.Unsaved > full.Buffer.Unsaved+200 })
	if st := s.now(); st.Connections[0].State != "up" || st.SamplesKept != st.SamplesRead {
		t.Errorf("while the disk is full: %+v", st)
	}

	d.clear()
	began := time.Now()
	s.gateway.says("the buffer takes samples again")
	until(t, 10*time.Second, "what was in memory is on disk", func() bool { return s.now().Buffer.Unsaved < 200 })
	recovered := time.Since(began)

	s.startCloud()
	s.rest()
	until(t, time.Minute, "the buffer is empty", func() bool { return s.now().Buffer.Samples == 0 })
	s.gateway.stop()
	a := s.audit()
	if len(a.missing) > 0 {
		t.Errorf("%d stored, %d of %d served are missing", len(a.stored), len(a.missing), a.served)
	}
	t.Logf("R6: disk full: said so after %v, polling went on, recovered %v after there was room again; %d samples served, %d stored, 0 missing", alarm.Round(time.Millisecond), recovered.Round(time.Millisecond), a.served, len(a.stored))
}

// A disk that is full for so long that memory is full as well: what comes then is dropped, said, and counted to the sample; all that was
// read before is stored in the end.
func TestR6_MemoryIsFullAsWell(t *testing.T) {
	t.Parallel()
	s := newCounterSite(t, 4)
	for _, c := range s.counters {
		c.copies = 400 // 16,000 samples a second
	}
	d := newDisk(s)
	d.runUntilFull()
	s.gateway.says("memory is full, too")
	until(t, 20*time.Second, "it reads on and drops", func() bool { return s.now().Buffer.Dropped["memory full"] > 10_000 })
	d.clear()
	began := time.Now()
	until(t, 20*time.Second, "what was in memory is on disk", func() bool { return s.now().Buffer.Unsaved < 50_000 }) // of 262,144
	recovered := time.Since(began)

	s.startCloud()
	s.rest()
	until(t, time.Minute, "the buffer is empty", func() bool { return s.now().Buffer.Samples == 0 })
	st := s.now()
	s.gateway.stop()
	served, dropped := uint64(s.served()-s.before), st.Buffer.Dropped["memory full"]
	stored := uint64(0)
	for _, e := range s.ledger().Epochs {
		stored += e.StoredSamples
	}
	if stored != st.SamplesKept || st.SamplesKept+dropped != st.SamplesRead || st.SamplesRead < served { // a device that fell silent is a sample as well
		t.Errorf("%d samples served, %d read, %d kept, %d dropped, %d stored", served, st.SamplesRead, st.SamplesKept, dropped, stored)
	}
	t.Logf("R6: memory full as well: %d samples read = %d stored + %d dropped and counted; recovered %v after there was room again", st.SamplesRead, stored, dropped, recovered.Round(time.Millisecond))
}

// Killed while the disk is full, the gateway starts again on the full disk, reads, and has what it had saved.
func TestKilledWhileTheDiskIsFull(t *testing.T) {
	t.Parallel()
	s := newCounterSite(t, 4)
	d := newDisk(s)
	full, _ := d.runUntilFull()
	safe := full.SamplesKept - full.Buffer.Unsaved
	s.gateway.kill()
	d.fill() // what the gateway had let go of
	d.startGateway()
	until(t, 20*time.Second, "it reads on the full disk", func() bool { return s.now().SamplesKept > 200 })
	d.clear()
	s.startCloud()
	s.rest()
	until(t, time.Minute, "the buffer is empty", func() bool { return s.now().Buffer.Samples == 0 })
	second := s.now()
	s.gateway.stop()
	a := s.audit()
	if stored := uint64(len(a.stored)); stored < safe+second.SamplesKept {
		t.Errorf("%d samples were on disk at the kill and %d kept afterwards; %d are stored", safe, second.SamplesKept, stored)
	}
}

// Stopped while the disk is full, the gateway can't keep its promise, and says so.
func TestStoppedWhileTheDiskIsFull(t *testing.T) {
	t.Parallel()
	s := newCounterSite(t, 4)
	d := newDisk(s)
	d.runUntilFull()
	if err := s.gateway.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-s.gateway.ended
	if code := s.gateway.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("it ended with code %d, want 1", code)
	}
	s.gateway.says("samples were in memory only and are lost (make room on the disk of the buffer before the next start)")
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
