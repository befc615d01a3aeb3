//go:build interop

package serial

import (
	"bufio"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// reading is what the scale showed at one moment; the peer logs it in these words.
type reading struct {
	Gross  float64 `json:"gross"`
	Tare   float64 `json:"tare"`
	Motion bool    `json:"motion"`
}

// program finds a program of the machine.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: run make test, which installs it", err)
	}
	return path
}

// start starts a program and ends it with the test.
func start(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t, name), args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return cmd
}

// wire is a serial line made by socat: what is written to one end comes out at the other.
func wire(t *testing.T) (device, gateway string) {
	t.Helper()
	dir := t.TempDir()
	device, gateway = filepath.Join(dir, "device"), filepath.Join(dir, "gateway")
	start(t, "socat", "pty,raw,echo=0,link="+device, "pty,raw,echo=0,link="+gateway)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		_, one := os.Stat(device)
		_, two := os.Stat(gateway)
		if one == nil && two == nil {
			return device, gateway
		}
		if time.Now().After(end) {
			t.Fatal("socat made no line in 10 s")
		}
	}
}

func TestAForeignScaleIsReadExactly(t *testing.T) {
	const frames = 150
	device, gateway := wire(t)
	c := Kind().New().(*Connection)
	c.Port, c.Line = gateway, Line{Baud: 9600, Bits: 7, Parity: 'E', Stop: 1}
	a, err := c.Open(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	d := toledo()
	h := subscribe(t, a, point(0, d, "gross", scaled(0.1), signedBy("swb.1")), point(1, d, "tare", scaled(0.1)), point(2, d, "swb", bit(3)))
	log := filepath.Join(t.TempDir(), "log")
	if err := start(t, "/usr/bin/python3", "testdata/peers/scale.py", device, log, "150").Wait(); err != nil {
		t.Fatal(err)
	}
	want := logged(t, log)
	if len(want) == 0 || len(want) == frames {
		t.Fatalf("the scale logged %d sound frames of %d; want some spoilt and some not", len(want), frames)
	}
	if got := h.readings(t, len(want)); !slices.Equal(got, want) {
		t.Errorf("read %v\nthe scale showed %v", got, want)
	}
	if more := len(h.samples); more > 0 {
		t.Errorf("%d samples more than the scale showed", more)
	}
	t.Logf("%d frames written, %d spoilt on the way, %d read, all as shown", frames, frames-len(want), len(want))
}

// logged are the readings of the peer's log, without those that were spoilt.
func logged(t *testing.T, path string) []reading {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var all []reading
	for in := json.NewDecoder(bufio.NewReader(file)); ; {
		var r *reading
		if err := in.Decode(&r); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if r != nil {
			all = append(all, *r)
		}
	}
}

// readings are the first n frames as the adapter emitted them: three samples each.
func (h heard) readings(t *testing.T, n int) []reading {
	t.Helper()
	var all []reading
	for range n {
		var r reading
		gross, tare, motion := h.sample(t, 0), h.sample(t, 1), h.sample(t, 2)
		r.Gross, _ = gross.Value.Float()
		r.Tare, _ = tare.Value.Float()
		r.Motion = motion.Value.Bool()
		all = append(all, r)
	}
	return all
}

func (h heard) sample(t *testing.T, id telemetry.PointID) telemetry.Sample {
	t.Helper()
	s := h.next(t, "a sample", func(telemetry.Sample) bool { return true })
	if s.Point != id || s.Quality != telemetry.Good {
		t.Fatalf("%+v; want point %d, good", s, id)
	}
	return s
}
