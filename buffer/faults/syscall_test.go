package faults_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penstock-edge/penstock/buffer/faults"
	"github.com/penstock-edge/penstock/buffer/faults/badfs"
)

// Whichever system call of a session fails, once or from then on, undone or done all the same: what was acknowledged is there
// afterwards, once, and the store does not panic. After one failure it goes on by itself, and keeps everything.
func TestR4_TheKthOperationFails(t *testing.T) {
	began := time.Now()
	shapes := []badfs.Fault{
		{Error: syscall.EIO, Count: 1}, {Error: syscall.EIO}, {Error: syscall.ENOSPC}, {Error: syscall.EROFS},
		{Error: syscall.EIO, Count: 1, Late: true}, {Error: syscall.EIO, Late: true},
	}
	var lines []string
	for _, o := range []badfs.Operation{badfs.Write, badfs.Fsync, badfs.Open, badfs.Rename, badfs.Unlink, badfs.Truncate, badfs.Mkdir} {
		of := shapes
		if o == badfs.Write {
			of = append(of, badfs.Fault{Error: syscall.ENOSPC, Count: 1, Half: true}, badfs.Fault{Error: syscall.ENOSPC, Half: true})
		}
		runs, last := sessions(t, o, of)
		lines = append(lines, fmt.Sprintf("%s %d in %d runs", o, last, runs))
	}
	runs, last := sessions(t, badfs.Read, []badfs.Fault{{Error: syscall.EIO, Count: 4}, {Error: syscall.EIO}}) // 4: the kernel tries again by itself
	lines = append(lines, fmt.Sprintf("read %d in %d runs (what it lost was declared)", last, runs))
	t.Logf("R4: each operation of a session failed in turn, in %d ways, in %v: 0 acknowledged lost, 0 visible twice, 0 panics; %s", len(shapes), time.Since(began).Round(time.Second), strings.Join(lines, ", "))
}

// job is one session with a fault.
type job struct {
	fault badfs.Fault
	until *ending
}

// ending is the highest number that a shape of fault is tried with: when it does not strike any more, the session has ended before it.
type ending struct {
	mu   sync.Mutex
	last int
	over bool
}

// sessions tries a kind of operation, in all shapes of fault, for every k, a few at a time. last is the highest k that struck.
func sessions(t *testing.T, o badfs.Operation, shapes []badfs.Fault) (runs, last int) {
	t.Helper()
	step := *stride
	if rare := o != badfs.Write && o != badfs.Fsync && o != badfs.Open && o != badfs.Read; rare {
		step = 1
	}
	jobs := make(chan job)
	var workers sync.WaitGroup
	for range 3 {
		b := newBench(t)
		workers.Go(func() {
			for j := range jobs {
				b.try(j)
			}
		})
	}
	var ends []*ending
	for i, shape := range shapes {
		end := &ending{}
		ends = append(ends, end)
		shape.Operations = []badfs.Operation{o}
		for k := 1 + i%step; !end.isOver() && !t.Failed(); k += step {
			shape.At = k
			runs++
			jobs <- job{shape, end}
		}
	}
	close(jobs)
	workers.Wait()
	for _, end := range ends {
		last = max(last, end.last)
	}
	if last == 0 {
		t.Errorf("no %s was made to fail", o)
	}
	return runs, last
}

func (e *ending) isOver() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.over
}

func (e *ending) note(k int, struck bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if struck {
		e.last = max(e.last, k)
	} else {
		e.over = true
	}
}

// bench is a folder in memory, and the same through a file system that fails.
type bench struct {
	t              *testing.T
	folder, broken string
	fs             *badfs.FS
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{t: t, folder: filepath.Join(dir, "folder"), broken: filepath.Join(dir, "broken")}
	if err := errors.Join(os.Mkdir(b.folder, 0o700), os.Mkdir(b.broken, 0o700), unix.Mount("tmpfs", b.folder, "tmpfs", 0, "size=64m")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(b.folder, unix.MNT_DETACH) })
	var err error
	if b.fs, err = badfs.Mount(b.folder, b.broken); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.fs.Unmount(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// sessionItems is how many items a session keeps on a healthy disk.
const sessionItems = 3 * 3 * (3 + 1 + 6)

// try runs one session, and looks at what is left with the disk well again.
func (b *bench) try(j job) {
	dir := filepath.Join(b.folder, "buffer")
	if err := os.RemoveAll(dir); err != nil {
		b.t.Error(err)
	}
	b.fs.Break(j.fault)
	ledger := faults.NewLedger()
	ledger.Lossy = slices.Contains(j.fault.Operations, badfs.Read)
	err := run(ledger, realStore, "session", filepath.Join(b.broken, "buffer"), "1")
	struck := b.fs.Struck()
	j.until.note(j.fault.At, struck > 0)
	b.fs.Break(badfs.Fault{})
	switch {
	case err != nil && (strings.Contains(err.Error(), "panic") || strings.Contains(err.Error(), "fatal error")):
		ledger.Wrong = append(ledger.Wrong, err.Error())
	case j.fault.Count == 1 && !ledger.Lossy && (err != nil || len(ledger.Kept) != sessionItems):
		ledger.Wrong = append(ledger.Wrong, fmt.Sprintf("one failure stopped it at %d of %d items: %v", len(ledger.Kept), sessionItems, err))
	}
	if err := run(ledger, realStore, "look", dir); err != nil {
		ledger.Wrong = append(ledger.Wrong, "the folder does not open: "+err.Error())
	}
	ledger.Settle()
	if len(ledger.Wrong) > 0 {
		b.t.Errorf("%+v, struck %d times: %s", j.fault, struck, strings.Join(ledger.Wrong[:min(8, len(ledger.Wrong))], "; "))
	}
}

// hung is when a store that runs to its end by itself should long have done so.
const hung = time.Minute

// run runs a store to its end, and takes down what it says.
func run(ledger *faults.Ledger, store string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), hung)
	defer cancel()
	cmd := exec.CommandContext(ctx, store, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) } // so that it says where it hangs
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ledger.Listen(out, nil)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, said.String())
	}
	return nil
}
