package cmd_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDataStaysInItsRegion: two counters, two clouds, each cloud is told of one of them. One cloud is away for a while, which costs the other nothing. In
// the end each has everything of its counter, its ledger has no gaps though both share one sequence, and nothing on its disk tells of the other's.
func TestDataStaysInItsRegion(t *testing.T) {
	t.Parallel()
	east, west := newSite(t), newSite(t)
	counters := newCounters(t, 2)
	east.counters = counters
	field := strings.Replace(counterField(counters), "  - name: counter2\n", "  - name: counter2\n    tags: {region: west}\n", 1)
	east.write(east.config(), `version: 1
gateway: {id: plant7}
state: `+filepath.Join(east.dir, "state")+`
cloud:
  - {name: east, url: "mqtts://`+east.mqtt+`", send: {every: 1s}, only: [counter1]}
  - {name: west, url: "mqtts://`+west.mqtt+`", send: {every: 1s}, only: ["tag:region=west"]}
local: {web: ""}
rules:
  - {name: far_west, when: counter2.number > 3, alarm: {text: "counter2 shows ${counter2.number}"}}
`+field)
	for name, cloud := range map[string]*site{"east": east, "west": west} {
		token := strings.TrimSpace(cloud.ask("invite", "plant7"))
		if r := command(t, nil, "penstock", "enroll", cloud.made.URL, "--token", token, "--target", name, "--ca-fingerprint", cloud.made.Fingerprint, "-c", east.config()); r.code != 0 {
			t.Fatalf("enroll: %s", r.stderr)
		}
	}
	east.startGateway()
	until(t, 30*time.Second, "both have stored something", func() bool {
		st := east.now()
		return st.Targets[0].SentSamples > 0 && st.Targets[1].SentSamples > 0
	})
	west.cloud.kill()
	until(t, 30*time.Second, "the gateway sees that one is away", func() bool { return !east.now().Targets[1].Connected })
	before := east.now()
	until(t, 30*time.Second, "the other goes on", func() bool {
		st := east.now()
		return st.Targets[0].SentSamples >= before.Targets[0].SentSamples+60 && st.Targets[1].WaitingSamples >= 60
	})
	if st := east.now(); st.Targets[1].SentSamples != before.Targets[1].SentSamples || st.Targets[0].WaitingSamples > st.Targets[1].WaitingSamples {
		t.Errorf("while west is away: %+v", st.Targets)
	}
	west.startCloud()
	east.rest()
	until(t, time.Minute, "everything is stored", func() bool { st := east.now(); return st.Buffer.Records == 0 && st.Buffer.Samples == 0 })
	east.gateway.stop()

	east.counters, west.counters = counters[:1], counters[1:]
	for _, cloud := range []*site{east, west} {
		if a := cloud.audit(); len(a.missing) > 0 { // the ledger, too
			t.Errorf("%d samples of %d served are missing", len(a.missing), a.served)
		}
	}
	west.cloud.stop()
	east.cloud.stop()
	for _, word := range []string{"counter1", "counter2", "far_west"} {
		own := word == "counter1"
		if inEast, inWest := holds(t, east, word), holds(t, west, word); inEast != own || inWest == own {
			t.Errorf("%s: on the disk of east %v, of west %v", word, inEast, inWest)
		}
	}
}

// holds reports whether a cloud's files have a word in them. Blocks are compressed: of what is in those the ledger tells.
func holds(t *testing.T, s *site, word string) (found bool) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(s.dir, "cloud"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		found = found || bytes.Contains(text, []byte(word))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
