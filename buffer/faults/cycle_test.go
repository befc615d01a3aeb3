package faults_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/buffer/faults"
)

// rig is one store that is crashed again and again, and the ledger of its folder.
type rig struct {
	t      *testing.T
	dir    string // of the buffer
	store  string
	early  bool
	crash  func(kill func()) // what happens; it kills the store, and returns when the folder can be read again
	ledger *faults.Ledger
	random *rand.Rand

	cycles, fresh, halfMade, items, errors int
	next                                   uint64 // the item that the next life begins with
	slowest                                time.Duration
}

// newRig makes one. The seed that is logged says when it crashes, though not how far the store has come then.
func newRig(t *testing.T, dir, store string) *rig {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return &rig{t: t, dir: dir, store: store, ledger: faults.NewLedger(), random: rand.New(rand.NewPCG(seed, 0)), next: 1, crash: func(kill func()) { kill() }}
}

// cycle lets the store live for a moment, crashes it, and looks at what is left. What is wrong is returned.
func (r *rig) cycle() []string {
	if r.cycles++; r.cycles == 1 || r.random.IntN(4) == 0 || len(r.ledger.Wrong) > 0 {
		r.wipe()
	}
	r.live()
	r.count()
	if r.random.IntN(3) > 0 || len(r.ledger.Kept) == 0 { // else the next life opens what this one left, and may be cut short in that
		r.look()
	}
	return r.ledger.Wrong
}

// wipe begins with an empty folder, so that the next crash may fall into its making. That it is empty is on disk.
func (r *rig) wipe() {
	if err := os.RemoveAll(r.dir); err != nil {
		r.t.Fatal(err)
	}
	parent, err := os.Open(filepath.Dir(r.dir))
	if err == nil {
		err = errors.Join(parent.Sync(), parent.Close())
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.fresh++
	r.items += len(r.ledger.Kept)
	r.errors += r.ledger.Errors
	r.ledger = faults.NewLedger()
}

// live runs the store until it has crashed.
func (r *rig) live() {
	args := []string{"write", r.dir, fmt.Sprint(r.next)}
	if r.early {
		args = append(args, "early")
	}
	r.next += 1 << 20
	cmd := exec.Command(r.store, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	moment := make(chan struct{})
	silent := make(chan struct{}) // closed when the process is gone and all it said is taken down
	crashed := make(chan struct{})
	go func() {
		defer close(crashed)
		<-moment
		r.crash(func() {
			_ = cmd.Process.Kill() // it may have ended by itself
			<-silent
		})
	}()
	after, wait := r.moment()
	r.ledger.Listen(out, func(string) {
		if after--; after == 0 {
			time.AfterFunc(wait, func() { close(moment) })
		}
	})
	if after > 0 { // it fell silent before
		close(moment)
	}
	_ = cmd.Wait() // killed
	close(silent)
	<-crashed
	if strings.Contains(said.String(), "panic") || strings.Contains(said.String(), "fatal error") {
		r.ledger.Wrong = append(r.ledger.Wrong, "the store panics: "+said.String())
	}
}

// moment is when to crash: so long after so many lines. Half of the crashes come early, when the folder is being made or opened.
func (r *rig) moment() (lines int, wait time.Duration) {
	if r.random.IntN(2) == 0 {
		return 1, time.Duration(r.random.IntN(20_000)) * time.Microsecond
	}
	return 3 + r.random.IntN(250), time.Duration(r.random.IntN(3_000)) * time.Microsecond
}

// count notes whether the crash has fallen into the making of a segment.
func (r *rig) count() {
	segments, err := filepath.Glob(filepath.Join(r.dir, "*.seg*"))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, path := range segments {
		if strings.HasSuffix(path, ".new") {
			r.halfMade++
			return
		}
	}
	if len(segments) == 0 {
		r.halfMade++
	}
}

// look opens what is there, with nobody's help, and settles the ledger.
func (r *rig) look() {
	began := time.Now()
	if err := run(r.ledger, r.store, "look", r.dir); err != nil {
		r.ledger.Wrong = append(r.ledger.Wrong, "the folder does not open: "+err.Error())
		return
	}
	r.slowest = max(r.slowest, time.Since(began))
	r.ledger.Settle()
}

// run makes n cycles, none of which may show anything.
func (r *rig) run(n int) {
	for range n {
		if wrong := r.cycle(); len(wrong) > 0 {
			r.t.Fatalf("cycle %d: %d things are wrong: %s", r.cycles, len(wrong), strings.Join(wrong[:min(len(wrong), 10)], "; "))
		}
	}
	r.look()
	if len(r.ledger.Wrong) > 0 {
		r.t.Fatalf("at the end: %s", strings.Join(r.ledger.Wrong, "; "))
	}
	r.items += len(r.ledger.Kept)
	r.errors += r.ledger.Errors
	if r.items < n || r.fresh == 0 && n >= 50 {
		r.t.Fatalf("%d items were acknowledged in %d cycles, %d in new folders: this shows nothing", r.items, n, r.fresh)
	}
}

// control counts the cycles until something is seen, of at most so many.
func (r *rig) control(n int) int {
	for i := range n {
		wrong := r.cycle()
		if len(wrong) == 0 {
			r.look()
			wrong = r.ledger.Wrong
		}
		if len(wrong) > 0 {
			r.t.Logf("seen at cycle %d: %s", i+1, wrong[0])
			return i + 1
		}
	}
	r.t.Fatalf("%d cycles did not show a store that acknowledges too early", n)
	return 0
}

func (r *rig) String() string {
	return fmt.Sprintf("%d items acknowledged; %d folders new, %d crashes in the making of a segment; slowest look at it all %v", r.items, r.fresh, r.halfMade, r.slowest.Round(time.Millisecond))
}
