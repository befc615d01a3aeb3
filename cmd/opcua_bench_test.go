package cmd_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters/opcua/opcuasim"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

const benchNodes = 10_000

// BenchmarkGateway10000Nodes runs the real gateway, subscribed to 10,000 nodes of a simulated OPC UA server each of which changes once a second, beside a cloud,
// and prints what it costs, the process of the connection included: per cent of one core and resident memory. At the end every change
// that the server made must have been kept.
//
//	go test -run xxx -bench Gateway10000Nodes -benchtime 1x ./cmd
func BenchmarkGateway10000Nodes(b *testing.B) {
	sim, err := opcuasim.New(opcuasim.Options{})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- sim.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-over })
	for i := range benchNodes {
		if err := sim.Set(benchNode(i), 0.0, telemetry.Good, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
	gateway, status := benchGateway(b, func(dir, mqtt, web string) string {
		var y strings.Builder
		fmt.Fprintf(&y, "version: 1\ngateway: {id: bench}\nstate: %s/state\nconnections:\n  plc: {opcua: %q, security: None, insecure: true, publish: 250ms}\ndevices:\n  - name: plc\n    connection: plc\n    points:\n", dir, sim.Endpoint())
		for i := range benchNodes {
			fmt.Fprintf(&y, "      %s: {at: %q, sample: 1s}\n", benchNode(i), opcuasim.NodeID(benchNode(i)))
		}
		fmt.Fprintf(&y, "cloud:\n  - url: mqtts://localhost:%s\n    send: {every: 5s}\nlocal: {web: 127.0.0.1:%s}\n", mqtt, web)
		return y.String()
	})
	kept := func() uint64 { return benchStatus(b, status).SamplesKept }
	await(b, "the first value of every node", func() bool { return kept() >= benchNodes })
	before := kept()

	moving, stop := context.WithCancel(ctx)
	made := make(chan uint64, 1)
	go func() { made <- moveNodes(moving, sim) }()
	time.Sleep(settle)
	cpu, rss := observeAll(b, gateway.Process.Pid)
	stop()
	changes := <-made
	await(b, "every change", func() bool { return kept()-before >= changes })
	if got := kept() - before; got != changes {
		b.Errorf("%d samples kept of %d changes", got, changes)
	}
	b.ReportMetric(cpu, "%core")
	b.ReportMetric(rss, "MiB-RSS")
	b.ReportMetric(float64(changes), "changes")
	b.ReportMetric(float64(changes)-float64(kept()-before), "lost")
}

func benchNode(i int) string { return "n" + strconv.Itoa(i) }

// moveNodes changes every node once a second, a tenth of them at a time, and says how often it did.
func moveNodes(ctx context.Context, sim *opcuasim.Server) (changes uint64) {
	tick := time.NewTicker(time.Second / 10)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return changes
		case <-tick.C:
		}
		now := time.Now()
		for i := n % 10; i < benchNodes; i += 10 {
			if err := sim.Set(benchNode(i), 20+float64((n/10*7+i)%97)/10, telemetry.Good, now); err != nil {
				panic("BUG: " + err.Error())
			}
			changes++
		}
	}
}

func await(b *testing.B, what string, holds func() bool) {
	b.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("not within two minutes: %s", what)
		}
	}
}

// observeAll measures a process and its children.
func observeAll(b *testing.B, pid int) (cpuPercent, rssMiB float64) {
	b.Helper()
	family := append(children(b, pid), pid)
	var before time.Duration
	for _, p := range family {
		before += cpuOf(b, p)
	}
	began := time.Now()
	time.Sleep(observeFor)
	used := -before
	for _, p := range family {
		used += cpuOf(b, p)
		rss := rssOf(b, p)
		b.Logf("process %d: %.1f MiB", p, rss)
		rssMiB += rss
	}
	return 100 * used.Seconds() / time.Since(began).Seconds(), rssMiB
}

// children are the processes that a process has started.
func children(b *testing.B, of int) (pids []int) {
	b.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if parent, err := strconv.Atoi(fields[1]); err == nil && parent == of {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			if err != nil {
				b.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	if len(pids) == 0 {
		b.Fatal("the gateway has no process for its connection")
	}
	return pids
}
