package isolate

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Bounds of what the other process may keep us waiting for.
const (
	writeLimit = 5 * time.Second // a pipe is full this long only when nobody reads it
	leaveLimit = 4 * time.Second // for its farewell to the equipment, after which it is killed
)

// process is a child and the pipes to it.
type process struct {
	cmd  *exec.Cmd
	out  io.ReadCloser
	said tail

	mu sync.Mutex // of in: frames go out whole
	in *os.File
}

// self is this very program, also when its file has been replaced by a newer one since: both ends of the pipe are of one version.
const self = "/proc/self/exe"

// start starts a child. It ends when its input does, so it can't outlive us, whatever we die of. (The kernel's own
// signal at a parent's death goes by the thread that started the child, and a thread may well end before the process.)
func start() (*process, error) {
	p := &process{cmd: exec.Command(self, argument)}
	p.cmd.Args[0] = os.Args[0]
	p.cmd.Env = childEnvironment(os.Environ())
	p.cmd.Stderr = &p.said
	p.cmd.WaitDelay = time.Second
	theirs, ours, err := os.Pipe() // and not StdinPipe: this end has deadlines
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	p.cmd.Stdin, p.in = theirs, ours
	if p.out, err = p.cmd.StdoutPipe(); err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		_ = ours.Close() // nobody has the other end
		return nil, err
	}
	return p, nil
}

// childEnvironment hands on what Go and the C library heed. The rest may hold secrets, and the line to the service manager is the parent's.
func childEnvironment(ours []string) []string {
	env := []string{insideChild + "=1"}
	for _, v := range ours {
		name, _, _ := strings.Cut(v, "=")
		switch {
		case name == "TZ", name == "PATH", name == "TMPDIR", name == "GODEBUG", name == "GOTRACEBACK", name == "GOMAXPROCS", name == "GOCOVERDIR", strings.HasPrefix(name, "LC_"), name == "LANG":
			env = append(env, v)
		}
	}
	return env
}

// send writes one frame. An error means that the process is of no use any more.
func (p *process) send(f frame) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.in.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	_, err := p.in.Write(appendFrame(nil, f))
	return err
}

// leave tells the process to end by closing its input; one that does not is killed.
func (p *process) leave() *time.Timer {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.in.Close() // a second time is no harm
	return time.AfterFunc(leaveLimit, p.kill)
}

func (p *process) kill() { _ = p.cmd.Process.Kill() } // an error says that it has ended

// wait returns when the process has ended, and says how.
func (p *process) wait() error {
	err := p.cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.in.Close()
	if what := p.said.fault(); what != "" {
		return fmt.Errorf("the process that runs this connection ended: %s", what)
	}
	if err != nil {
		return fmt.Errorf("the process that runs this connection ended: %w", err)
	}
	return errClosed
}

// tail keeps the first of what a process says to its standard error, which for a Go program is why it ends.
type tail struct {
	mu   sync.Mutex
	text bytes.Buffer
}

const maxSaid = 16 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(b[:min(len(b), maxSaid-t.text.Len())])
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// fault is the line that says what the program died of; empty when it says nothing of the kind.
func (t *tail) fault() string {
	for l := range strings.Lines(t.String()) {
		if strings.HasPrefix(l, "panic: ") || strings.HasPrefix(l, "fatal error: ") || strings.HasPrefix(l, "penstock: ") {
			return strings.TrimSpace(l)
		}
	}
	return ""
}
