package shadow_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/cloud/shadow"
	"github.com/penstock-edge/penstock/cloud/store/local"
	doc "github.com/penstock-edge/penstock/sync/shadow"
)

const victimDir = "PENSTOCK_TEST_SHADOWS"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimDir); dir != "" {
		victim(dir)
	}
	goleak.VerifyTestMain(m)
}

const victims = 8

// victim updates shadows as fast as it can until it is killed, and says what it published as accepted.
func victim(dir string) {
	store, err := local.Open(context.Background(), dir, local.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	room := shadow.New(shadow.Options{Store: store, Publish: func(_ context.Context, topic string, payload []byte) error {
		mu.Lock()
		defer mu.Unlock()
		a, err := doc.ParseAnswer(payload, doc.Limits{})
		if t, _ := doc.ParseTopic(topic); t.Kind == doc.Accepted {
			fmt.Println(t.ID.Thing, a.Version)
		}
		return err
	}})
	var all sync.WaitGroup
	for i := range victims {
		all.Go(func() {
			by := shadow.Caller{Thing: fmt.Sprint("thing", i), Connection: fmt.Sprint(i)}
			for n := 0; ; n++ {
				room.Request(context.Background(), by, "$aws/things/"+by.Thing+"/shadow/update", fmt.Appendf(nil, `{"state":{"reported":{"n":%d}}}`, n))
			}
		})
	}
	all.Wait()
}

// TestDS13_AcceptedSurvivesKill: whenever the cloud is killed, every version that anybody heard of is there, and the next goes on from it.
func TestDS13_AcceptedSurvivesKill(t *testing.T) {
	dir := t.TempDir()
	heard := map[string]uint64{}
	for round := range 4 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), victimDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for lines, n := bufio.NewScanner(out), 0; lines.Scan(); n++ {
			var thing string
			var version uint64
			if _, err := fmt.Sscan(lines.Text(), &thing, &version); err != nil || version <= heard[thing] {
				t.Errorf("round %d: %q after version %d", round, lines.Text(), heard[thing])
			}
			heard[thing] = version
			if n == 30+17*round {
				_ = cmd.Process.Kill() // the lines that are in the pipe already count, too
			}
		}
		if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("it ended by itself: %v", err)
		}
		held(t, dir, heard)
	}
	if len(heard) != victims {
		t.Errorf("heard of %d shadows", len(heard))
	}
}

// held fails unless the store has at least the versions that were heard of.
func held(t *testing.T, dir string, heard map[string]uint64) {
	t.Helper()
	store := openStore(t, dir)
	for thing, version := range heard {
		d, err := store.Shadow(t.Context(), doc.ID{Thing: thing})
		if err != nil || d.Version() < version || d.Version() > version+1 {
			t.Errorf("%s has version %d, %v; %d was accepted", thing, d.Version(), err, version)
		}
		heard[thing] = d.Version()
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}
