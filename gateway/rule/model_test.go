package rule_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// model is a rule with when and until in the plainest words: it looks at every millisecond.
type model struct {
	delay, every  int
	until         bool
	now           int // ms
	temp          float64
	known, judged bool
	on            bool
	began, acted  int // -1: not
	did           []string
}

func (m *model) note(s string) {
	m.did = append(m.did, fmt.Sprintf("%v %s", time.Duration(m.now)*time.Millisecond, s))
}

// look is what happens at each moment.
func (m *model) look() {
	hot, cold := m.known && m.temp > 85, m.known && m.temp <= 85
	if m.until {
		cold = m.known && m.temp < 80
		if !m.on {
			cold = m.known && m.temp <= 85
		}
	}
	m.judged = m.judged || m.known
	switch {
	case m.on && cold:
		m.on, m.acted = false, -1
		m.note("write press.start=true")
	case !m.on && cold:
		m.began = -1
	case !m.on && hot && m.began < 0:
		m.began = m.now
	}
	switch {
	case !m.judged:
	case !m.on && m.began >= 0 && m.now >= m.began+m.delay:
		m.on, m.began, m.acted = true, -1, m.now
		m.note("write press.start=false")
	case m.on && m.every > 0 && m.now >= m.acted+m.every:
		m.acted = m.now
		m.note("write press.start=false")
	}
}

func (m *model) pass(ms int) {
	for range ms {
		m.now++
		m.look()
	}
}

// TestTimelinesEqualTheModelThroughKills: the engine is killed after every step, and does what one that was never killed would have done,
// save that after a kill it acts only on what it has read since. Orders that come twice have the same key.
func TestTimelinesEqualTheModelThroughKills(t *testing.T) {
	again := 0
	for seed := range 100 {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		m := &model{delay: []int{0, 0, 3000, 10000}[r.IntN(4)], every: []int{0, 7000}[r.IntN(2)], until: r.IntN(2) == 0, began: -1, acted: -1}
		until := ""
		if m.until {
			until = "until: press.oil_temp < 80, "
		}
		if m.every > 0 {
			until += fmt.Sprintf("every: %dms, ", m.every)
		}
		rules := fmt.Sprintf("  - {name: hot, when: press.oil_temp > 85, for: %dms, %swrite: {press.start: false}, end: {write: {press.start: true}}}\n", m.delay, until)
		during(t, strings.Replace(rules, "for: 0ms, ", "", 1), func(s *site) {
			for range 10 {
				m.known, m.temp = r.IntN(5) > 0, 70+25*r.Float64()
				if m.known {
					s.read("press.oil_temp", m.temp)
				} else {
					s.read("press.oil_temp", nil)
				}
				m.look()
				wait := 1 + r.IntN(6000)
				if m.delay > 0 || wait%3 > 0 {
					wait += 1000 // the flush: a crash may take so much of a delay
				} else {
					wait = 0
				}
				s.wait(time.Duration(wait) * time.Millisecond)
				m.pass(wait)
				s.kill()
				m.known, m.judged = false, false
			}
			got := strings.Split(s.hands.told(), "; ")
			got = slices.DeleteFunc(got, func(s string) bool { return s == "" })
			if !slices.Equal(got, m.did) {
				t.Errorf("seed %d: %s\n  did  %s\n  want %s", seed, rules, strings.Join(got, "\n       "), strings.Join(m.did, "\n       "))
			}
			again += s.hands.again
		})
	}
	if again == 0 {
		t.Error("no order ever came again: nothing was killed at the right moment")
	}
	t.Logf("%d orders came again after a kill, with the key they had", again)
}

func TestWhatWasDecidedIsDoneAfterACrash(t *testing.T) {
	during(t, "  - {name: stop, when: press.running, write: {press.start: false}, publish: {topic: stopped, payload: \"${press.oil_temp}\"}, end: {write: {press.start: true}}}", func(s *site) {
		s.hands.holding, s.hands.away = make(chan struct{}), make(chan struct{})
		s.read("press.oil_temp", 55.5)
		s.read("press.running", true)
		s.want()
		s.kill() // new hands, that hold nothing
		s.wait(0)
		if got := s.hands.told(); !strings.Contains(got, "write press.start=false") || !strings.Contains(got, "publish dt/plant7/stopped 55.5") {
			t.Errorf("after the crash: %s", got)
		}
		s.wait(2 * time.Second)
		s.kill()
		s.wait(0)
		s.want() // it was taken off
		s.read("press.running", true)
		s.want() // and is still on
		s.read("press.running", false)
		s.want("2s write press.start=true")
	})
}

func TestAWindowSurvives(t *testing.T) {
	during(t, "  - {name: sum, sql: \"SELECT sum(value) AS value, count(*) AS n FROM 'press/oil_temp' GROUP BY TUMBLINGWINDOW(ss, 60)\", publish: {topic: sum}}", func(s *site) {
		for i := range 50 {
			s.read("press.oil_temp", i)
			s.wait(time.Second + time.Millisecond)
			if i%7 == 0 {
				s.kill()
			}
		}
		s.wait(time.Minute)
		s.want(`1m0s publish dt/plant7/sum {"value":1225,"n":50}`)
		s.kill()
		s.wait(time.Hour)
		s.want() // a window that was closed is not closed again
	})
}

func TestVirtualPointsAreAsTheyWere(t *testing.T) {
	during(t, `
  - {name: flag, when: press.oil_temp > 85, set: {shop.hot: true, shop.name: "${press.oil_temp}"}, end: {set: {shop.hot: false}}}
  - {name: stop, when: shop.hot AND press.running, write: {press.start: false}}
  - {name: rows, sql: "SELECT value FROM 'shop/name'", publish: {topic: name}}
`, func(s *site) {
		s.read("press.oil_temp", 90.5)
		s.want("0s set shop.hot=true", "0s set shop.name=90.5", `0s publish dt/plant7/name {"value":90.5}`)
		s.wait(2 * time.Second)
		s.kill()
		s.want("2s set shop.hot=true?uncertain", "2s set shop.name=90.5?uncertain") // for the screen and for conditions; not for statements
		s.read("press.running", true)
		s.want("2s write press.start=false")
	})
}

func TestARuleThatWasChangedBeginsAnew(t *testing.T) {
	during(t, "  - {name: stop, when: press.running, write: {press.start: false}, end: {write: {press.start: true}}}", func(s *site) {
		s.hands.holding = make(chan struct{})
		s.read("press.running", true)
		s.cfg.Rules[0].Do.Write[0].Value = "true"
		s.kill()
		s.wait(time.Minute)
		s.want() // what waited was another rule's decision
		s.read("press.running", true)
		s.want("1m0s write press.start=true")
	})
}

func TestADamagedShelfCostsWhatIsDamaged(t *testing.T) {
	during(t, "  - {name: stop, when: press.running, for: 5s, write: {press.start: false}}\n  - {name: sum, sql: \"SELECT sum(value) AS value FROM 'press/oil_temp' GROUP BY TUMBLINGWINDOW(ss, 60)\", publish: {topic: sum}}", func(s *site) {
		s.read("press.running", true)
		s.read("press.oil_temp", 1)
		s.wait(2 * time.Second)
		s.stop()
		for _, key := range []string{"m/stop", "w/sum", "v/shop.x", "a/stop/1", "a/"} {
			if err := s.db.Put("rules", key, []byte("\x00rot")); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.db.Close(); err != nil {
			t.Fatal(err)
		}
		s.start()
		s.read("press.running", true)
		s.wait(6 * time.Second)
		s.want("7s write press.start=false")
	})
}

func TestAFullDiskDoesNotKeepThePlantFromBeingStopped(t *testing.T) {
	var log journal
	during(t, "  - {name: stop, when: press.running, write: {press.start: false}, end: {write: {press.start: true}}}", func(s *site) {
		s.stop()
		if err := s.db.Close(); err != nil {
			t.Fatal(err)
		}
		s.log = &log
		s.start()
		s.full.Store(true)
		s.read("press.running", true)
		s.wait(time.Minute)
		s.want("0s write press.start=false")
		s.full.Store(false)
		s.wait(2 * time.Second)
		s.kill()
		s.read("press.running", true)
		s.want() // it is on, and that was stored in the end
		if n := strings.Count(log.String(), "make room on the disk"); n != 1 {
			t.Errorf("said %d times, want once: %s", n, log.String())
		}
	})
}

func TestNothingIsAllocatedWhileNothingFires(t *testing.T) {
	during(t, `
  - {name: hot, when: press.oil_temp > 85, for: 10s, until: press.oil_temp < 80, write: {press.start: false}}
  - {name: mean, sql: "SELECT avg(value) AS value FROM 'press/+' GROUP BY TUMBLINGWINDOW(hh, 1)", set: shop.mean}
`, func(s *site) {
		in := []telemetry.Sample{{Point: 0, Time: time.Now().UnixNano(), Value: telemetry.Float64(20)}, {Point: 1, Time: time.Now().UnixNano(), Value: telemetry.Float64(20)}}
		s.engine.Put(in)
		s.wait(5 * time.Second)
		if n := testing.AllocsPerRun(1000, func() { s.engine.Put(in) }); n > 0 {
			t.Errorf("%v allocations for two samples, want none", n)
		}
	})
}
