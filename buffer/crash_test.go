package buffer_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/buffer"
)

// How many times, for a longer run: go test ./buffer -run Killing -crashes 1000, go test ./buffer -run R5 -damages 1000.
var (
	crashes = flag.Int("crashes", 30, "how often to kill the writer")
	damages = flag.Int("damages", 90, "how many files to damage")
)

// writer is the child process: it appends for ever and says what is on disk.
func writer(dir string) {
	q, err := buffer.Open(dir, buffer.Options{SegmentBytes: 20_000})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	early := os.Getenv("PENSTOCK_TEST_EARLY") != ""
	for {
		if early { // the negative control: a writer that says so before it is true
			fmt.Println("ack", q.Stats().Newest+2)
		}
		if err := q.Journal(context.Background(), []byte("entry"), 1); err != nil {
			fmt.Println("error", err)
		}
		seq, err := q.Seal(context.Background(), buffer.Record{Class: buffer.Normal, Samples: 1, Data: make([]byte, rand.IntN(2000))}, buffer.Record{Class: buffer.Keep, Samples: 2, Data: []byte("keep")})
		if err != nil {
			fmt.Println("error", err)
			return
		}
		fmt.Println("ack", seq)
		if err := q.Ack(1, seq/2); err != nil {
			fmt.Println("error", err)
		}
	}
}

func TestKillingTheWriterLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	for n := range *crashes {
		if err := survived(t, dir, crash(t, dir, n, "")); err != nil {
			t.Fatalf("crash %d: %v", n, err)
		}
	}
}

// The suite must see a queue that acknowledges before the commit.
func TestKillingShowsAWriterThatAcknowledgesTooEarly(t *testing.T) {
	dir := t.TempDir()
	for n := range 100 {
		if err := survived(t, dir, crash(t, dir, n, "PENSTOCK_TEST_EARLY=1")); err != nil {
			t.Logf("seen at crash %d: %v", n+1, err)
			return
		}
	}
	t.Error("100 crashes did not show it")
}

// survived looks at what a crash has left, of which said is the last number that was acknowledged.
func survived(t *testing.T, dir string, said uint64) error {
	t.Helper()
	q, err := buffer.Open(dir, buffer.Options{})
	if err != nil {
		return err
	}
	recs := all(t, q)
	for i := 1; i < len(recs); i++ {
		if recs[i].Seq != recs[i-1].Seq+1 {
			return errors.Join(fmt.Errorf("record %d follows %d", recs[i].Seq, recs[i-1].Seq), q.Close())
		}
	}
	if newest := q.Stats().Newest; newest < said || len(q.Losses()) > 0 {
		return errors.Join(fmt.Errorf("newest %d, said to be on disk %d, losses %v", newest, said, q.Losses()), q.Close())
	}
	return q.Close()
}

// crash runs a writer for a moment, kills it, and returns the last number that it said was on disk.
func crash(t *testing.T, dir string, n int, env string) (said uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PENSTOCK_TEST_WRITER="+dir, env)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if lines.Scan() {
		if _, err := fmt.Sscanf(lines.Text(), "ack %d", &said); err != nil {
			t.Fatalf("writer %d: %s", n, lines.Text())
		}
	}
	timer := time.AfterFunc(time.Duration(rand.IntN(20_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	for lines.Scan() {
		if _, err := fmt.Sscanf(lines.Text(), "ack %d", &said); err != nil {
			t.Logf("last line: %q", lines.Text())
		}
	}
	_ = cmd.Wait() // killed
	return said
}
