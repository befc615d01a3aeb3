// Package storetest is the contract of cloud.Store as one suite that every engine passes.
//
// It knows the nouns of cloud/ and the blocks of sync/wire, and no engine: an engine's test imports it and hands over
// a function that opens the engine. What a store promises is what a test here shows.
package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// Open opens the store at dir, an empty folder that belongs to the test: the same dir must give the same store again after
// it was closed. An engine without files may take dir as the name of a schema.
type Open func(t *testing.T, dir string) cloud.Store

// Compactor is an optional power of a store that rearranges what it has stored. The suite tells every story of telemetry
// with and without it: nobody may see the difference.
type Compactor interface {
	Compact(ctx context.Context) error
}

// Run holds an engine to the contract.
func Run(t *testing.T, open Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"registry":     testRegistry,
		"presence":     testPresence,
		"certificates": testCertificates,
		"invitations":  testInvitations,
		"sequence":     testSequence,
		"ledger":       testLedger,
		"range":        testRange,
		"last":         testLast,
		"values":       testValues,
		"latest":       testLatest,
		"random":       testRandom,
		"append":       testAppend,
		"reopen":       testReopen,
		"audit":        testAudit,
		"doubt":        testDoubt,
		"doubt lost":   testDoubtLost,

		"alarm once":      testAlarmOnce,
		"alarm life":      testAlarmLife,
		"alarm pages":     testAlarmPages,
		"acknowledgement": testAcknowledgement,
		"own alarm":       testOwnAlarm,
		"command":         testCommand,
		"command late":    testCommandLate,
		"command lists":   testCommandLists,
		"shadow":          testShadow,
		"shadow deleted":  testShadowDeleted,
		"shadow names":    testShadowNames,
		"shadow crowd":    testShadowCrowd,
		"rule":            testRule,
		"rule inbox":      testRuleInbox,
		"rule outbox":     testRuleOutbox,
		"rule failures":   testRuleFailures,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

// fixture is a store under test with words for what happens to it.
type fixture struct {
	cloud.Store
	t    *testing.T
	open Open
	dir  string
	enc  *wire.Encoder
}

func start(t *testing.T, open Open) *fixture {
	t.Helper()
	f := &fixture{t: t, open: open, dir: t.TempDir(), enc: wire.NewEncoder(wire.Balanced)}
	f.Store = open(t, f.dir)
	t.Cleanup(func() { f.must(f.Close()) })
	return f
}

func (f *fixture) reopen() {
	f.t.Helper()
	f.must(f.Close())
	f.Store = f.open(f.t, f.dir)
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// compact rearranges the store when it can.
func (f *fixture) compact() {
	f.t.Helper()
	if c, ok := f.Store.(Compactor); ok {
		f.must(c.Compact(f.t.Context()))
	}
}

func (f *fixture) gateway(name string) {
	f.t.Helper()
	f.must(f.CreateThing(f.t.Context(), cloud.Thing{Name: name, Kind: cloud.KindGateway, Created: time.Unix(1, 0)}))
}

// reading is a sample under its point's name.
type reading struct {
	point string
	telemetry.Sample
}

// at makes a good reading of point "p" at a time in seconds.
func at(second int64, v float64) reading { return of("p", second, telemetry.Float64(v)) }

func of(point string, second int64, v telemetry.Value) reading {
	return reading{point, telemetry.Sample{Time: second * int64(time.Second), Value: v}}
}

// batch makes one of the readings.
func (f *fixture) batch(thing, epoch string, seq uint64, readings ...reading) cloud.Batch {
	f.t.Helper()
	var names []string
	places := map[string]telemetry.PointID{}
	samples := make([]telemetry.Sample, len(readings))
	for i, r := range readings {
		if _, ok := places[r.point]; !ok {
			places[r.point] = telemetry.PointID(len(names))
			names = append(names, r.point)
		}
		samples[i] = r.Sample
		samples[i].Point = places[r.point]
	}
	block, err := f.enc.AppendBlock(nil, names, samples)
	f.must(err)
	sum, err := wire.Peek(block)
	f.must(err)
	return cloud.Batch{Thing: thing, Epoch: epoch, Seq: seq, Received: time.Unix(1_700_000_000, 0), Block: block,
		Samples: sum.Samples, Points: sum.Points, From: sum.From, To: sum.To}
}

// put appends one batch and says whether it was new.
func (f *fixture) put(thing, epoch string, seq uint64, readings ...reading) bool {
	f.t.Helper()
	stored, err := f.Append(f.t.Context(), f.batch(thing, epoch, seq, readings...))
	f.must(err)
	if len(stored) != 1 {
		f.t.Fatalf("one batch appended, %d answers", len(stored))
	}
	return stored[0]
}

// read gives what a query finds.
func (f *fixture) read(q cloud.Query) []telemetry.Sample {
	f.t.Helper()
	var found []telemetry.Sample
	f.must(f.Range(f.t.Context(), q, func(s telemetry.Sample) bool {
		found = append(found, s)
		return true
	}))
	return found
}

// wants fails unless found are the readings, in their order.
func (f *fixture) wants(found []telemetry.Sample, want ...reading) {
	f.t.Helper()
	if len(found) != len(want) {
		f.t.Fatalf("got %d samples, want %d\ngot  %v\nwant %v", len(found), len(want), brief(found), briefReadings(want))
	}
	for i, s := range found {
		if s.Time != want[i].Time || !s.Same(want[i].Sample) {
			f.t.Fatalf("sample %d of %d is %v, want %v", i, len(found), brief(found[i:i+1]), briefReadings(want[i:i+1]))
		}
	}
}
