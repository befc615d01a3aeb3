package buffer_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/buffer"
)

// How many times, for a longer run: go test ./buffer -run Killing -crashes 1000, go test ./buffer -run Damage -damages 1000.
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
	for {
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
		said := crash(t, dir, n)
		q, err := buffer.Open(dir, buffer.Options{})
		if err != nil {
			t.Fatal(err)
		}
		recs := all(t, q)
		for i := 1; i < len(recs); i++ {
			if recs[i].Seq != recs[i-1].Seq+1 {
				t.Fatalf("record %d follows %d", recs[i].Seq, recs[i-1].Seq)
			}
		}
		if newest := q.Stats().Newest; newest < said || len(q.Losses()) > 0 {
			t.Fatalf("newest %d, said to be on disk %d, losses %v", newest, said, q.Losses())
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// crash runs a writer for a moment, kills it, and returns the last number that it said was on disk.
func crash(t *testing.T, dir string, n int) (said uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PENSTOCK_TEST_WRITER="+dir)
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
