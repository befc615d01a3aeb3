package cmd_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// programs is the folder that the two programs under test were built into, once a run.
var programs string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "penstock-cmd-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir, "./penstock", "./penstock-cloud")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the programs under test: %v\n%s", err, out)
		return 1
	}
	programs = dir
	return m.Run()
}

// ours is the path of a program under test.
func ours(name string) string { return filepath.Join(programs, name) }

// result is what a command that has ended gave.
type result struct {
	code           int
	stdout, stderr string
}

// command runs a program under test to its end.
func command(t testing.TB, env []string, name string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, ours(name), args...)
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // the exit code tells
	if ctx.Err() != nil {
		t.Errorf("%s %s has not ended in a minute", name, strings.Join(args, " "))
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// program is a process that runs beside the test.
type program struct {
	t     testing.TB
	name  string
	cmd   *exec.Cmd
	input io.WriteCloser
	said  transcript
	ended chan struct{} // closed when it has
}

// start starts a program; it ends with the test at the latest.
func start(t testing.TB, cmd *exec.Cmd) *program {
	t.Helper()
	p := &program{t: t, name: filepath.Base(cmd.Path), cmd: cmd, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.said, &p.said
	var err error
	if p.input, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // the exit code tells
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s said:\n%s", p.name, p.said.tail())
		}
	})
	return p
}

// kill is kill -9. It returns when the process is gone.
func (p *program) kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.ended
}

// stop is SIGTERM, on which a program ends well and soon.
func (p *program) stop() {
	p.t.Helper()
	const soon = 2 * time.Second
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Errorf("%s has ended before it was told to: %v", p.name, err)
	}
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		p.t.Fatalf("%s does not end on SIGTERM", p.name)
	}
	if took, code := time.Since(began), p.cmd.ProcessState.ExitCode(); code != 0 || took > soon {
		p.t.Errorf("%s ended with code %d, %v after SIGTERM; want 0 within %v", p.name, code, took, soon)
	}
}

func (p *program) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// says waits until the program has said something.
func (p *program) says(what string) {
	p.t.Helper()
	until(p.t, 30*time.Second, p.name+" says "+what, func() bool {
		if !p.running() && !strings.Contains(p.said.String(), what) {
			p.t.Fatalf("%s ended with code %d before it said %q", p.name, p.cmd.ProcessState.ExitCode(), what)
		}
		return strings.Contains(p.said.String(), what)
	})
}

// transcript is what a running program writes.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *transcript) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// tail is the end of it: a test that fails need not print a log of megabytes.
func (s *transcript) tail() string {
	text := s.String()
	return text[max(0, len(text)-4000):]
}

// until polls a condition, to a deadline.
func until(t testing.TB, within time.Duration, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not after %v: %s", within, what)
		}
	}
}
