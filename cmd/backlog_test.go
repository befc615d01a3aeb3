package cmd_test

import (
	"flag"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/buffer"
)

var backlogMB = flag.Int("backlog", 64, "R12: megabytes that wait in the buffer when the gateway starts")

// However much waits in the buffer, a gateway that starts polls its equipment at once.
func TestR12_RestartWithABacklog(t *testing.T) {
	s := newCounterSite(t, 1)
	path := filepath.Join(s.dir, "buffer")
	s.configure(counterField(s.counters) + bufferOn("buffer", s))
	s.cloud.stop()
	backlog(t, path, int64(*backlogMB)*1_000_000)
	began := time.Now()
	s.launchGateway()
	until(t, 30*time.Second, "it polls", func() bool { return len(s.counters[0].history()) > 0 })
	polls := s.counters[0].history()[0].Sub(began)
	s.gateway.says("msg=running")
	if st := s.now(); st.Buffer.Bytes < uint64(*backlogMB)*1_000_000 || len(st.Buffer.Dropped) > 0 && st.Buffer.Dropped[buffer.Damaged] > 0 {
		t.Errorf("after the start: %+v", st.Buffer)
	}
	s.gateway.stop()
	t.Logf("R12: with %d MB of backlog the gateway polls %v after its process was started", *backlogMB, polls.Round(time.Millisecond))
}

// backlog fills a buffer with blocks of 50 KB.
func backlog(t *testing.T, path string, bytes int64) {
	t.Helper()
	q, err := buffer.Open(path, buffer.Options{Cursors: []string{"main"}})
	if err != nil {
		t.Fatal(err)
	}
	block := buffer.Record{Class: buffer.Normal, Samples: 50_000, Data: make([]byte, 50_000)}
	for batch := slices.Repeat([]buffer.Record{block}, 20); q.Stats().Bytes < uint64(bytes); {
		if _, err := q.Append(t.Context(), batch...); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
}
