package command_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/gateway/command"
	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// mortal is a database of a process that is killed at a certain step: before a transaction, or after it.
type mortal struct {
	*state.DB
	*life
}

func (m mortal) Update(room string, change func(state.Shelf) error) error {
	m.step()
	defer m.step()
	return m.DB.Update(room, change)
}

// life counts the steps that are left.
type life struct{ left atomic.Int64 }

func (l *life) step() {
	if l.left.Add(-1) == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// register is equipment that outlives the process: a file with a line for each write.
type register struct {
	path string
	*life
}

func (r register) values() []string {
	b, _ := os.ReadFile(r.path) // none yet is empty
	return strings.Fields(string(b))
}

func (r register) latest(telemetry.PointID) (telemetry.Sample, bool) {
	s := telemetry.Sample{Time: 1, Value: telemetry.Int64(0)}
	if all := r.values(); len(all) > 0 {
		n, _ := strconv.ParseInt(all[len(all)-1], 10, 64)
		s.Time, s.Value = int64(len(all))+1, telemetry.Int64(n)
	}
	return s, true
}

func (r register) write(_ context.Context, id telemetry.PointID, v telemetry.Value) (telemetry.Sample, error) {
	r.step()
	f, err := os.OpenFile(r.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return telemetry.Sample{}, err
	}
	fmt.Fprintln(f, v)
	if err := f.Close(); err != nil {
		return telemetry.Sample{}, err
	}
	r.step()
	s, _ := r.latest(id)
	return s, nil
}

const killed = 8 // orders in the life of a press whose gateway is killed

func order(i int) command.Order {
	return command.Order{Point: "press.count", Value: telemetry.Int64(int64(i)), Who: "otto", Channel: command.Command, Key: fmt.Sprint("x", i), Expires: time.Now().Add(time.Hour)}
}

// child is the process: it asks for all orders, one after the other, and says what came of them if it lives to see it.
func child(dir string) {
	steps, _ := strconv.ParseInt(os.Getenv("COMMAND_TEST_STEPS"), 10, 64)
	l := &life{}
	l.left.Store(steps)
	must := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
	}
	db, err := state.Open(dir)
	must(err)
	log, err := command.OpenLogOn(mortal{db, l})
	must(err)
	must(log.Verify())
	r := register{filepath.Join(dir, "register"), l}
	site := command.Site{Points: press(), Commands: []telemetry.PointID{count}, Write: r.write, Latest: r.latest}
	desk, err := command.New(log, site, command.Options{Settle: time.Millisecond})
	must(err)
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error)
	go func() { end <- desk.Run(ctx) }()
	results := map[int]command.Result{}
	for i := 1; i <= killed; i++ {
		results[i] = desk.Do(ctx, order(i))
	}
	cancel()
	must(<-end)
	must(db.Close())
	must(json.NewEncoder(os.Stdout).Encode(results))
}

// TestKilledAtEveryStep: the process is killed at each step between an order and its answer, and started again, which is killed in turn. In
// the end every order has an answer, none was written twice, and what is called done was written.
func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start := func(steps int) ([]byte, error) {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), "COMMAND_TEST_CHILD="+dir, "COMMAND_TEST_STEPS="+strconv.Itoa(steps))
		c.Stderr = os.Stderr
		return c.Output()
	}
	kills := 0
	for steps := 1; steps <= 14; steps++ {
		if _, err := start(steps); err == nil {
			break // all orders had an answer
		} else if e, ok := err.(*exec.ExitError); !ok || e.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL { //nolint:errorlint // Output gives it bare
			t.Fatalf("the process after %d kills: %v", kills, err)
		}
		kills++
	}
	out, err := start(-1)
	if err != nil || kills < 7 {
		t.Fatalf("%v after %d kills", err, kills)
	}
	var results map[int]command.Result
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	written := map[string]int{}
	for _, v := range (register{path: filepath.Join(dir, "register")}).values() {
		if written[v]++; written[v] > 1 {
			t.Errorf("%s was written %d times", v, written[v])
		}
	}
	count := map[command.Code]int{}
	for i := 1; i <= killed; i++ {
		r := results[i]
		count[r.Code]++
		if r.State == command.Done && written[strconv.Itoa(i)] != 1 {
			t.Errorf("%d is called done and was not written", i)
		}
		if r.State != command.Done && r.Code != command.Uncertain {
			t.Errorf("%d: %+v", i, r)
		}
	}
	if count[""] == 0 || count[command.Uncertain] == 0 {
		t.Errorf("the kills did not come in the middle: %v", count)
	}
}
