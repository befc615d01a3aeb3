//go:build interop

package packaging

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// image is the Debian that make tools makes.
const image = "bookworm-systemd-1.tar"

// machine is a Debian of its own under its own systemd, network and processes.
type machine struct {
	t      *testing.T
	root   string
	leader int    // its process 1, as this machine numbers it
	token  string // of the cloud's administrator, once there is a cloud
}

// boot unpacks the image, lets prepare put files in, and starts systemd. It needs root, and no systemd on this machine.
func boot(t *testing.T, prepare func(root string)) *machine {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, root: t.TempDir()}
	here(t, "tar", "-C", m.root, "-xf", filepath.Join(cache, "penstock", image))
	m.write("etc/hosts", "127.0.0.1 localhost\n") // the image has none, and the machine asks nobody else
	m.write("etc/resolv.conf", "")
	prepare(m.root)
	nspawn := exec.Command(find(t, "systemd-nspawn"), "--quiet", "--boot", "--directory="+m.root,
		fmt.Sprintf("--machine=penstock-%d", os.Getpid()), "--register=no", "--keep-unit", "--private-network", "--resolv-conf=off", "--console=pipe")
	var console bytes.Buffer
	nspawn.Stdout, nspawn.Stderr = &console, &console
	if err := nspawn.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- nspawn.Wait() }()
	t.Cleanup(func() {
		// Nothing else ends a machine whose nspawn has died.
		if m.leader != 0 {
			_ = syscall.Kill(m.leader, syscall.SIGKILL)
		}
		_ = nspawn.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("the console said:\n%s", console.String())
		}
	})
	until(t, "the machine has a process 1", func() bool {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the machine does not start (run make test as root, which installs what it needs): %v", err)
		default:
		}
		m.leader = initOf(nspawn.Process.Pid)
		return m.leader != 0
	})
	until(t, "the machine is up", func() bool {
		state, _ := m.try("systemctl", "is-system-running") // its exit code says the same
		return state == "running" || state == "degraded"
	})
	return m
}

// initOf finds the child of nspawn that is the machine's process 1; 0 while there is none.
func initOf(nspawn int) int {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", nspawn)) // the pattern is well formed
	for _, list := range lists {
		children, _ := os.ReadFile(list) // a thread that has just ended has none
		for child := range strings.FieldsSeq(string(children)) {
			name, _ := os.ReadFile("/proc/" + child + "/comm") // nor a process
			if pid, err := strconv.Atoi(child); err == nil && strings.TrimSpace(string(name)) == "systemd" {
				return pid
			}
		}
	}
	return 0
}

// try runs a program inside and gives what it said.
func (m *machine) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	enter := []string{"--target", strconv.Itoa(m.leader), "--all", "--", "/usr/bin/env", "-i",
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}
	out, err := exec.CommandContext(ctx, find(m.t, "nsenter"), append(enter, args...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// run runs a program inside, which must succeed.
func (m *machine) run(args ...string) string {
	m.t.Helper()
	out, err := m.try(args...)
	if err != nil {
		journal, _ := m.try("journalctl", "--no-pager", "-n", "30") // to read beside the failure
		m.t.Fatalf("%s: %v\n%s\nthe journal:\n%s", strings.Join(args, " "), err, out, journal)
	}
	return out
}

// ask runs a program inside that prints JSON.
func (m *machine) ask(into any, args ...string) error {
	out, err := m.try(args...)
	if decodeErr := json.Unmarshal([]byte(out), into); decodeErr != nil {
		return fmt.Errorf("%s: %s: %w (%w)", strings.Join(args, " "), out, decodeErr, err)
	}
	return nil // status says by its exit code that a target is down; that is for the test to judge
}

// show is one property of a unit.
func (m *machine) show(unit, property string) string {
	m.t.Helper()
	return m.run("systemctl", "show", "--value", "-p", property, unit)
}

// write puts a file into the machine, where it keeps the owner and mode of one that was there.
func (m *machine) write(path, text string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.root, path), []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// has tells whether a file is there.
func (m *machine) has(path string) bool {
	_, err := os.Lstat(filepath.Join(m.root, path))
	return err == nil
}

// until waits for something, and gives it a minute.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("waited a minute, and still not: %s", what)
		}
	}
}

// find finds a program of this machine.
func find(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: run make test, which installs it", err)
	}
	return path
}

// here runs a program on this machine, which must succeed.
func here(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), find(t, name), args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v (run make test, which makes what it needs)\n%s", name, strings.Join(args, " "), err, out)
	}
}
