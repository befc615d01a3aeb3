package alarm_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/alarm"
)

// model is an alarm second by second: a table of ISA-18.2's transitions and counters, written apart from the package, which
// computes deadlines instead.
type model struct {
	c                      alarm.Config
	table                  map[alarm.State]map[string]alarm.State
	base                   alarm.State
	on                     bool
	held                   int            // seconds that the condition has been as it is
	asked                  int            // seconds since it last asked, was answered, or came into sight
	steps                  int            // escalations so far
	coming, level          alarm.Severity // of the condition: as it is, and as the alarm has it
	shelf                  int            // seconds left on the shelf; 0: not there
	suppressed, outOfOrder bool
	now                    int
	log                    []string
}

func newModel(c alarm.Config) *model {
	down := alarm.Normal
	if c.Latch {
		down = alarm.Returned
	}
	return &model{c: c, base: alarm.Normal, table: map[alarm.State]map[string]alarm.State{
		alarm.Normal:         {"up": alarm.Unacknowledged},
		alarm.Unacknowledged: {"down": down, "ack": alarm.Acknowledged},
		alarm.Acknowledged:   {"down": alarm.Normal, "again": alarm.Unacknowledged},
		alarm.Returned:       {"up": alarm.Unacknowledged, "ack": alarm.Normal},
	}}
}

func (m *model) state() alarm.State {
	for _, hide := range []struct {
		is bool
		as alarm.State
	}{{m.outOfOrder, alarm.OutOfService}, {m.suppressed, alarm.Suppressed}, {m.shelf > 0, alarm.Shelved}} {
		if hide.is {
			return hide.as
		}
	}
	return m.base
}

func (m *model) own() alarm.Severity {
	if m.level != 0 {
		return m.level
	}
	if m.c.Severity != 0 {
		return m.c.Severity
	}
	return alarm.Medium
}

func (m *model) severity() alarm.Severity {
	if s := m.state(); s.Hidden() || s == alarm.Normal {
		return 0
	}
	worst := m.own()
	for _, e := range m.c.Escalate[:m.steps] {
		worst = max(worst, e.Severity)
	}
	return worst
}

// do is one change, noted if it can be seen.
func (m *model) do(change func()) {
	from, severity, hidden := m.state(), m.severity(), m.state().Hidden()
	change()
	if hidden && !m.state().Hidden() {
		m.asked, m.steps = 0, 0
	}
	if from != m.state() || severity != m.severity() {
		m.log = append(m.log, fmt.Sprintf("%d: %s -> %s, %v", m.now, from, m.state(), m.severity()))
	}
}

func (m *model) take(input string) {
	to, ok := m.table[m.base][input]
	if !ok {
		return
	}
	m.do(func() {
		m.base = to
		if input == "up" {
			m.level = m.coming
		}
		if to != alarm.Returned {
			m.asked, m.steps = 0, 0
		}
		if to == alarm.Normal {
			m.level = 0
		}
	})
}

func seconds(d time.Duration) int { return int(d / time.Second) }

func (m *model) delays() {
	if m.on && m.held >= seconds(m.c.OnDelay) {
		m.take("up")
	}
	if !m.on && m.held >= seconds(m.c.OffDelay) {
		m.take("down")
	}
}

// second passes.
func (m *model) second() {
	m.now++
	m.held++
	m.asked++
	if m.shelf == 1 {
		m.do(func() { m.shelf = 0 })
	}
	m.shelf = max(m.shelf-1, 0)
	m.delays()
	waits := m.base == alarm.Unacknowledged || m.base == alarm.Returned
	for waits && !m.state().Hidden() && m.steps < len(m.c.Escalate) && m.asked >= seconds(m.c.Escalate[m.steps].After) {
		m.do(func() { m.steps++ })
	}
	if m.c.ReAlarm > 0 && m.state() == alarm.Acknowledged && m.asked >= seconds(m.c.ReAlarm) {
		m.take("again")
	}
}

func (m *model) input(on bool, level alarm.Severity) {
	if on != m.on {
		m.on, m.held = on, 0
	}
	if on {
		m.coming = level
	}
	if active := m.base == alarm.Unacknowledged || m.base == alarm.Acknowledged; on && active && level != m.level {
		m.do(func() {
			before := m.own()
			m.level = level
			if m.own() > before && m.base == alarm.Acknowledged {
				m.base, m.asked, m.steps = alarm.Unacknowledged, 0, 0
			}
		})
	}
	m.delays()
}

// TestTimelines: 200 random lives, each stored and read again after every step, are what the model says.
func TestTimelines(t *testing.T) {
	var events int
	for seed := range 200 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dice := rand.New(rand.NewPCG(uint64(seed), 18))
			l := begin(t, randomConfig(dice))
			m := newModel(l.config)
			for range 150 {
				m.walk(l, 1+dice.IntN(12)*dice.IntN(4))
				play(dice, l, m)
				if l.alarm.State() != m.state() || l.alarm.Severity() != m.severity() {
					t.Fatalf("at %d s: %s, %v; the model says %s, %v\n%+v\n%v", m.now, l.alarm.State(), l.alarm.Severity(), m.state(), m.severity(), l.config, m.log)
				}
			}
			l.compare(m)
			events += len(l.told)
		})
	}
	if events < 200*20 {
		t.Errorf("%d events in all: too quiet to show anything", events)
	}
}

// walk lets time pass: in the model second by second, for the alarm by its own Next, or now and then not at all.
func (m *model) walk(l *life, n int) {
	for range n {
		m.second()
		if next, ok := l.alarm.Next(); ok && !next.After(at(m.now)) && n%3 != 0 {
			l.wait(m.now)
		}
	}
	l.wait(m.now)
}

func (l *life) compare(m *model) {
	var got []string
	from, severity := alarm.Normal, alarm.Severity(0)
	for _, e := range l.told {
		shown := e.Severity
		if e.To == alarm.Normal || e.To.Hidden() {
			shown = 0
		}
		if e.From != from {
			l.Fatalf("%s begins at %s, the one before ended at %s", e.ID(), e.From, from)
		}
		if e.From != e.To || shown != severity {
			got = append(got, fmt.Sprintf("%d: %s -> %s, %v", seconds(e.Time.Sub(start)), e.From, e.To, shown))
		}
		from, severity = e.To, shown
	}
	if g, w := fmt.Sprint(got), fmt.Sprint(m.log); g != w {
		l.Fatalf("%+v\ntold  %s\nmodel %s", l.config, g, w)
	}
}

func randomConfig(dice *rand.Rand) alarm.Config {
	some := func(n int) time.Duration { return time.Duration(dice.IntN(2)*dice.IntN(n)) * time.Second }
	c := alarm.Config{Severity: alarm.Severity(dice.IntN(5)), OnDelay: some(15), OffDelay: some(15), Latch: dice.IntN(2) == 0, ReAlarm: some(60)}
	var after time.Duration
	for range dice.IntN(4) {
		after += time.Duration(1+dice.IntN(20)) * time.Second
		c.Escalate = append(c.Escalate, alarm.Escalation{After: after, Severity: alarm.Severity(1 + dice.IntN(4))})
	}
	return c
}

// play is one thing that happens, to both.
func play(dice *rand.Rand, l *life, m *model) {
	now, who := at(m.now), alarm.Who{Name: "anna"}
	switch dice.IntN(14) {
	case 0, 1, 2, 3:
		level := alarm.Severity(dice.IntN(2) * dice.IntN(5))
		l.level(m.now, level)
		m.input(true, level)
	case 4, 5, 6:
		l.off(m.now)
		m.input(false, 0)
	case 7, 8, 9:
		l.ack(m.now)
		m.take("ack")
	case 10:
		n := 1 + dice.IntN(40)
		l.shelve(m.now, m.now+n)
		m.do(func() { m.shelf = n })
	case 11:
		l.tell(l.alarm.Unshelve(now, who))
		m.do(func() { m.shelf = 0 })
	case 12:
		was := m.suppressed
		m.do(func() { m.suppressed = !was })
		if was {
			l.tell(l.alarm.Unsuppress(now, who))
		} else {
			l.tell(l.alarm.Suppress(now, who))
		}
	case 13:
		was := m.outOfOrder
		m.do(func() { m.outOfOrder = !was })
		if was {
			l.tell(l.alarm.InService(now, who))
		} else {
			l.tell(l.alarm.OutOfService(now, who))
		}
	}
}
