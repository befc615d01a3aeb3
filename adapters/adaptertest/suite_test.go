package adaptertest

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// recorder is a testing.TB that keeps what a failing check says to itself.
type recorder struct {
	testing.TB // the real one, for what is not overridden
	mu         sync.Mutex
	said       []string
	cleanups   []func()
}

func (r *recorder) Helper()             {}
func (r *recorder) Cleanup(fn func())   { r.cleanups = append(r.cleanups, fn) }
func (r *recorder) Logf(string, ...any) {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// hold holds a suite to one law and gives what the check complained of.
func hold(t *testing.T, s Suite, name string) []string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for _, cleanup := range slices.Backward(r.cleanups) {
				cleanup()
			}
		}()
		lawNamed(t, name).check(r, s.withDefaults())
	}()
	<-done
	return r.said
}

func lawNamed(t *testing.T, name string) law {
	t.Helper()
	for _, l := range laws() {
		if l.name == name {
			return l
		}
	}
	t.Fatalf("there is no law %q", name)
	return law{}
}

func TestASoundFakePasses(t *testing.T) { Run(t, fakeSuite("")) }

// broken says which law finds which flaw.
var broken = []struct {
	flaw flaw
	law  string
}{
	{"validate stops at the first", "all mistakes are named at once"},
	{"a mistake without a key", "all mistakes are named at once"},
	{"writable without a writer", "a point can be written when its spec says so"},
	{"a write is forgotten", "what was written is read back"},
	{"open succeeds with nobody there", "open says when nobody is there"},
	{"the second close is an error", "close comes twice"},
	{"a goroutine is left", "no goroutine is left"},
	{"prepare touches the wire", "prepare touches no wire"},
	{"prepare needs the wire", "prepare touches no wire"},
	{"a point is forgotten", "every point is emitted once with its value"},
	{"a point is emitted twice", "every point is emitted once with its value"},
	{"emitted after the return", "every point is emitted once with its value"},
	{"values are swapped", "every point is emitted once with its value"},
	{"a bad point is forgotten", "a silent device is bad with the reason, and no loss"},
	{"bad has no reason", "a silent device is bad with the reason, and no loss"},
	{"bad has a value", "a silent device is bad with the reason, and no loss"},
	{"silence is called a loss", "a silent device is bad with the reason, and no loss"},
	{"the last value is called good", "a silent device is bad with the reason, and no loss"},
	{"a loss is called silence", "a lost connection is told from silence"},
	{"an error is swallowed", "read ends by the deadline"},
	{"the context is not heeded", "read ends by the deadline"},
	{"the context is not heeded", "read ends when it is cancelled"},
	{"close does not end a read", "close ends a read"},
	{"close does not end a read", "a read after close is an error"},
	{"values are swapped", "a silent device is bad with the reason, and no loss"},
	{"a subscription sends nothing", "what the equipment sends arrives"},
	{"close does not end a subscription", "close ends a subscription"},
	{"a subscription outlives its context", "a subscription ends with its context"},
	{"the end of a context is an error", "a subscription ends with its context"},
	{"a subscription survives the cut", "a lost connection ends a subscription"},
	{"silence is told again and again", "a point that goes silent is bad once"},
}

func TestTheSuiteFindsBrokenFakes(t *testing.T) {
	for _, c := range broken {
		t.Run(string(c.flaw), func(t *testing.T) {
			t.Parallel()
			s := fakeSuite(c.flaw)
			s.Patience, s.Slack = 500*time.Millisecond, 200*time.Millisecond
			if said := hold(t, s, c.law); len(said) == 0 {
				t.Errorf("a fake in which %s keeps the law %q", c.flaw, c.law)
			} else {
				t.Logf("found: %s", said[0])
			}
		})
	}
}

// badKeys is settings whose tags are wrong in every way that is looked for.
type badKeys struct {
	fakeConnection `yaml:"-"`
	Fake           string   `yaml:"fake"`
	Again          string   `yaml:"fake"`
	Upper          string   `yaml:"Upper"`
	Untagged       string   //nolint:unused // its absence is the mistake
	Hook           func()   `yaml:"hook"`
	Stream         chan int `yaml:"stream"`
	Devices        []string `yaml:"devices"`
	Must           bool     `yaml:"must" required:"yes"`
	Nested         struct {
		Any any `yaml:"any"`
	} `yaml:"nested"`
}

func (badKeys) NewDevice() adapters.Device { return &fakeDevice{} }
func (badKeys) Open(context.Context, *slog.Logger) (adapters.Adapter, error) {
	return nil, errClosed
}

func TestTheSuiteFindsBadKeys(t *testing.T) {
	s := fakeSuite("")
	s.Kind.New = func() adapters.Connection { return &badKeys{} }
	said := strings.Join(hold(t, s, "keys are well-formed and can be decoded"), "\n")
	for _, want := range []string{"Again", "Upper", "Untagged", "Hook", "Stream", "Devices", "Must", "Any"} {
		if !strings.Contains(said, "."+want) {
			t.Errorf("nothing was said of %s:\n%s", want, said)
		}
	}
}

func TestTheSuiteFindsSharedDefaults(t *testing.T) {
	s := fakeSuite("")
	labels := map[string]string{}
	s.Kind.New = func() adapters.Connection { return &fakeConnection{Labels: labels} }
	if said := hold(t, s, "defaults are independent"); len(said) == 0 {
		t.Error("two sets of defaults share a map, and nothing was said")
	}
}

func TestTheSuiteFindsAnUnnamedKind(t *testing.T) {
	s := fakeSuite("")
	s.Kind.Name, s.Kind.Doc = "other", ""
	if said := hold(t, s, "the kind has a name, a line of doc and settings"); len(said) != 2 {
		t.Errorf("want two complaints, of Doc and of the key: %q", said)
	}
}

func TestTheSuiteFindsAnInvalidRig(t *testing.T) {
	s := fakeSuite("")
	s.Start = func(t testing.TB) Rig {
		rig := fakeRig(t, "")
		rig.Connection.(*fakeConnection).Address = ""
		return rig
	}
	if said := hold(t, s, "the rig's settings are valid"); len(said) == 0 {
		t.Error("the rig's connection has no address, and nothing was said")
	}
}

func TestEveryLawHasBeenSeenToFail(t *testing.T) {
	seen := map[string]bool{ // those with a test of their own above
		"the kind has a name, a line of doc and settings": true, "keys are well-formed and can be decoded": true,
		"defaults are independent": true, "the rig's settings are valid": true,
	}
	for _, c := range broken {
		seen[c.law] = true
	}
	for _, l := range laws() {
		if !seen[l.name] {
			t.Errorf("no broken fake shows that %q can fail", l.name)
		}
	}
}
