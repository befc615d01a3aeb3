package local_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/store/local"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// childDir tells the test binary that it is the process to be killed.
const childDir = "PENSTOCK_TEST_CHILD_DIR"

const crashGateways = 4

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, runChild(dir))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// runChild appends blocks of four gateways until it is killed. It begins three numbers before the end of what is stored, as a
// gateway that got no acknowledgement would, and says on stdout what was acknowledged.
func runChild(dir string) error {
	ctx := context.Background()
	s, err := local.Open(ctx, dir, local.Options{}, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	go s.Run(ctx)
	failed := make(chan error)
	for g := range crashGateways {
		name := fmt.Sprint("gateway", g)
		s.CreateThing(ctx, cloud.Thing{Name: name, Kind: cloud.KindGateway}) // there already from the second start on
		ledger, err := s.Ledger(ctx, name)
		if err != nil {
			return err
		}
		next := uint64(1)
		if len(ledger.Epochs) > 0 {
			next = max(3, ledger.Epochs[0].LastSeq) - 2
		}
		go func() { failed <- sendUntilKilled(ctx, s, name, next) }()
	}
	return <-failed
}

func sendUntilKilled(ctx context.Context, s *local.Store, gateway string, seq uint64) error {
	enc := wire.NewEncoder(wire.Fastest)
	for ; ; seq++ {
		if _, err := s.Append(ctx, crashBatch(enc, gateway, seq)); err != nil {
			return err
		}
		fmt.Printf("%s %d\n", gateway, seq) // one write: the parent sees all of it or nothing
	}
}

// crashBatch has two points whose five samples carry the number of their block.
func crashBatch(enc *wire.Encoder, gateway string, seq uint64) cloud.Batch {
	var samples []telemetry.Sample
	for i := range 10 {
		samples = append(samples, telemetry.Sample{Point: telemetry.PointID(i % 2), Time: int64(seq)*100 + int64(i), Value: telemetry.Uint64(seq)})
	}
	block, err := enc.AppendBlock(nil, []string{"a", "b"}, samples)
	if err != nil {
		panic(err)
	}
	return cloud.Batch{Thing: gateway, Epoch: "E", Seq: seq, Block: block, Samples: 10, Points: 2, From: samples[0].Time, To: samples[9].Time}
}

func TestKillLosesNothingThatWasAcknowledged(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 4
	}
	dir := t.TempDir()
	acked := map[string]uint64{}
	for round := range rounds {
		killWhileWriting(t, dir, 20+rand.IntN(400), acked)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
		s := openStore(t, dir)
		for g := range crashGateways {
			checkAfterCrash(t, s, fmt.Sprint("gateway", g), acked)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills; acknowledged to the end %v", rounds, acked)
}

// killWhileWriting starts a child, waits for so many acknowledgements, and kills it.
func killWhileWriting(t *testing.T, dir string, acknowledgements int, acked map[string]uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	seen := 0
	for ; lines.Scan(); seen++ {
		var gateway string
		var seq uint64
		if _, err := fmt.Sscan(lines.Text(), &gateway, &seq); err != nil {
			t.Errorf("%q: %v", lines.Text(), err)
		}
		acked[gateway] = max(acked[gateway], seq)
		if seen == acknowledgements {
			child.Process.Kill() // and read on: what it had said is acknowledged
		}
	}
	child.Wait()
	if seen < acknowledgements {
		t.Errorf("the child ended by itself after %d acknowledgements", seen)
	}
}

// checkAfterCrash compares what was acknowledged, what the ledger says and what a query finds.
func checkAfterCrash(t *testing.T, s *local.Store, gateway string, acked map[string]uint64) {
	t.Helper()
	ledger, err := s.Ledger(t.Context(), gateway)
	if err != nil {
		t.Fatal(err)
	}
	e := ledger.Epochs[0]
	if e.LastSeq < acked[gateway] || len(e.Gaps) != 0 || e.StoredBlocks != e.LastSeq || e.StoredSamples != 10*e.LastSeq {
		t.Errorf("%s: acknowledged up to %d, ledger %+v", gateway, acked[gateway], e)
	}
	for _, point := range []string{"a", "b"} {
		var found uint64
		err := s.Range(t.Context(), cloud.Query{Thing: gateway, Point: point}, func(smp telemetry.Sample) bool {
			if want := found/5 + 1; smp.Value != telemetry.Uint64(want) {
				t.Errorf("%s %s: sample %d is of block %s, want %d", gateway, point, found, smp.Value, want)
				return false
			}
			found++
			return true
		})
		if err != nil || found != 5*e.LastSeq {
			t.Errorf("%s %s: %d samples, the ledger has %d blocks of 5: %v", gateway, point, found, e.LastSeq, err)
		}
	}
	latest, err := s.Latest(t.Context(), gateway)
	if err != nil || len(latest) != 2 || latest[0].Value != telemetry.Uint64(e.LastSeq) {
		t.Errorf("%s: latest %+v, %v; want %d", gateway, latest, err, e.LastSeq)
	}
}

func TestIngestQueriesAndCompactionSideBySide(t *testing.T) {
	s := openStore(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	var running, senders sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	for g := range crashGateways {
		name := fmt.Sprint("gateway", g)
		if err := s.CreateThing(ctx, cloud.Thing{Name: name, Kind: cloud.KindGateway}); err != nil {
			t.Fatal(err)
		}
		senders.Go(func() {
			enc := wire.NewEncoder(wire.Fastest)
			for seq := uint64(1); seq <= 300; seq++ {
				if _, err := s.Append(ctx, crashBatch(enc, name, seq)); err != nil {
					t.Error(err)
				}
				if seq%20 == 0 {
					checkAfterCrash(t, s, name, map[string]uint64{name: seq})
				}
			}
		})
	}
	senders.Wait()
	cancel()
	running.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
