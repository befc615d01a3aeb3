package clock_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/gateway/clock"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// box is a machine whose clock is set by the test. Its true time is that of the bubble, 26 years on.
type box struct {
	mu      sync.Mutex
	wrong   time.Duration // what the wall clock is ahead of the truth by
	synced  bool
	service string
	boot    wire.Boot
	booted  time.Time
}

func newBox(wrong time.Duration) *box {
	return &box{wrong: wrong, boot: wire.Boot{1}, booted: time.Now().Add(-time.Minute), service: "timed"}
}

// truth is the time as it really is.
func truth() time.Time { return time.Now().AddDate(26, 0, 0) }

// in1970 is how wrong a clock is that was never set.
func in1970() time.Duration { return time.Unix(20, 0).Sub(truth()) }

func (b *box) wall() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return truth().Add(b.wrong)
}

func (b *box) Now() (wall, up int64, ok bool) {
	return b.wall().UnixNano(), int64(time.Since(b.booted)), true
}
func (b *box) Synchronised() bool       { b.mu.Lock(); defer b.mu.Unlock(); return b.synced }
func (b *box) Service() string          { b.mu.Lock(); defer b.mu.Unlock(); return b.service }
func (b *box) Boot() (wire.Boot, error) { b.mu.Lock(); defer b.mu.Unlock(); return b.boot, nil }

// set sets the clock, as the kernel sees it: whoever does so says whether it is synchronised now.
func (b *box) set(wrong time.Duration, synced bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong, b.synced = wrong, synced
}

// reboot is another boot, with the clock where it was at the first.
func (b *box) reboot(n byte, wrong time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.boot, b.wrong, b.synced, b.booted = wire.Boot{n}, wrong, false, time.Now()
}

// site is a clock that runs.
type site struct {
	*clock.Clock
	box  *box
	t    *testing.T
	dir  string
	db   *state.DB
	stop func()
}

func run(t *testing.T, b *box, dir string, o clock.Options) *site {
	t.Helper()
	db, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	o.Machine, o.Targets = b, []string{"main"}
	c, err := clock.New(db, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	synctest.Wait()
	return &site{c, b, t, dir, db, func() { cancel(); <-done; db.Close() }}
}

// again is the same after a restart of the process, and of the machine when that is said.
func (s *site) again(machine ...func()) *site {
	s.stop()
	for _, do := range machine {
		do()
	}
	return run(s.t, s.box, s.dir, clock.Options{})
}

// kept is a sample as it was kept, and when it was really taken.
type kept struct {
	telemetry.Sample
	stamp wire.Stamp
	truth time.Time
}

// sample takes one, so long before it is handed over.
func (s *site) sample(handed time.Duration) kept {
	k := kept{Sample: telemetry.Sample{Time: s.box.wall().UnixNano()}, truth: truth()}
	time.Sleep(handed)
	return s.stampIt(k)
}

func (s *site) stampIt(k kept) kept {
	one := []telemetry.Sample{k.Sample}
	k.stamp = s.Stamp(one)
	k.Sample = one[0]
	return k
}

// off is how far from the truth a sample is once it is settled.
func (s *site) off(k kept) time.Duration {
	s.t.Helper()
	at := k.Time
	if k.stamp.Doubted() {
		offset, ok := s.Settle(k.stamp)
		if !ok {
			s.t.Errorf("the doubt %d is not settled", k.stamp.Doubt)
		}
		at += offset - k.stamp.Offset
	}
	return time.Unix(0, at).Sub(k.truth).Abs()
}

func (s *site) says(doubt bool, why string) {
	s.t.Helper()
	if st := s.State(); st.Doubt != doubt || !strings.Contains(st.Why, why) {
		s.t.Errorf("the clock is %+v, want doubt %v because %q", st, doubt, why)
	}
}

func TestR11_TheClockIsSetRightAfterAWrongStart(t *testing.T) {
	for name, wrong := range map[string]func() time.Duration{
		"boot in 1970": in1970,
		"72 h behind":  func() time.Duration { return -72 * time.Hour },
		"72 h ahead":   func() time.Duration { return 72 * time.Hour },
		"20 s ahead":   func() time.Duration { return 20 * time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := run(t, newBox(wrong()), t.TempDir(), clock.Options{})
				defer func() { s.stop() }()
				var all []kept
				for range 20 {
					k := s.sample(300 * time.Millisecond)
					if !k.stamp.Doubted() {
						t.Fatal("a sample is not marked while nobody knows the time")
					}
					all = append(all, k)
					time.Sleep(time.Second)
				}
				under := kept{Sample: telemetry.Sample{Time: s.box.wall().UnixNano()}, truth: truth()}
				time.Sleep(50 * time.Millisecond)
				s.box.set(0, false) // a time service sets the clock, and says a moment later that it is right
				time.Sleep(50 * time.Millisecond)
				all = append(all, s.stampIt(under), s.sample(0))
				s.box.set(0, true)
				time.Sleep(1500 * time.Millisecond)
				s.says(false, "synchronised")
				for _, k := range append(all, s.sample(0)) {
					if off := s.off(k); off > 20*time.Millisecond {
						t.Errorf("a sample taken at %v is %v off", k.truth, off)
					}
				}
				if k := s.sample(0); k.stamp.Doubted() {
					t.Error("a sample is marked although the clock is right")
				}
				v := s.Verdicts("main")
				if len(v) != 1 || v[0].Lost || v[0].Boot != (wire.Boot{1}) {
					t.Errorf("the verdicts are %+v", v)
				}
				if err := s.Told("main", v); err != nil || len(s.Verdicts("main")) != 0 {
					t.Errorf("it is told again, %v", err)
				}
			})
		})
	}
}

// TestR11_AStepNobodyVouchesForChangesNoTime: once the time was known in this boot, it stays known.
func TestR11_AStepNobodyVouchesForChangesNoTime(t *testing.T) {
	for _, by := range []time.Duration{72 * time.Hour, -72 * time.Hour, 300 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			b := newBox(0)
			b.synced = true
			s := run(t, b, t.TempDir(), clock.Options{})
			defer func() { s.stop() }()
			good := s.sample(0)
			b.set(by, false)
			wrong := s.sample(100 * time.Millisecond)
			s.says(true, "it was set")
			if off := time.Unix(0, wrong.Time).Sub(wrong.truth).Abs(); off > 20*time.Millisecond || !wrong.stamp.Doubted() || good.stamp.Doubted() {
				t.Errorf("a sample of a clock that is %v wrong is %v off, with the stamp %+v", by, off, wrong.stamp)
			}
			if off := s.Now().Sub(truth()).Abs(); off > 20*time.Millisecond {
				t.Errorf("it takes the time to be %v off", off)
			}
			s = s.again() // the same boot
			if k := s.sample(0); time.Unix(0, k.Time).Sub(k.truth).Abs() > 20*time.Millisecond || k.stamp != wrong.stamp {
				t.Errorf("after a restart a sample has the stamp %+v, was %+v", k.stamp, wrong.stamp)
			}
			b.set(0, true)
			time.Sleep(2 * time.Second)
			s.says(false, "synchronised")
			if off := s.off(wrong); off > 20*time.Millisecond {
				t.Errorf("settled it is %v off", off)
			}
			if st := s.State(); st.Steps != 1 || (st.Last.By+by).Abs() > 20*time.Millisecond {
				t.Errorf("the step back is not told: %+v", st)
			}
		})
	}
}

func TestAMachineWithoutATimeServiceIsTakenAtItsWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(5 * time.Second)
		b.service = ""
		s := run(t, b, t.TempDir(), clock.Options{})
		defer func() { s.stop() }()
		s.says(false, "no time service")
		if k := s.sample(0); k.stamp.Doubted() {
			t.Error("its samples are in doubt")
		}
		b.set(-time.Minute, false) // somebody sets it by hand
		k := s.sample(0)
		if at := time.Unix(0, k.Time); k.stamp.Doubted() || at.Sub(s.box.wall()).Abs() > time.Millisecond {
			t.Errorf("after that a sample has the time %v and the stamp %+v", at, k.stamp)
		}
		if s.State().Synchronised {
			t.Error("it is said to be synchronised")
		}
	})
}

func TestATimeServiceIsWaitedForWhileATargetIsReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		reached := false
		o := clock.Options{Wait: 10 * time.Minute, Reached: func() bool { mu.Lock(); defer mu.Unlock(); return reached }}
		s := run(t, newBox(time.Hour), t.TempDir(), o)
		defer func() { s.stop() }()
		k := s.sample(0)
		time.Sleep(48 * time.Hour)
		s.says(true, "timed runs") // there was no way to a time service, either
		mu.Lock()
		reached = true
		mu.Unlock()
		time.Sleep(11 * time.Minute)
		s.says(false, "no time service has synchronised it")
		if off := s.off(k); off < 59*time.Minute || off > 61*time.Minute {
			t.Errorf("a sample is %v off, want the hour that nobody knows of", off)
		}
	})
}

func TestWhatIsConfiguredIsObeyed(t *testing.T) {
	for mode, doubt := range map[config.Clock]bool{config.ClockSynchronised: true, config.ClockMachine: false} {
		synctest.Test(t, func(t *testing.T) {
			b := newBox(time.Hour)
			b.service = ""
			s := run(t, b, t.TempDir(), clock.Options{Mode: mode})
			defer func() { s.stop() }()
			time.Sleep(24 * time.Hour)
			s.says(doubt, "")
			b.set(0, false)
			k := s.sample(0)
			if k.stamp.Doubted() != doubt || time.Unix(0, k.Time).Sub(k.truth).Abs() > 20*time.Millisecond {
				t.Errorf("mode %d: the sample %v has the stamp %+v", mode, time.Unix(0, k.Time), k.stamp)
			}
		})
	}
}

func TestWhatAnotherBootLeftInDoubtIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := run(t, newBox(in1970()), t.TempDir(), clock.Options{})
		defer func() { s.stop() }()
		old := s.sample(0)
		s = s.again(func() { s.box.reboot(2, in1970()) })
		if _, ok := s.Settle(old.stamp); ok {
			t.Error("the doubt of the boot before is settled")
		}
		if v := s.Verdicts("main"); !slices.Equal(v, []wire.Verdict{{Boot: wire.Boot{1}, Doubt: 1, Lost: true}}) {
			t.Errorf("the verdicts are %+v", v)
		}
		s.box.set(0, true)
		time.Sleep(2 * time.Second)
		v := s.Verdicts("main")
		if len(v) != 2 || v[1].Boot != (wire.Boot{2}) || v[1].Lost {
			t.Fatalf("the verdicts are %+v", v)
		}
		if err := s.Told("main", v); err != nil {
			t.Fatal(err)
		}
		s = s.again(func() { s.box.reboot(3, 0); s.box.service = "" })
		if v := s.Verdicts("main"); len(v) != 0 {
			t.Errorf("told again: %+v", v)
		}
	})
}

func TestAClockThatIsBehindWhatWasSeenIsInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(0)
		b.service = ""
		s := run(t, b, t.TempDir(), clock.Options{})
		defer func() { s.stop() }()
		time.Sleep(time.Hour)
		s = s.again(func() { s.box.reboot(2, -2*time.Hour) }) // no battery: it goes on where it last wrote the time to a file
		s.says(true, "it is behind")
		k := s.sample(0)
		s.box.set(0, false)
		time.Sleep(2 * time.Second)
		s.says(false, "no time service")
		if off := s.off(k); off > 20*time.Millisecond {
			t.Errorf("a sample is %v off", off)
		}
	})
}

func TestTheEquipmentsOwnTimesStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(0)
		b.synced = true
		s := run(t, b, t.TempDir(), clock.Options{})
		defer func() { s.stop() }()
		b.set(72*time.Hour, false)
		list := []telemetry.Sample{{Time: 5, Sourced: true}, {Time: s.box.wall().UnixNano()}}
		s.Stamp(list)
		if list[0].Time != 5 || time.Unix(0, list[1].Time).Sub(truth()).Abs() > 20*time.Millisecond {
			t.Errorf("they are %v now", list)
		}
	})
}

// TestKernelTellsTheTime: the machine this runs on has clocks that agree with Go's.
func TestKernelTellsTheTime(t *testing.T) {
	var k clock.Kernel
	before := time.Now()
	wall, up, ok := k.Now()
	if after := time.Now(); !ok || wall < before.UnixNano() || wall > after.UnixNano() || up <= 0 {
		t.Errorf("read %v, %v, %v between %v and %v", time.Unix(0, wall), time.Duration(up), ok, before, after)
	}
	boot, err := k.Boot()
	if err != nil || boot == (wire.Boot{}) {
		t.Errorf("the boot is %v, %v", boot, err)
	}
	t.Logf("synchronised %v, service %q", k.Synchronised(), k.Service())
}
