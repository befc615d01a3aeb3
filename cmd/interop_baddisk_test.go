//go:build interop

package cmd_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/gateway/status"
)

// badDisk is a disk that fails as it is told to.
type badDisk struct{ *disk }

// newBadDisk puts the buffer of a site on one.
func newBadDisk(s *site) badDisk {
	s.t.Helper()
	s.configure(counterField(s.counters) + bufferOn("buffer", s))
	return mountBadDisk(s, "")
}

// mountBadDisk mounts one as the folder buffer; prepare, in sh, puts something into its folder memory before.
func mountBadDisk(s *site, prepare string) badDisk {
	s.t.Helper()
	program := filepath.Join(s.dir, "baddisk")
	if out, err := exec.Command("go", "-C", "../buffer/faults", "build", "-o", program, "./baddisk").CombinedOutput(); err != nil {
		s.t.Fatalf("build baddisk: %v: %s", err, out)
	}
	return badDisk{mountDisk(s, "mkdir buffer memory; mount -t tmpfs tmpfs memory; "+prepare+"exec "+program+" memory buffer")}
}

// be tells it what to be, and waits until it is.
func (d badDisk) be(what string) {
	d.s.t.Helper()
	times := strings.Count(d.holder.said.String(), what)
	if _, err := fmt.Fprintln(d.holder.input, what); err != nil {
		d.s.t.Fatal(err)
	}
	until(d.s.t, 10*time.Second, "the disk is "+what, func() bool { return strings.Count(d.holder.said.String(), what) > times })
}

// Whatever the disk answers, the gateway reads on, says so, keeps what it read in memory, and has lost nothing when the disk is well
// again. It is the same process all along.
func TestR7_TheDiskFails(t *testing.T) {
	for _, fault := range []string{"eio", "readonly"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := newCounterSite(t, 4)
			d := newBadDisk(s)
			d.run()
			d.be(fault)
			began := time.Now()
			s.gateway.says("samples stay in memory until the buffer takes them")
			alarm := time.Since(began)
			bad := s.now()
			until(t, 20*time.Second, "it reads on", func() bool { return s.now().Buffer.Unsaved > bad.Buffer.Unsaved+300 })
			if st := s.now(); st.Connections[0].State != "up" || st.SamplesKept != st.SamplesRead || st.Starts != bad.Starts {
				t.Errorf("while the disk is %s: %+v", fault, st)
			}

			d.be("well")
			began = time.Now()
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
			t.Logf("R7: %s: said so after %v, polling went on, no restart, recovered %v after the disk was well; %d samples served, %d stored, 0 missing", fault, alarm.Round(time.Millisecond), recovered.Round(time.Millisecond), a.served, len(a.stored))
		})
	}
}

// State and buffer on one disk that fails, and comes back, twice: alarms and samples go on, and the gateway is the same process all along.
func TestR7_EverythingIsOnTheBadDisk(t *testing.T) {
	t.Parallel()
	s := newCounterSite(t, 2)
	s.configure(counterField(s.counters) + `rules:
  - name: begun
    when: counter1.half > 10
    alarm: {severity: high, text: begun}
`)
	s.edit(s.config(), filepath.Join(s.dir, "state"), filepath.Join(s.dir, "buffer", "state"))
	d := mountBadDisk(s, "cp -r state memory/state; ")
	s.cloud.stop()
	d.startGateway()
	until(t, 20*time.Second, "samples are kept", func() bool { return d.status().SamplesKept > 20 })
	for i, fault := range []string{"eio", "readonly"} {
		d.be(fault)
		bad := d.status()
		until(t, 20*time.Second, "it reads on", func() bool { return d.status().SamplesRead > bad.SamplesRead+200 })
		if st := d.status(); st.Connections[0].State != "up" || st.Alarms == 0 || st.Starts != 1 {
			t.Errorf("while the disk is %s: %+v", fault, st)
		}
		d.be("well")
		until(t, 20*time.Second, "it says that the buffer is well", func() bool {
			return strings.Count(s.gateway.said.String(), "the buffer takes samples again") > i
		})
		until(t, 10*time.Second, "what was in memory is on disk", func() bool { return d.status().Buffer.Unsaved < 100 })
	}
	s.gateway.stop()
}

// status asks a gateway whose socket is on the disk. Whether all is well with it, which the exit code says, is not asked.
func (d badDisk) status() (st status.Status) {
	d.s.t.Helper()
	ask := foreign(d.s.t, d.s.dir, "nsenter", fmt.Sprintf("--mount=/proc/%d/ns/mnt", d.holder.cmd.Process.Pid), ours("penstock"), "status", "-c", d.s.config(), "-o", "json")
	out, _ := ask.Output()
	if err := json.Unmarshal(out, &st); err != nil {
		d.s.t.Fatalf("status printed %q: %v", out, err)
	}
	return st
}
