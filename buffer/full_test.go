package buffer_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/penstock-edge/penstock/buffer"
)

// full is the child process: files cannot grow for a while, as on a full disk.
func full(dir string) error {
	q, err := buffer.Open(dir, buffer.Options{})
	if err != nil {
		return err
	}
	r := buffer.Record{Class: buffer.Normal, Samples: 1, Data: make([]byte, 100_000)}
	appended := uint64(0)
	put := func() error {
		_, err := q.Append(context.Background(), r)
		if err == nil {
			appended++
		}
		return err
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 4 << 20, Max: limit.Max}); err != nil {
		return err
	}
	for put() == nil {
	}
	for range 3 {
		if err := put(); err == nil || !strings.Contains(err.Error(), "file too large") {
			return fmt.Errorf("while full: %w", err)
		}
	}
	if err := q.Ack(1, appended); err != nil {
		return err
	}
	if err := put(); err != nil {
		return fmt.Errorf("acknowledged records make no room: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	for range 100 {
		if err := put(); err != nil {
			return fmt.Errorf("with room again: %w", err)
		}
	}
	if s := q.Stats(); s.Newest != appended || s.Records != 101 {
		return fmt.Errorf("%d were appended, %+v", appended, s)
	}
	return q.Close()
}

func TestAFullDiskIsSaidAndLeavesNothingHalfDone(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PENSTOCK_TEST_FULL="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	q := open(t, dir, buffer.Options{})
	if recs := all(t, q); len(recs) != 101 || len(q.Losses()) > 0 {
		t.Errorf("%d records, losses %v", len(recs), q.Losses())
	}
}
