//go:build interop

package cmd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// foreign is a program of somebody else's. dir is where it runs.
func foreign(t testing.TB, dir, name string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: run make test, which installs it", err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	return cmd
}

// python is Debian's, which has the libraries of the peers.
const python = "/usr/bin/python3"

// serialLine is a cable between two serial ports.
func serialLine(t testing.TB) (device, gateway string) {
	t.Helper()
	dir := t.TempDir()
	device, gateway = filepath.Join(dir, "device"), filepath.Join(dir, "gateway")
	start(t, foreign(t, dir, "socat", "pty,raw,echo=0,link="+device, "pty,raw,echo=0,link="+gateway))
	until(t, 10*time.Second, "socat has made a line", func() bool {
		_, one := os.Stat(device)
		_, two := os.Stat(gateway)
		return one == nil && two == nil
	})
	return device, gateway
}

// collect runs the gateway until it has kept so many samples, and then until the cloud has all of them.
func (s *site) collect(samples uint64) {
	s.t.Helper()
	s.startGateway()
	until(s.t, time.Minute, "enough samples are kept", func() bool { return s.now().SamplesKept >= samples })
	s.gateway.stop()
	s.drain()
}

// inOrder checks that no time of a point is there twice.
func inOrder(t testing.TB, point string, list []sample) {
	t.Helper()
	for i := 1; i < len(list); i++ {
		if !list[i].Time.After(list[i-1].Time) {
			t.Errorf("%s: a sample of %v follows one of %v", point, list[i].Time, list[i-1].Time)
		}
	}
}
