package cmd_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters/modbus/modbussim"
	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

var outageSamples = flag.Int("outage", 300_000, "R8: samples that wait in the buffer when the gateway comes back (6000000 at full length)")

// The plant of the outage: so many devices of so many registers, each read once a second.
const (
	outageDevices   = 10
	outageRegisters = 100
)

// outageField has the plant on simulators, until the test ends, and gives its configuration and the names of its points.
func outageField(t *testing.T) (field string, names []string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	t.Cleanup(func() { stop(); serving.Wait() })
	var connections, devices strings.Builder
	for d := range outageDevices {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		plant := modbussim.New(slog.New(slog.DiscardHandler))
		plant.Add(1, outageRegisters)
		serving.Go(func() { _ = plant.ServeTCP(ctx, l) }) // a client that was killed is no error here
		fmt.Fprintf(&connections, "  plc%d: {modbus: tcp, address: %q, timeout: 5s}\n", d, l.Addr())
		fmt.Fprintf(&devices, "  - name: dev%d\n    connection: plc%d\n    unit: 1\n    points:\n", d, d)
		for r := range outageRegisters {
			fmt.Fprintf(&devices, "      r%02d: {at: hr:%d}\n", r, r)
			names = append(names, fmt.Sprintf("dev%d.r%02d", d, r))
		}
	}
	return "connections:\n" + connections.String() + "devices:\n" + devices.String(), names
}

// outageBacklog fills the buffer with blocks of 5 s of all points, as they lie there after an outage that has just ended. It gives how many samples and what
// time they took.
func outageBacklog(t *testing.T, path string, names []string, samples int) (n int, took time.Duration) {
	t.Helper()
	q, err := buffer.Open(path, buffer.Options{Cursors: []string{"main"}})
	if err != nil {
		t.Fatal(err)
	}
	const scans = 5
	blocks := samples / (scans * len(names))
	took = time.Duration(blocks*scans) * time.Second
	at := time.Now().Add(-took)
	values := make([]int64, len(names))
	encoder := wire.NewEncoder(wire.Balanced)
	for range blocks {
		var list []telemetry.Sample
		for range scans {
			for i := range names {
				values[i] = (values[i] + rand.Int64N(7)) % 65536
				list = append(list, telemetry.Sample{Point: telemetry.PointID(i), Time: at.Add(time.Duration(i/outageRegisters) * time.Millisecond).UnixNano(), Value: telemetry.Int64(values[i])})
			}
			at = at.Add(time.Second)
		}
		data, err := encoder.AppendBlock(nil, names, list)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := q.Append(t.Context(), buffer.Record{Class: buffer.Normal, Samples: uint32(len(list)), Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	return blocks * scans * len(names), took
}

// memory is a figure of /proc/PID/status, in MiB.
func memory(t *testing.T, pid int, key string) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), key+":")
	kB, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	return kB / 1024
}

// ages takes down how old the newest sample is whenever a newer one is stored, as who watches sees it, until ctx ends. A sample waits up to a second for
// its block to be sealed; the rest of its age is the way to the store and to the watcher.
func (s *site) ages(ctx context.Context, since time.Time) (ages []time.Duration) {
	newest := since
	for e := range s.live(ctx, "&point=none") {
		last := newest
		for _, one := range e.Samples {
			if e.Count > 0 && one.Time.After(newest) {
				newest = one.Time
			}
		}
		if newest.After(last) {
			ages = append(ages, time.Since(newest))
		}
	}
	slices.Sort(ages)
	return ages
}

// TestR8_LongOutage: a long outage has ended and the plant runs. What waited follows what is new; everything is stored once (R8), and the gateway's memory stays
// flat meanwhile (R9).
func TestR8_LongOutage(t *testing.T) {
	s := newSite(t)
	field, names := outageField(t)
	s.configure(field)
	s.edit(s.config(), "every: 2s", "every: 1s")
	s.enroll()
	waiting, took := outageBacklog(t, filepath.Join(s.dir, "state", "buffer"), names, *outageSamples)
	back := time.Now()
	s.startGateway()
	pid := s.gateway.cmd.Process.Pid
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ages := make(chan []time.Duration, 1)
	go func() { ages <- s.ages(ctx, back) }()
	began := time.Now()
	var rss []float64
	until(t, 5*time.Minute, "what waited is stored", func() bool {
		time.Sleep(200 * time.Millisecond) // each look is a process
		rss = append(rss, memory(t, pid, "VmRSS"))
		st := s.now().Targets[0]
		return st.SentSamples >= uint64(waiting) && st.WaitingBlocks <= 1
	})
	drained := time.Since(began)
	until(t, time.Minute, "some blocks of the plant are stored, too", func() bool { return s.now().Targets[0].SentSamples >= uint64(waiting)+8000 })
	stop()
	list := <-ages
	peak := memory(t, pid, "VmHWM")
	s.gateway.stop()
	s.drain()

	stored := uint64(0)
	for _, e := range s.ledger().Epochs {
		stored += e.StoredSamples
		if len(e.Gaps) > 0 || e.Repeats > 0 {
			t.Errorf("epoch %s: gaps %v, %d repeats", e.Epoch, e.Gaps, e.Repeats)
		}
	}
	if stored < uint64(waiting)+1000 {
		t.Errorf("%d samples are stored; %d waited, and the plant ran on", stored, waiting)
	}
	if got := s.query(names[0], "--to", back.UTC().Format(time.RFC3339Nano)); len(got) != waiting/len(names) {
		t.Errorf("of %s %d samples are stored, %d waited", names[0], len(got), waiting/len(names))
	}
	if peak > 64 {
		t.Errorf("R9: %.0f MiB of memory, 64 are the most", peak)
	}
	t.Logf("R8: %d samples of %v waited; drained in %v, %.0f x real time", waiting, took, drained.Round(10*time.Millisecond), took.Seconds()/drained.Seconds())
	if len(list) > 0 {
		t.Logf("R8: the newest sample of a new block was %v old when it was on the screen (median), p99 %v, of %d blocks; up to 1 s of it is the wait for the sealing, 0.25 s the screen's pace",
			list[len(list)/2].Round(time.Millisecond), list[len(list)*99/100].Round(time.Millisecond), len(list))
	}
	t.Logf("R9: resident %.0f MiB at the start, %.0f in the middle, %.0f at the end, %.0f at most", rss[0], rss[len(rss)/2], rss[len(rss)-1], peak)
}
