//go:build interop

package cmd_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// badDisk is a disk that fails as it is told to.
type badDisk struct{ *disk }

// newBadDisk puts the buffer of a site on one.
func newBadDisk(s *site) badDisk {
	s.t.Helper()
	program := filepath.Join(s.dir, "baddisk")
	if out, err := exec.Command("go", "-C", "../buffer/faults", "build", "-o", program, "./baddisk").CombinedOutput(); err != nil {
		s.t.Fatalf("build baddisk: %v: %s", err, out)
	}
	s.configure(counterField(s.counters) + bufferOn("buffer", s))
	return badDisk{mountDisk(s, "mkdir buffer memory; mount -t tmpfs tmpfs memory; exec "+program+" memory buffer")}
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
