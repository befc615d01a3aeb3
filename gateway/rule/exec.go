package rule

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Bounds of programs that rules run.
const (
	maxPrograms = 4    // at a time, of all rules
	maxOutput   = 4096 // bytes of what one says are logged
	searchPath  = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

// exec runs a program of the list, without a shell: what a template gave is one argument, whatever is in it.
func (e *Engine) exec(ctx context.Context, a *action) error {
	program := a.Command[0]
	gateway, allowed := e.allows(program)
	if !allowed {
		return fmt.Errorf("exec %s: it is not in the list of programs that rules may run: add it to exec:", program)
	}
	if e.o.Now().Sub(a.At) > tooOld {
		return fmt.Errorf("exec %s: it is too late: it should have run at %s", program, a.At.UTC().Format(time.RFC3339))
	}
	select {
	case e.programs <- struct{}{}:
		defer func() { <-e.programs }()
	case <-ctx.Done():
		return ctx.Err()
	}
	limited, cancel := context.WithTimeout(ctx, a.For)
	defer cancel()
	var said output
	cmd := exec.CommandContext(limited, program, a.Command[1:]...)
	cmd.Env = []string{searchPath, "PENSTOCK_RULE=" + a.Rule, "PENSTOCK_GATEWAY=" + gateway}
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that what it started ends with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case errors.Is(limited.Err(), context.DeadlineExceeded) && ctx.Err() == nil:
		return fmt.Errorf("exec %s: it ran longer than %s and was ended; it said: %s", program, a.For, said.String())
	case err != nil:
		return fmt.Errorf("exec %s: %w; it said: %s", program, err, said.String())
	}
	e.log.Info("program run", "rule", a.Rule, "program", program, "said", said.String())
	return nil
}

// allows says whether a program may be run, and the gateway's name.
func (e *Engine) allows(program string) (gateway string, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.plan.gateway, slices.Contains(e.plan.exec, program)
}

// output keeps the beginning of what a program says, and lets it say the rest to nobody.
type output struct {
	buf  bytes.Buffer
	more bool
}

func (o *output) Write(b []byte) (int, error) {
	room := maxOutput - o.buf.Len()
	o.more = o.more || len(b) > room
	o.buf.Write(b[:min(len(b), room)])
	return len(b), nil
}

func (o *output) String() string {
	s := strings.ToValidUTF8(strings.TrimSpace(o.buf.String()), "?")
	if o.more {
		s += " ..."
	}
	return s
}
