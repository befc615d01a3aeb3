package alarm_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/alarm"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/state"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/wire"
)

// killed are the alarms of the process that is killed.
func killed() *config.Config {
	cfg := plant7()
	for i := range 40 {
		cfg.Rules = append(cfg.Rules, rule(fmt.Sprintf("alarm_%02d", i), "press.a > 1", isa.Config{}))
	}
	return cfg
}

// child is a gateway's panel in a process of its own: alarms come and go, one after the other, for ever; it says what is on disk.
func child(dir string) {
	db, err := state.Open(dir)
	if err != nil {
		fmt.Println("error", err)
		return
	}
	q, err := buffer.Open(dir+"/buffer", buffer.Options{})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	p, err := alarm.New(db, q, killed(), alarm.Options{})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	go func() { _ = p.Run(context.Background()) }()
	for n := rand.IntN(40); ; n++ {
		l := p.List()[n%40]
		is := isa.On
		if l.State != isa.Normal {
			is = isa.Off
		}
		if err := p.Condition(alarm.Condition{Rule: l.Name, Is: is, Text: "text", At: time.Now(), Occasion: uint64(time.Now().UnixNano())}); err != nil {
			fmt.Println("error", err)
			return
		}
		fmt.Println("said")
	}
}

// TestKillingTheProcess: SIGKILL at random moments. What it said was on disk is told, exactly once after the repeats are taken out, in its order,
// each event where the one before it ended.
func TestKillingTheProcess(t *testing.T) {
	dir := t.TempDir()
	const rounds = 8
	said := 0
	for range rounds {
		said += kill(t, dir)
	}
	s := newSite(t, dir, killed(), alarm.Options{})
	defer s.close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	last, total := map[string]wire.AlarmEvent{}, 0
	for end := time.Now().Add(10 * time.Second); total < said && time.Now().Before(end); {
		for _, e := range s.told(1) {
			before, known := last[e.Alarm]
			if known && e.Sequence <= before.Sequence {
				continue // it came twice
			}
			if known && (e.Sequence != before.Sequence+1+e.Merged || e.From != before.To) || !known && e.From != string(isa.Normal) {
				t.Errorf("%s: %d from %s follows %d to %s", e.Alarm, e.Sequence, e.From, before.Sequence, before.To)
			}
			last[e.Alarm] = e
			total += 1 + int(e.Merged)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, l := range s.List() { // more is told than was said where the kill came between the two; then the shelf knows of it as well
		if e, known := last[l.Name]; known && string(l.State) != e.To && l.Merged == 0 && l.Last.Sequence <= e.Sequence {
			t.Errorf("%s is %s, and the last that was told is %s", l.Name, l.State, e.To)
		}
	}
	if said < rounds || total < said {
		t.Errorf("%d words were on disk, %d events are told", said, total)
	}
	t.Logf("%d kills, %d words, %d events", rounds, said, total)
}

// kill runs a child for a moment and kills it; it counts what the child said was on disk.
func kill(t *testing.T, dir string) (said int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PENSTOCK_TEST_PANEL="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var timer *time.Timer
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "error") {
			t.Error(lines.Text())
		}
		if said++; said == 1 {
			timer = time.AfterFunc(time.Duration(rand.IntN(100_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		}
	}
	_ = cmd.Wait() // killed
	if timer != nil {
		timer.Stop()
	}
	return said
}
