package isolate

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// opened is a lab in a process of its own. farewell is there once it was closed.
func opened(t *testing.T, log *slog.Logger) (a adapters.Adapter, farewell string) {
	t.Helper()
	farewell = filepath.Join(t.TempDir(), "farewell")
	a, err := Kind(lab()).Wrap(&labConnection{Address: farewell}).Open(t.Context(), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a, farewell
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func read(t *testing.T, a adapters.Adapter, within time.Duration, points ...adapters.Point) ([]telemetry.Sample, error) {
	t.Helper()
	r, err := a.Prepare(points)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	var got []telemetry.Sample
	err = r.Read(ctx, func(s []telemetry.Sample) { got = append(got, s...) })
	return got, err
}

func exists(name string) bool { _, err := os.Stat(name); return err == nil }

// gone reports whether a process has ended, and its parent knows.
func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

func TestS3_APanicEndsOneConnectionOnly(t *testing.T) {
	a, _ := opened(t, quiet())
	other, _ := opened(t, quiet())
	subscription := make(chan error, 1)
	go func() {
		subscription <- a.(adapters.Subscriber).Subscribe(context.Background(), []adapters.Point{labPoint(9, "x")}, func([]telemetry.Sample) {})
	}()
	got, err := read(t, a, 10*time.Second, labPoint(1, "text:abc"), labPoint(2, "panic"), labPoint(3, "x"))
	if err == nil || errors.Is(err, adapters.ErrNoAnswer) || !strings.Contains(err.Error(), "panic: hostile bytes") {
		t.Errorf("the reading of a process that died: %v", err)
	}
	if len(got) != 3 || got[0] != (telemetry.Sample{Point: 1, Time: 1, Sourced: true, Value: telemetry.String("xxx")}) || got[1].Quality != telemetry.BadNoCommunication || got[2].Quality != telemetry.BadNoCommunication {
		t.Errorf("it emitted %v", got)
	}
	if err := <-subscription; err == nil {
		t.Error("the subscription ended without an error")
	}
	if _, err := a.Prepare(nil); err == nil {
		t.Error("what has died still plans")
	}
	if got, err := read(t, other, 10*time.Second, labPoint(1, "text:ab")); err != nil || got[0].Value != telemetry.String("xx") {
		t.Errorf("another connection: %v, %v", got, err)
	}
	if _, err := Kind(lab()).Wrap(&labConnection{Address: "panic"}).Open(t.Context(), quiet()); err == nil || !strings.Contains(err.Error(), "panic: hostile bytes") {
		t.Errorf("a panic while opening: %v", err)
	}
}

func TestValuesAndErrorsComeThrough(t *testing.T) {
	var log bytes.Buffer
	a, farewell := opened(t, slog.New(slog.NewTextHandler(&log, nil)))
	w := a.(adapters.Writer)
	for name, v := range map[string]telemetry.Value{
		"a": telemetry.Bool(true), "b": telemetry.Int64(math.MinInt64), "c": telemetry.Uint64(math.MaxUint64), "d": telemetry.Float64(math.NaN()), "e": telemetry.String("Füllstand"), "f": {},
	} {
		if err := w.Write(t.Context(), labPoint(1, name), v); err != nil {
			t.Fatal(err)
		}
		if got, err := read(t, a, 10*time.Second, labPoint(4, "written:"+name)); err != nil || got[0] != (telemetry.Sample{Point: 4, Time: 4, Value: v}) {
			t.Errorf("wrote %v, read %v, %v", v, got, err)
		}
	}
	if err := w.Write(t.Context(), labPoint(1, "refused"), telemetry.Bool(true)); err == nil || err.Error() != "refused" {
		t.Errorf("a write that is refused: %v", err)
	}
	if got, err := read(t, a, 10*time.Second, labPoint(1, "silent"), labPoint(2, "x")); !errors.Is(err, adapters.ErrNoAnswer) || len(got) != 2 || got[0].Quality != telemetry.BadTimeout || !got[1].Quality.IsBad() {
		t.Errorf("a device that keeps silent: %v, %v", got, err)
	}
	if got, err := read(t, a, 10*time.Second, labPoint(1, "long")); err != nil || got[0].Quality != textTooLong || !got[0].Value.IsNone() {
		t.Errorf("a text that is too long: %v, %v", got[0].Quality, err)
	}
	if _, err := Kind(lab()).Wrap(&labConnection{Address: "nobody"}).Open(t.Context(), quiet()); err == nil || err.Error() != "nobody is there" {
		t.Errorf("nobody to open: %v", err)
	}
	a.Close()
	if !exists(farewell) {
		t.Error("Close did not close the adapter")
	}
	if !strings.Contains(log.String(), "level=WARN msg=opened line=7 at=") {
		t.Errorf("the log is %q", log.String())
	}
}

func TestManyPointsAndSamples(t *testing.T) {
	a, _ := opened(t, quiet())
	var points []adapters.Point
	for i := range 20_000 {
		points = append(points, labPoint(telemetry.PointID(i), "x"))
	}
	got, err := read(t, a, time.Minute, points...)
	if err != nil || len(got) != len(points) {
		t.Fatalf("%d samples, %v", len(got), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	next := make([]int64, len(points))
	err = a.(adapters.Subscriber).Subscribe(ctx, points, func(samples []telemetry.Sample) {
		for _, s := range samples {
			if s.Time != next[s.Point] || s.Value != telemetry.Int64(s.Time) {
				t.Errorf("point %d: number %d, want %d", s.Point, s.Time, next[s.Point])
				cancel()
			}
			if next[s.Point]++; s.Time == 20 {
				cancel()
			}
		}
	})
	if err != nil {
		t.Errorf("ended by its context: %v", err)
	}
}

func TestAProcessThatHangsIsEnded(t *testing.T) {
	for _, at := range []string{"deaf", "stop"} {
		a, _ := opened(t, quiet())
		pid, err := read(t, a, 10*time.Second, labPoint(1, "pid"))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		got, err := read(t, a, 100*time.Millisecond, labPoint(1, at))
		if err == nil || len(got) != 1 || got[0].Quality != telemetry.BadTimeout || time.Since(began) > 5*time.Second {
			t.Errorf("%s: %v, %v after %s", at, got, err, time.Since(began))
		}
		n, _ := pid[0].Value.Float()
		eventually(t, "the process being ended", func() bool { return gone(int(n)) })
		if _, err := a.Prepare(nil); !errors.Is(err, errHung) {
			t.Errorf("%s: afterwards: %v", at, err)
		}
	}
}

// A parent that is killed leaves no child behind, and the child takes its leave of the equipment.
func TestTheChildGoesWithItsParent(t *testing.T) {
	if os.Getenv("ISOLATE_PARENT") != "" {
		a, err := Kind(lab()).Wrap(&labConnection{Address: os.Getenv("ISOLATE_PARENT")}).Open(t.Context(), quiet())
		if err != nil {
			t.Fatal(err)
		}
		pid, err := read(t, a, 10*time.Second, labPoint(1, "pid"))
		if err != nil {
			t.Fatal(err)
		}
		os.WriteFile(os.Getenv("ISOLATE_PARENT")+".pid", []byte(pid[0].Value.String()+"\n"), 0o600)
		select {}
	}
	farewell := filepath.Join(t.TempDir(), "farewell")
	parent := exec.Command(os.Args[0], "-test.run", "^TestTheChildGoesWithItsParent$")
	parent.Env = append(os.Environ(), "ISOLATE_PARENT="+farewell)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the child", func() bool { text, _ := os.ReadFile(farewell + ".pid"); return bytes.HasSuffix(text, []byte("\n")) })
	_ = parent.Process.Kill()
	_ = parent.Wait()
	eventually(t, "the farewell", func() bool { return exists(farewell) })
}
