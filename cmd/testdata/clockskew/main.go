//go:build linux && amd64

// clockskew runs a static Go program, which libfaketime cannot fool, with a wrong wall clock; the monotonic clock and that of the time since
// boot stay true, as they do when somebody sets the clock.
//
//	clockskew [-on SKEW] [-off SKEW] COMMAND...     e.g. clockskew -on -72h ./penstock run -c gateway.yaml
//
// A skew is how far the clock is wrong by, or a date such as 1970-01-01T00:00:20Z that it shows at the start. It starts with that of -on, and SIGUSR1 to
// clockskew switches to that of -off (right, unless said otherwise) and back, so a step can happen while the program runs. While the clock is wrong the
// kernel does not vouch for it, as adjtimex(2) tells; while it is right, it does.
//
// How: on exec the vDSO is hidden from the program (AT_SYSINFO_EHDR in its auxv becomes AT_IGNORE), so that it asks the kernel for the time,
// and the results of clock_gettime(CLOCK_REALTIME) and adjtimex are changed on their way out (ptrace).
package main

import (
	"encoding/binary"
	"flag"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	on := flag.String("on", "0s", "how far the clock is wrong by at the start, or what it shows")
	off := flag.String("off", "0s", "and after SIGUSR1")
	flag.Parse()
	skews := [2]int64{skew(*on), skew(*off)}
	runtime.LockOSThread() // ptrace belongs to a thread
	c := exec.Command(flag.Arg(0), flag.Args()[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := c.Start(); err != nil {
		log.Fatal(err)
	}
	t := &tracer{main: c.Process.Pid, inCall: map[int]bool{}}
	t.skew.Store(skews[0])
	go t.signals(skews)
	t.run()
}

// skew is nanoseconds.
func skew(text string) int64 {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return int64(time.Until(at)) // saturates beyond 292 years
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		log.Fatalf("%q is neither a duration nor a date", text)
	}
	return int64(d)
}

type tracer struct {
	main   int
	skew   atomic.Int64
	inCall map[int]bool // by thread
}

// signals switches the skew, and passes on what is for the program.
func (t *tracer) signals(skews [2]int64) {
	sig := make(chan os.Signal, 4)
	signal.Notify(sig, syscall.SIGUSR1, syscall.SIGTERM, syscall.SIGINT)
	now := 0
	for s := range sig {
		if s == syscall.SIGUSR1 {
			now = 1 - now
			t.skew.Store(skews[now])
		} else {
			_ = syscall.Kill(t.main, s.(syscall.Signal))
		}
	}
}

func (t *tracer) run() {
	var ws syscall.WaitStatus
	if _, err := syscall.Wait4(t.main, &ws, 0, nil); err != nil {
		log.Fatal(err)
	}
	t.hideVDSO()
	options := unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_EXITKILL
	if err := syscall.PtraceSetOptions(t.main, options); err != nil {
		log.Fatal(err)
	}
	_ = syscall.PtraceSyscall(t.main, 0)
	for {
		pid, err := syscall.Wait4(-1, &ws, syscall.WALL, nil)
		if err != nil {
			log.Fatal(err)
		}
		if ws.Exited() || ws.Signaled() {
			delete(t.inCall, pid)
			if pid == t.main {
				os.Exit(ws.ExitStatus())
			}
			continue
		}
		_ = syscall.PtraceSyscall(pid, t.stopped(pid, ws)) // a thread that has gone meanwhile is no error
	}
}

// stopped says which signal the thread is to go on with.
func (t *tracer) stopped(pid int, ws syscall.WaitStatus) (signal int) {
	switch s := ws.StopSignal(); s {
	case syscall.SIGTRAP | 0x80:
		if t.inCall[pid] {
			t.leaving(pid)
		}
		t.inCall[pid] = !t.inCall[pid]
		return 0
	case syscall.SIGTRAP, syscall.SIGSTOP:
		return 0
	default:
		return int(s)
	}
}

// leaving changes what a system call has answered.
func (t *tracer) leaving(pid int) {
	var r syscall.PtraceRegs
	if syscall.PtraceGetRegs(pid, &r) != nil {
		return
	}
	switch {
	case r.Orig_rax == syscall.SYS_CLOCK_GETTIME && r.Rdi == unix.CLOCK_REALTIME:
		b := make([]byte, 16)
		_, _ = syscall.PtracePeekData(pid, uintptr(r.Rsi), b)
		at := time.Unix(int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:]))).Add(time.Duration(t.skew.Load()))
		binary.LittleEndian.PutUint64(b, uint64(at.Unix()))
		binary.LittleEndian.PutUint64(b[8:], uint64(at.Nanosecond()))
		_, _ = syscall.PtracePokeData(pid, uintptr(r.Rsi), b)
	case r.Orig_rax == syscall.SYS_ADJTIMEX:
		const status = 40 // where struct timex has it
		b := make([]byte, 4)
		_, _ = syscall.PtracePeekData(pid, uintptr(r.Rdi)+status, b)
		flags := binary.LittleEndian.Uint32(b) &^ unix.STA_UNSYNC
		if t.skew.Load() != 0 {
			flags |= unix.STA_UNSYNC
		}
		binary.LittleEndian.PutUint32(b, flags)
		_, _ = syscall.PtracePokeData(pid, uintptr(r.Rdi)+status, b)
	}
}

// hideVDSO walks the new program's stack: argc, argv, NULL, envp, NULL, auxv.
func (t *tracer) hideVDSO() {
	var r syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(t.main, &r); err != nil {
		log.Fatal(err)
	}
	w := make([]byte, 8)
	word := func(a uintptr) uint64 {
		if _, err := syscall.PtracePeekData(t.main, a, w); err != nil {
			log.Fatal(err)
		}
		return binary.LittleEndian.Uint64(w)
	}
	a := uintptr(r.Rsp) + 8
	for nulls := 0; nulls < 2; a += 8 {
		if word(a) == 0 {
			nulls++
		}
	}
	const sysinfoEHDR, ignore = 33, 1
	for ; word(a) != 0; a += 16 {
		if word(a) == sysinfoEHDR {
			binary.LittleEndian.PutUint64(w, ignore)
			_, _ = syscall.PtracePokeData(t.main, a, w)
		}
	}
}
