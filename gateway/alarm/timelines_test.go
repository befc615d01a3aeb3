package alarm_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/alarm"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/state"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/wire"
)

// mortal is the machine: after so many more calls to its disk it is dead, right before or right after the last of them took effect, and
// says so to everybody.
type mortal struct {
	db    *state.DB
	queue *buffer.Queue

	mu    sync.Mutex
	calls int // left; negative: for ever
	after bool
	dead  bool
}

var errDead = errors.New("the power is off")

func (m *mortal) call(do func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := m.calls == 0
	m.calls--
	if m.dead || last && !m.after {
		m.dead = true
		return errDead
	}
	err := do()
	if last {
		m.dead = true
		return errDead
	}
	return err
}

func (m *mortal) Update(room string, change func(state.Shelf) error) error {
	return m.call(func() error { return m.db.Update(room, change) })
}
func (m *mortal) View(room string, read func(state.Shelf) error) error { return m.db.View(room, read) }
func (m *mortal) Append(ctx context.Context, recs ...buffer.Record) (last uint64, err error) {
	err = m.call(func() error { last, err = m.queue.Append(ctx, recs...); return err })
	return last, err
}

func (m *mortal) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
}

// timeline is one alarm's life: the same that the panel is told goes to an alarm that is never killed. That one's transitions are held
// against a table in its own package.
type timeline struct {
	dice     *rand.Rand
	rule     config.Rule
	alarm    *isa.Alarm
	events   []isa.Event
	occasion uint64
}

func newTimeline(t *testing.T, seed int, now time.Time) *timeline {
	l := &timeline{dice: rand.New(rand.NewPCG(uint64(seed), 7))}
	some := func(n int) time.Duration { return time.Duration(l.dice.IntN(2)*l.dice.IntN(n)) * time.Second }
	c := isa.Config{Severity: isa.Severity(l.dice.IntN(5)), OnDelay: some(6), OffDelay: some(6), Latch: l.dice.IntN(2) == 0, ReAlarm: some(30)}
	if l.dice.IntN(2) == 0 {
		c.Escalate = []isa.Escalation{{After: 4 * time.Second, Severity: isa.High}, {After: 15 * time.Second, Severity: isa.Critical}}
	}
	l.rule = rule(fmt.Sprintf("alarm_%03d", seed), "press.a > 1", c)
	var err error
	if l.alarm, err = isa.New(l.rule.Name, c, now); err != nil {
		t.Fatal(err)
	}
	return l
}

// said is what the rule says in this step; nil: nothing.
func (l *timeline) said(now time.Time) *alarm.Condition {
	if l.dice.IntN(3) == 0 {
		return nil
	}
	l.occasion++
	c := &alarm.Condition{Rule: l.rule.Name, Is: isa.Condition(l.dice.IntN(3)), Level: isa.Severity(l.dice.IntN(2) * l.dice.IntN(5)), Text: "text", At: now, Occasion: l.occasion}
	l.events = append(l.events, l.alarm.Step(now, isa.Input{Condition: c.Is, Level: c.Level})...)
	return c
}

// done is what a person does in this step, to both.
func (l *timeline) done(p *alarm.Panel, now time.Time) error {
	var events []isa.Event
	var err error
	name, a := l.rule.Name, l.alarm
	switch l.dice.IntN(16) {
	case 0, 1, 2:
		events, err = a.Acknowledge(now, anna), p.Acknowledge(name, anna)
	case 3:
		until := now.Add(time.Duration(1+l.dice.IntN(20)) * time.Second)
		events, err = a.Shelve(now, until, anna)
		err = errors.Join(err, p.Shelve(name, until, anna))
	case 4:
		events, err = a.Unshelve(now, anna), p.Unshelve(name, anna)
	case 5:
		events, err = a.Suppress(now, anna), p.Suppress(name, anna)
	case 6, 7:
		events, err = a.Unsuppress(now, anna), p.Unsuppress(name, anna)
	case 8:
		events, err = a.OutOfService(now, anna), p.OutOfService(name, anna)
	case 9, 10:
		events, err = a.InService(now, anna), p.InService(name, anna)
	}
	l.events = append(l.events, events...)
	return err
}

// compare holds what was told, each event once, against what the undisturbed alarm told.
func (l *timeline) compare(told []wire.AlarmEvent) error {
	at := 0
	for _, got := range told {
		first, last := at, at+int(got.Merged)
		if last >= len(l.events) {
			return fmt.Errorf("%s: %d events, and one more: %+v", l.rule.Name, len(l.events), got)
		}
		at = last + 1
		want := l.events[last]
		e := isa.Event{Alarm: got.Alarm, Sequence: got.Sequence, Occurrence: got.Occurrence, Kind: isa.Kind(got.Kind), From: isa.State(got.From), To: isa.State(got.To), Time: got.Time, Who: isa.Who(got.Who)}
		if err := e.Severity.UnmarshalText([]byte(got.Severity)); err != nil {
			return err
		}
		want.From = l.events[first].From
		if !reflect.DeepEqual(e, want) {
			return fmt.Errorf("%s, event %d:\ntold  %+v\nmodel %+v", l.rule.Name, at, e, want)
		}
	}
	if at != len(l.events) {
		return fmt.Errorf("%s: %d events of %d are told; missing %+v", l.rule.Name, at, len(l.events), l.events[at:])
	}
	return nil
}

// How long the lives are, for a longer run: go test ./gateway/alarm -run Timelines -steps 150.
var steps = flag.Int("steps", 9, "steps of every alarm's life")

// TestTimelinesThroughCrashes: 200 alarms live through some steps, with the machine dead after each of them and in the midst of every other, at
// any of its writes. Every event is told, in its order, and is the same as of an alarm that nothing happens to.
func TestTimelinesThroughCrashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dice := rand.New(rand.NewPCG(1, 1))
		lives := make([]*timeline, 200)
		cfg := plant7()
		for i := range lives {
			lives[i] = newTimeline(t, i, time.Now())
			cfg.Rules = append(cfg.Rules, lives[i].rule)
		}
		s := newSite(t, t.TempDir(), plant7(), alarm.Options{})
		defer s.close()
		for step := range *steps {
			now := time.Now()
			var words []*alarm.Condition
			for _, l := range lives {
				if c := l.said(now); c != nil {
					words = append(words, c)
				}
			}
			if step%2 == 0 {
				live(t, s, cfg, &mortal{db: s.db, queue: s.queue, calls: dice.IntN(5), after: dice.IntN(2) == 0}, words, nil, 0)
			}
			live(t, s, cfg, &mortal{db: s.db, queue: s.queue, calls: -1}, words, lives, time.Duration(1+dice.IntN(5))*time.Second)
		}
		for _, l := range lives { // in service at last, and time for all that waits
			l.events = append(l.events, l.alarm.Step(time.Now(), isa.Input{})...)
		}
		s.again(cfg, alarm.Options{})
		s.run(func() { synctest.Wait() })
		compareAll(t, s, lives)
	})
}

// live is one life of the machine: rules say their words, people do something, time passes, and it is dead.
func live(t *testing.T, s *site, cfg *config.Config, m *mortal, words []*alarm.Condition, people []*timeline, d time.Duration) {
	t.Helper()
	p, err := alarm.New(m, m, cfg, alarm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all, run sync.WaitGroup
	run.Go(func() { _ = p.Run(ctx) })
	for _, c := range words {
		all.Go(func() {
			if err := p.Condition(*c); err != nil && !errors.Is(err, errDead) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, l := range people {
		all.Go(func() {
			if err := l.done(p, time.Now()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if d > 0 {
		time.Sleep(d)
		synctest.Wait()
	}
	m.kill()
	cancel()
	run.Wait()
}

// compareAll collects what the buffer has, and what is still held back since it came too fast.
func compareAll(t *testing.T, s *site, lives []*timeline) {
	t.Helper()
	told, twice, merged := map[string][]wire.AlarmEvent{}, 0, uint64(0)
	seen := map[string]bool{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // what is there is given all the same
	for {
		recs, err := s.queue.NextOf(ctx, s.after, 100, buffer.Alarm)
		if err != nil {
			break
		}
		for _, r := range recs {
			events, err := wire.DecodeAlarms(r.Data)
			if err != nil {
				t.Fatal(err)
			}
			s.after = r.Seq
			for _, e := range events {
				if id := fmt.Sprint(e.Alarm, e.Sequence); !seen[id] {
					seen[id] = true
					told[e.Alarm] = append(told[e.Alarm], e)
					merged += e.Merged
				} else {
					twice++
				}
			}
		}
	}
	total, held := 0, 0
	for i, status := range s.List() {
		l := lives[i]
		if n := int(status.Merged); n > 0 {
			held += n
			l.events = l.events[:len(l.events)-n]
		}
		if err := l.compare(told[l.rule.Name]); err != nil {
			t.Fatal(err)
		}
		total += len(l.events)
	}
	t.Logf("%d events, %d of them folded into others, %d still held back; %d came twice", total, merged, held, twice)
	if total < len(lives)**steps/4 || twice == 0 {
		t.Errorf("%d events, %d came twice: too quiet to show anything", total, twice)
	}
}

// TestTheModelSeesALostEvent is the negative control: an event less, one twice, one changed.
func TestTheModelSeesALostEvent(t *testing.T) {
	l := newTimeline(t, 1, start)
	for i := range 30 {
		_ = l.said(start.Add(time.Duration(i) * time.Minute))
	}
	var told []wire.AlarmEvent
	for _, e := range l.events {
		severity, _ := e.Severity.MarshalText()
		told = append(told, wire.AlarmEvent{Alarm: e.Alarm, Sequence: e.Sequence, Occurrence: e.Occurrence, Kind: string(e.Kind), From: string(e.From), To: string(e.To), Severity: string(severity), Time: e.Time})
	}
	if err := l.compare(told); err != nil || len(told) < 5 {
		t.Fatalf("%d events, %v", len(told), err)
	}
	changed := slices.Clone(told)
	changed[3].Severity = "low"
	for name, wrong := range map[string][]wire.AlarmEvent{"less": slices.Delete(slices.Clone(told), 2, 3), "end": told[1:], "twice": slices.Insert(slices.Clone(told), 2, told[2]), "changed": changed} {
		if l.compare(wrong) == nil {
			t.Errorf("%s: not seen", name)
		}
	}
}
