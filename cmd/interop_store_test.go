//go:build interop

package cmd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// newStoreDisk puts the data of a site's cloud on a disk of 24 MiB in a mount namespace of its own (which needs root), and starts the cloud there.
func newStoreDisk(s *site) *disk {
	s.t.Helper()
	s.cloud.stop()
	d := &disk{s: s, path: filepath.Join(s.dir, "cloud", "data")}
	script := "cp -a cloud/data kept; mount -t tmpfs -o size=24m tmpfs cloud/data; cp -a kept/. cloud/data/; echo ready; exec cat"
	d.holder = start(s.t, foreign(s.t, s.dir, "unshare", "--mount", "sh", "-ec", script))
	d.holder.says("ready")
	d.startCloud()
	return d
}

// startCloud starts it where the disk is.
func (d *disk) startCloud() {
	d.s.t.Helper()
	d.s.cloud = start(d.s.t, foreign(d.s.t, d.s.dir, "nsenter", fmt.Sprintf("--mount=/proc/%d/ns/mnt", d.holder.cmd.Process.Pid), ours("penstock-cloud"), "run", "-c", d.s.made.Config))
	d.s.cloud.says("pages and API")
}

// rss is the memory of a process, in bytes.
func (p *program) rss(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// The disk of the cloud is full: nothing is acknowledged that is not stored, the cloud's memory stays where it was, what gateways send waits with them, and
// when there is room again all of it is stored without a restart.
func TestTheDiskOfTheCloudIsFull(t *testing.T) {
	t.Parallel()
	s := newCounterSite(t, 3)
	d := newStoreDisk(s)
	s.startGateway()
	until(t, 30*time.Second, "the first samples are stored", func() bool { return s.now().Targets[0].SentSamples > 100 })
	d.fill()
	before := s.cloud.rss(t)
	s.cloud.says("the store takes nothing")
	until(t, 30*time.Second, "samples wait with the gateway", func() bool { return s.now().Buffer.Samples > 400 })
	full := s.now()
	if !full.Targets[0].Connected || full.Connections[0].State != "up" {
		t.Errorf("while the cloud's disk is full: %+v", full)
	}
	if r := s.tell("ledger", "plant7", "-o", "json"); r.code != 0 {
		t.Errorf("what is stored cannot be read while the disk is full: %s", r.stderr)
	}
	grown := s.cloud.rss(t) - before
	if grown > 64<<20 {
		t.Errorf("the cloud grew by %d MiB while it could store nothing", grown>>20)
	}

	d.clear()
	began := time.Now()
	s.cloud.says("the store takes what comes again")
	until(t, 30*time.Second, "what waited is stored", func() bool { return s.now().Buffer.Samples < 200 })
	healed := time.Since(began)
	s.rest()
	until(t, 30*time.Second, "the buffer is empty", func() bool { return s.now().Buffer.Samples == 0 })
	kept := s.now()
	s.gateway.stop()
	a := s.audit()
	if len(a.missing) > 0 || uint64(len(a.stored)) != kept.SamplesKept {
		t.Errorf("%d kept, %d stored, %d of %d served are missing", kept.SamplesKept, len(a.stored), len(a.missing), a.served)
	}
	t.Logf("%d samples waited, stored %v after there was room again; the cloud grew by %d KiB meanwhile; %d served, %d stored",
		full.Buffer.Samples, healed.Round(time.Millisecond), grown>>10, a.served, len(a.stored))
}

// Killed while its disk is full, the cloud starts again when there is room and has all that it had acknowledged.
func TestTheCloudIsKilledWhileItsDiskIsFull(t *testing.T) {
	t.Parallel()
	s := newCounterSite(t, 2)
	d := newStoreDisk(s)
	s.startGateway()
	until(t, 30*time.Second, "the first samples are stored", func() bool { return s.now().Targets[0].SentSamples > 50 })
	d.fill()
	s.cloud.says("the store takes nothing")
	s.cloud.kill()
	d.clear()
	d.startCloud()
	s.rest()
	until(t, time.Minute, "the buffer is empty", func() bool { return s.now().Buffer.Samples == 0 })
	kept := s.now()
	s.gateway.stop()
	a := s.audit()
	if len(a.missing) > 0 || uint64(len(a.stored)) != kept.SamplesKept {
		t.Errorf("%d kept, %d stored, %d missing", kept.SamplesKept, len(a.stored), len(a.missing))
	}
}
