// Package adaptertest is the contract of adapters as a suite that every adapter, and every fake of one, passes.
//
// It knows the laws written down in package adapters and nothing of any protocol: an adapter's test hands it a
// Kind and a rig, which is a simulator with points whose values are known. Only tests may import it.
package adaptertest

import (
	"sort"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Suite is what an adapter's test hands in.
type Suite struct {
	Kind     adapters.Kind
	Start    func(t testing.TB) Rig // starts a simulator of its own; called once a law, cleans up by t.Cleanup
	Mistakes []Mistake              // wrong settings: at least one for the connection, the device and the point together
	// Without names the laws that do not hold for this protocol, each with the reason. It is printed, never silent.
	Without  map[string]string
	Patience time.Duration // how long anything may take that should happen; 0: 5s
	Slack    time.Duration // how far beyond a deadline a call may return; 0: 500ms
}

// Rig is equipment with known values, and the hands to trouble it.
type Rig struct {
	Connection adapters.Connection // opened by the suite, more than once
	Points     []Expect            // all of one device; those whose Spec is Pushed are subscribed to, the others read
	Writes     []Expect            // values other than the present ones, for a Writer; each point is among Points
	Silence    func()              // the equipment says nothing more; the wire stays sound
	Speak      func()              // it talks again, as before
	Cut        func()              // the wire is lost, and nobody is there to open
	Restore    func()              // it can be opened again, under the same settings
	Received   func() int64        // how much the equipment was sent so far; nil where that can't be told
}

// Expect is a point and the value that it has.
type Expect struct {
	Point adapters.Point
	Want  telemetry.Value
}

// Mistake is settings with several mistakes in them, and the keys that Validate must name, all of them at once.
type Mistake struct {
	Settings interface{ Validate() error }
	Keys     []string
}

// need is what a law needs of a rig.
type need uint8

const (
	polled need = 1 << iota
	pushed
	silence
	cut
)

// law is one sentence of the contract and the check that holds an adapter to it.
type law struct {
	name  string
	needs need
	check func(t testing.TB, s Suite)
}

func laws() []law {
	return []law{
		{"the kind has a name, a line of doc and settings", 0, kindIsNamed},
		{"keys are well-formed and can be decoded", 0, keysAreWellFormed},
		{"defaults are independent", 0, defaultsAreIndependent},
		{"all mistakes are named at once", 0, mistakesAreNamed},
		{"the rig's settings are valid", 0, rigIsValid},
		{"a point can be written when its spec says so", 0, writableMeansWriter},
		{"what was written is read back", 0, writeIsReadBack},
		{"open says when nobody is there", cut, openSaysNobody},
		{"close comes twice", 0, closeTwice},
		{"no goroutine is left", 0, noGoroutineLeft},
		{"prepare touches no wire", polled | cut, prepareTouchesNoWire},
		{"every point is emitted once with its value", polled, readEmitsOnce},
		{"a silent device is bad with the reason, and no loss", polled | silence, silentDevice},
		{"a lost connection is told from silence", polled | cut, lostConnection},
		{"read ends by the deadline", polled | silence, readEndsByDeadline},
		{"read ends when it is cancelled", polled | silence, readEndsWhenCancelled},
		{"close ends a read", polled | silence, closeEndsRead},
		{"a read after close is an error", polled, readAfterClose},
		{"what the equipment sends arrives", pushed, pushedArrives},
		{"a point that goes silent is bad once", pushed | silence, silentPush},
		{"a subscription ends with its context", pushed, subscribeEndsWithContext},
		{"a lost connection ends a subscription", pushed | cut, lostSubscription},
		{"close ends a subscription", pushed, closeEndsSubscription},
	}
}

// Run holds the adapter to every law, each in a subtest with a simulator of its own.
func Run(t *testing.T, s Suite) {
	t.Helper()
	s = s.withDefaults()
	has := s.look(t)
	known := map[string]bool{}
	for _, l := range laws() {
		known[l.name] = true
		if why, off := s.Without[l.name]; off {
			t.Logf("not held to %q: %s", l.name, why)
			continue
		}
		if lacks := l.needs &^ has; lacks&(polled|pushed) != 0 {
			continue // a device that only talks is not read, one that is only read does not talk
		} else if lacks != 0 {
			t.Errorf("the rig lacks the hooks for %q: give Silence and Speak, Cut and Restore, or name the law in Without", l.name)
			continue
		}
		t.Run(l.name, func(t *testing.T) { l.check(t, s) })
	}
	for _, name := range sortedKeys(s.Without) {
		if !known[name] {
			t.Errorf("Without names no law: %q", name)
		}
	}
}

func (s Suite) withDefaults() Suite {
	if s.Patience == 0 {
		s.Patience = 5 * time.Second
	}
	if s.Slack == 0 {
		s.Slack = 500 * time.Millisecond
	}
	return s
}

// look starts a rig once to see what it has, so that a law without a subject is left out by plan and not by accident.
func (s Suite) look(t testing.TB) need {
	var has need
	rig := s.Start(t)
	if len(rig.Points) == 0 {
		t.Fatalf("the rig has no points: nothing can be checked")
	}
	if len(rig.polled()) > 0 {
		has |= polled
	}
	if len(rig.pushed()) > 0 {
		has |= pushed
	}
	if rig.Silence != nil && rig.Speak != nil {
		has |= silence
	}
	if rig.Cut != nil && rig.Restore != nil {
		has |= cut
	}
	return has
}

func (r Rig) polled() []Expect { return r.only(false) }
func (r Rig) pushed() []Expect { return r.only(true) }

func (r Rig) only(pushed bool) []Expect {
	var some []Expect
	for _, e := range r.Points {
		if e.Point.Spec.Pushed() == pushed {
			some = append(some, e)
		}
	}
	return some
}

func points(expects []Expect) []adapters.Point {
	all := make([]adapters.Point, len(expects))
	for i, e := range expects {
		all[i] = e.Point
	}
	return all
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
