package simulation

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// The defaults are a few minutes full of faults, which the race detector sees as well. The month is make simulation's, more is make faults'.
var (
	simulated = flag.Duration("simulated", 20*time.Minute, "how long the faults of all seeds together last, in virtual time")
	seeds     = flag.Uint64("seeds", 2, "so many seeds share that time")
	first     = flag.Uint64("seed", 1, "the first of them")
	pace      = flag.Duration("pace", time.Second, "the unit of scans and faults: there is a fault about every 20 of it")
)

// start is when every simulation begins. A bubble's clock starts in 2000, when no gateway would believe it.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// outcome is one simulation.
type outcome struct {
	verdict
	faults   int
	happened []string
}

// simulate runs a seed's plan in a bubble.
func simulate(t *testing.T, seed uint64, p plan, as func(*site)) (o outcome) {
	t.Helper()
	dir := folder(t)
	synctest.Test(t, func(*testing.T) {
		time.Sleep(time.Until(start))
		s := newSite(seed, p, dir)
		as(s)
		o.verdict = s.live()
		o.faults, o.happened = s.faults, s.happened
	})
	return o
}

// folder is one in memory where there is such a thing: nothing here waits for a disk.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "simulation")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func asItIs(*site) {}

// TestR13_SimulatedFaults: gateway, broker and cloud meet the faults of each seed, and all that had to be stored is, once.
func TestR13_SimulatedFaults(t *testing.T) {
	began, length := cpu(), *simulated/time.Duration(*seeds)
	var mu sync.Mutex
	var sum verdict
	faults := 0
	t.Run("seed", func(t *testing.T) {
		for seed := *first; seed < *first+*seeds; seed++ {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				o := simulate(t, seed, draw(seed, length, *pace), asItIs)
				t.Logf("%v of virtual time, %d faults: %v", length, o.faults, o.verdict)
				if len(o.verdict.faults) > 0 {
					t.Errorf("%s\nwhat happened last:\n%s\nagain: go test ./cmd/simulation -run R13_SimulatedFaults -seed %d -seeds 1 -simulated %v -pace %v -v",
						strings.Join(o.verdict.faults, "\n"), strings.Join(o.happened, "\n"), seed, length, *pace)
				}
				mu.Lock()
				defer mu.Unlock()
				sum.add(o.verdict)
				faults += o.faults
			})
		}
	})
	t.Logf("R13: %.1f days of virtual time, %d seeds, %d faults; %v; %.0f s of CPU", simulated.Hours()/24, *seeds, faults, sum, (cpu() - began).Seconds())
}

func (v *verdict) add(w verdict) {
	v.served, v.certain, v.stored, v.evicted, v.repeats, v.uncertain, v.raised = v.served+w.served, v.certain+w.certain, v.stored+w.stored, v.evicted+w.evicted, v.repeats+w.repeats, v.uncertain+w.uncertain, v.raised+w.raised
}

// cpu is what this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestR13_WhatLiesIsCaught is the negative control: with a part that says that it has kept what it has not, simulations must fail.
func TestR13_WhatLiesIsCaught(t *testing.T) {
	for name, as := range map[string]func(*site){
		"a store that forgets every 100th block":  func(s *site) { s.shelf.forget = 100 },
		"a disk that takes back the last seconds": func(s *site) { s.stale = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); ; seed++ {
				p := draw(seed, 10*time.Minute, time.Second)
				p.scan, p.send, p.room = time.Second, 2*time.Second, 8*roomy
				if o := simulate(t, seed, p, as); o.missing > 0 {
					t.Logf("caught by seed %d: %d samples that were acknowledged are not stored: %.300s", seed, o.missing, strings.Join(o.verdict.faults, "; "))
					return
				}
				if seed == 5 {
					t.Fatal("5 seeds have seen nothing")
				}
			}
		})
	}
}
