package cmd_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// clockskew builds the program that runs another with a wrong clock.
var clockskew = sync.OnceValues(func() (string, error) {
	path := ours("clockskew")
	build := exec.Command("go", "build", "-o", path, "./testdata/clockskew")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build clockskew: %v\n%s", err, out)
	}
	return path, nil
})

// clockSite is a site whose gateway's clock goes wrong.
type clockSite struct{ *site }

// newClockSite starts a gateway with a clock that is wrong by on, or shows that; setClock switches to off.
func newClockSite(t *testing.T, on, off string) clockSite {
	t.Helper()
	skew, err := clockskew()
	if err != nil {
		t.Fatal(err)
	}
	s := clockSite{newCounterSite(t, 1)}
	s.edit(s.config(), "{id: plant7}", "{id: plant7, clock: synchronised}")
	s.write(s.config(), s.text(s.config())+`rules:
  - name: beat
    when: counter1.number >= 0
    every: 1s
    set: {pulse.beat: 1}
  - name: windows
    sql: "SELECT count(*) AS value FROM 'counter1/number' GROUP BY TUMBLINGWINDOW(ss, 1)"
    set: pulse.windows
  - name: soon
    when: counter1.number >= 0
    alarm: {text: soon, on_delay: 6s}
  - name: late
    when: counter1.number >= 0
    alarm: {text: late, on_delay: 1h}
`)
	s.gateway = start(t, exec.Command(skew, "-on", on, "-off", off, ours("penstock"), "run", "-c", s.config()))
	s.gateway.says("msg=running")
	return s
}

func (s *site) text(path string) string {
	s.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// setClock is somebody who sets the gateway's clock.
func (s clockSite) setClock() {
	s.t.Helper()
	if err := s.gateway.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		s.t.Fatal(err)
	}
}

// runFor lets the plant be read n times more.
func (s clockSite) runFor(n int) {
	s.t.Helper()
	want := s.served() + 2*n
	until(s.t, time.Minute, fmt.Sprint(n, " readings more"), func() bool { return s.served() >= want })
}

// inDoubt waits until the gateway says that it doubts its clock, or does not.
func (s clockSite) inDoubt(doubt bool) {
	s.t.Helper()
	until(s.t, 20*time.Second, fmt.Sprint("the clock is in doubt: ", doubt), func() bool {
		st, ok := s.status()
		return ok && st.Clock.InDoubt == doubt
	})
}

// sent waits until everything is in the cloud, and nothing is in doubt there.
func (s clockSite) sent() []sample {
	s.t.Helper()
	s.rest()
	var list []sample
	until(s.t, 30*time.Second, "all is stored, and nothing in doubt", func() bool {
		if st := s.now(); st.Buffer.Samples != 0 || !st.Targets[0].Connected {
			return false
		}
		list = s.query("counter1.number")
		return !slices.ContainsFunc(list, func(one sample) bool { return strings.HasPrefix(one.Quality, "uncertain") })
	})
	return list
}

// right holds every sample against when it was really taken, and gives how far half of them are off at most. They must be whole and in order.
//
// The gateway stamps an answer when it has come, and asks for the next one afterwards: so a busy machine may put time between what was served and its
// stamp, and never brings it beyond the next that was served.
func (s clockSite) right(list []sample) (median time.Duration) {
	s.t.Helper()
	const within = 100 * time.Millisecond
	history := s.counters[0].history()
	var off []time.Duration
	for _, one := range list {
		if strings.HasPrefix(one.Quality, "bad") {
			continue // after all was served, the counter kept silent
		}
		next := len(off)
		var n int
		if err := json.Unmarshal(one.Value, &n); err != nil || n != next || n >= len(history) {
			s.t.Fatalf("number %s (%v) comes where %d of %d should", one.Value, err, next, len(history))
		}
		late := one.Time.Sub(history[n])
		if late < -within || n+1 < len(history) && one.Time.Sub(history[n+1]) > within {
			s.t.Errorf("number %d was served at %v, and is stored as of %v later", n, history[n], late)
		}
		off = append(off, late.Abs())
	}
	if len(off) != len(history) {
		s.t.Fatalf("%d numbers were served, and %d are stored", len(history), len(off))
	}
	slices.Sort(off)
	if median = off[len(off)/2]; median > within {
		s.t.Errorf("half of the samples are more than %v from when they were taken", median)
	}
	return median
}

// cpu is the processor time that the gateway has used, without the tracer's.
func (s clockSite) cpu() time.Duration {
	s.t.Helper()
	pid := strings.Fields(s.text(fmt.Sprintf("/proc/%d/task/%[1]d/children", s.gateway.cmd.Process.Pid)))[0]
	_, stat, _ := strings.Cut(s.text(filepath.Join("/proc", pid, "stat")), ") ")
	var ticks time.Duration
	for _, field := range strings.Fields(stat)[11:13] { // in user and kernel mode
		n, err := strconv.Atoi(field)
		if err != nil {
			s.t.Fatal(err)
		}
		ticks += time.Duration(n)
	}
	return ticks * 10 * time.Millisecond
}

// readings are how often the plant was read in each whole second after from.
func (s clockSite) readings(from time.Time) (perSecond []int) {
	for _, at := range s.counters[0].history() {
		if since := at.Sub(from); since >= 0 {
			i := int(since / time.Second)
			for len(perSecond) <= i {
				perSecond = append(perSecond, 0)
			}
			perSecond[i]++
		}
	}
	return perSecond
}

// alarmsHold: the delay of an alarm is neither jumped over nor begun anew.
func (s clockSite) alarmsHold() {
	s.t.Helper()
	until(s.t, 15*time.Second, "the alarm with a delay of 6 s is there", func() bool { return s.now().Alarms > 0 })
	if n := s.now().Alarms; n != 1 {
		s.t.Errorf("%d alarms are there, want the one with a delay of 6 s and not the one with an hour", n)
	}
}

// noStorm: ten readings a second are configured, and a clock that is set makes them no more.
func (s clockSite) noStorm(set time.Time) {
	s.t.Helper()
	per := s.readings(set)
	if most := slices.Max(per); most > 15 {
		s.t.Errorf("the plant was read %v times in the seconds after the clock was set", per)
	}
	history := s.counters[0].history()
	lasted, since := history[len(history)-1].Sub(history[0]).Seconds(), history[len(history)-1].Sub(set).Seconds()
	for _, point := range []string{"pulse.beat", "pulse.windows"} {
		all, after := 0, 0
		for _, one := range s.query(point) {
			all++
			if one.Time.After(set) {
				after++
			}
		}
		if float64(all) > lasted+15 || float64(after) < since/2 {
			s.t.Errorf("%s, once a second, came %d times in %.0f s, %d of them in the %.0f s after the clock was set", point, all, lasted, after, since)
		}
	}
}

func TestR11_AWrongClockAtTheStartIsPutRight(t *testing.T) {
	for name, c := range map[string]struct {
		on      string
		reaches bool   // the cloud, with the wrong clock
		why     string // it does not
	}{
		"boot in 1970": {"1970-01-01T00:00:20Z", false, "never set"},
		"72 h behind":  {"-72h", false, "set the clock"},
		"72 h ahead":   {"72h", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newClockSite(t, c.on, "0s")
			s.runFor(10)
			s.inDoubt(true)
			if c.reaches {
				s.markedInTheCloud(72 * time.Hour)
			} else if why := s.now().Targets[0].Why; !strings.Contains(why, c.why) {
				t.Errorf("the target is not reached because %q, want %q", why, c.why)
			}
			before := s.cpu()
			s.runFor(30)
			set, until := time.Now(), s.cpu()
			s.setClock()
			s.runFor(30)
			after := s.cpu()
			s.inDoubt(false)
			s.alarmsHold()
			off := s.right(s.sent())
			s.noStorm(set)
			st := s.now().Clock
			if !st.Synchronised || st.Steps != 1 || math.Abs(st.LastStep.ByS) < 71*3600 {
				t.Errorf("the gateway tells of its clock: %+v", st)
			}
			t.Logf("%d samples, put right to %v (median); 30 readings before the clock was set took %v of processor time (traced), the 30 from there on %v",
				len(s.counters[0].history()), off.Round(time.Microsecond), until-before, after-until)
		})
	}
}

// markedInTheCloud: what has arrived by now is wrong by so much, and says so.
func (s clockSite) markedInTheCloud(wrong time.Duration) {
	s.t.Helper()
	var list []sample
	until(s.t, 20*time.Second, "samples are in the cloud", func() bool {
		list = s.query("counter1.number")
		return len(list) > 0
	})
	for _, one := range list {
		if off := one.Time.Sub(s.counters[0].history()[0]); one.Quality != "uncertain: clock" || off < wrong-time.Second || off > wrong+time.Minute {
			s.t.Fatalf("the sample %+v is %v from the first, and should be %v, and marked", one, off, wrong)
		}
	}
}

// TestR11_AClockSetWrongChangesNoTime: the time was known in this boot, so it stays known whatever the clock is set to.
func TestR11_AClockSetWrongChangesNoTime(t *testing.T) {
	for _, wrong := range []string{"72h", "-72h"} {
		t.Run(wrong, func(t *testing.T) {
			t.Parallel()
			s := newClockSite(t, "0s", wrong)
			s.runFor(20)
			s.inDoubt(false)
			set := time.Now()
			s.setClock()
			s.runFor(40)
			s.inDoubt(true)
			s.setClock()
			s.runFor(20)
			s.inDoubt(false)
			s.alarmsHold()
			off := s.right(s.sent())
			s.noStorm(set)
			if st := s.now().Clock; st.Steps != 2 {
				t.Errorf("the gateway tells of its clock: %+v", st)
			}
			t.Logf("%d samples, right to %v (median)", len(s.counters[0].history()), off.Round(time.Microsecond))
		})
	}
}
