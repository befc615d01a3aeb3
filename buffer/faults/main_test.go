package faults_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// How often. The defaults are the short form of make test, make faults gives the full lengths.
var (
	kills    = flag.Int("kills", 60, "R1: how often to kill the store")
	ext4Cuts = flag.Int("ext4cuts", 30, "R2: how often to cut the power of an ext4")
	xfsCuts  = flag.Int("xfscuts", 12, "R2: how often to cut the power of an XFS")
	downs    = flag.Int("downs", 20, "R2: how often to shut an ext4 down without its log")
	stride   = flag.Int("stride", 25, "R4: of so many writes, fsyncs and opens one is made to fail; 1: each")
)

// The stores under test, built once a run: the real one, and one whose commits return before they are on disk.
var realStore, hastyStore string

func TestMain(m *testing.M) { os.Exit(alone(m)) }

// alone runs the tests in a mount namespace of their own. Else a process that copies the mounts meanwhile (a container, say)
// would keep a crashed file system alive, and the next mount would get that one back instead of reading the disk. And whatever
// becomes of the tests, nothing stays mounted.
func alone(m *testing.M) int {
	if os.Getenv("PENSTOCK_FAULTS_ALONE") != "" {
		return buildAndRun(m)
	}
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "these tests mount file systems on loop devices and FUSE: run them as root")
		return 1
	}
	runtime.LockOSThread() // the child must not outlive us, and that is held by the thread that starts it
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), "PENSTOCK_FAULTS_ALONE=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Run(); err != nil {
		return 1
	}
	return 0
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "penstock-faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	realStore, hastyStore = filepath.Join(dir, "store"), filepath.Join(dir, "hasty")
	overlay, err := hasty(dir)
	if err == nil {
		err = build(realStore)
	}
	if err == nil {
		err = build(hastyStore, "-overlay", overlay)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the stores under test:", err)
		return 1
	}
	return m.Run()
}

func build(path string, args ...string) error {
	cmd := exec.Command("go", append(append([]string{"build", "-o", path}, args...), "./store")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// hasty makes the build that R3 is about: the buffer as it is, save that bbolt does not wait for the disk.
func hasty(dir string) (overlay string, err error) {
	original, err := filepath.Abs("../bolt.go")
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	changed := strings.Replace(string(text), "&bbolt.Options{", "&bbolt.Options{NoSync: true, ", 1)
	if changed == string(text) {
		return "", fmt.Errorf("%s opens bbolt with options that this test does not know", original)
	}
	replacement := filepath.Join(dir, "bolt.go")
	if err := os.WriteFile(replacement, []byte(changed), 0o600); err != nil {
		return "", err
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: replacement}})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, replace, 0o600)
}
