package alarm_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/alarm"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/state"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/wire"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("PENSTOCK_TEST_PANEL"); dir != "" {
		child(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

var (
	anna  = isa.Who{Name: "anna", Comment: "on my way"}
	start = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)
)

// plant7 has a press, a saw, and rules with alarms of these names: oil_hot is about the press alone.
func plant7(rules ...config.Rule) *config.Config {
	return &config.Config{
		Gateway:     config.Gateway{ID: "plant7"},
		Connections: []config.Connection{{Devices: []config.Device{{Name: "press"}, {Name: "saw"}}}},
		Rules:       rules,
	}
}

func rule(name, when string, c isa.Config) config.Rule {
	return config.Rule{Name: name, When: when, Alarm: &config.Alarm{Text: name, Config: c}}
}

func oilHot(c isa.Config) config.Rule { return rule("oil_hot", "press.oil_temp > 85", c) }

// site is a panel with its shelf and its buffer.
type site struct {
	testing.TB
	*alarm.Panel
	db    *state.DB
	queue *buffer.Queue
	after uint64
}

func newSite(t testing.TB, dir string, cfg *config.Config, o alarm.Options) *site {
	t.Helper()
	db, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	q, err := buffer.Open(dir+"/buffer", buffer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{TB: t, db: db, queue: q}
	s.again(cfg, o)
	return s
}

// again drops the panel and makes another of what it left.
func (s *site) again(cfg *config.Config, o alarm.Options) {
	s.Helper()
	p, err := alarm.New(s.db, s.queue, cfg, o)
	if err != nil {
		s.Fatal(err)
	}
	s.Panel = p
}

func (s *site) close() {
	if err := errors.Join(s.queue.Close(), s.db.Close()); err != nil {
		s.Error(err)
	}
}

// run has the panel run during f, in the bubble's time.
func (s *site) run(f func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	f()
	cancel()
	if err := <-done; err != nil {
		s.Error(err)
	}
}

func (s *site) say(rule string, is isa.Condition, text string) {
	s.Helper()
	if err := s.Condition(alarm.Condition{Rule: rule, Is: is, Text: text, At: time.Now()}); err != nil {
		s.Error(err)
	}
}

// told waits for n events in the buffer and gives them.
func (s *site) told(n int) (events []wire.AlarmEvent) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for len(events) < n {
		recs, err := s.queue.NextOf(ctx, s.after, 100, buffer.Alarm)
		if err != nil {
			s.Fatalf("%d events of %d: %v", len(events), n, err)
		}
		for _, r := range recs {
			some, err := wire.DecodeAlarms(r.Data)
			if err != nil {
				s.Fatal(err)
			}
			events, s.after = append(events, some...), r.Seq
		}
	}
	return events
}

// story is events as text.
func story(events []wire.AlarmEvent) string {
	var lines []string
	for _, e := range events {
		line := fmt.Sprintf("%s %s: %s -> %s", e.Thing, e.Kind, e.From, e.To)
		for _, more := range []string{e.Severity, e.Text, e.Who.Name} {
			if more != "" {
				line += ", " + more
			}
		}
		if e.Merged > 0 {
			line += fmt.Sprintf(", and %d before", e.Merged)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func (s *site) want(lines ...string) {
	s.Helper()
	if got, want := story(s.told(len(lines))), strings.Join(lines, "\n"); got != want {
		s.Errorf("told\n%s\nwant\n%s", got, want)
	}
}

func TestAnAlarmComesAndIsAcknowledgedAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, t.TempDir(), plant7(oilHot(isa.Config{Severity: isa.High, OnDelay: 5 * time.Second})), alarm.Options{})
		defer s.close()
		s.run(func() {
			s.say("oil_hot", isa.On, "oil is at 86.5 °C")
			time.Sleep(4 * time.Second)
			if n := s.Active(); n != 0 {
				t.Errorf("%d alarms are active before the delay is over", n)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if l := s.List(); len(l) != 1 || l[0].State != isa.Unacknowledged || l[0].Severity != isa.High || l[0].Text != "oil is at 86.5 °C" || time.Since(l[0].Since) != time.Second || l[0].Thing != "plant7:press" {
				t.Errorf("list %+v", l)
			}
			if err := s.Acknowledge("oil_hot", anna); err != nil {
				t.Error(err)
			}
			if l := s.List(); l[0].Acknowledged == nil || l[0].Acknowledged.Who != anna {
				t.Errorf("acknowledged by %+v", l[0].Acknowledged)
			}
			s.say("oil_hot", isa.Off, "oil is at 84 °C")
			s.want("plant7:press raised: normal -> unacknowledged, high, oil is at 86.5 °C",
				"plant7:press acknowledged: unacknowledged -> acknowledged, high, oil is at 86.5 °C, anna",
				"plant7:press cleared: acknowledged -> normal, high, oil is at 86.5 °C")
		})
	})
}

// TestWhatPeopleDo: every way to hide an alarm and show it again is an event with its author.
func TestWhatPeopleDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, t.TempDir(), plant7(oilHot(isa.Config{}), rule("both", "press.a > 1 AND saw.b > 1", isa.Config{Latch: true})), alarm.Options{})
		defer s.close()
		s.run(func() {
			s.say("oil_hot", isa.On, "hot")
			s.say("both", isa.On, "both")
			for _, err := range []error{
				s.Shelve("oil_hot", time.Now().Add(time.Hour), anna), s.Unshelve("oil_hot", anna), s.Suppress("oil_hot", isa.Who{Name: "press is off"}),
				s.Unsuppress("oil_hot", isa.Who{Name: "press is off"}), s.OutOfService("oil_hot", anna), s.InService("oil_hot", anna), s.Shelve("oil_hot", time.Now().Add(time.Minute), anna),
			} {
				if err != nil {
					t.Error(err)
				}
			}
			if l := s.List(); l[0].State != isa.Shelved || time.Until(l[0].Until) != time.Minute {
				t.Errorf("shelved until %v", l[0].Until)
			}
			if err := s.Shelve("oil_hot", time.Now().Add(-time.Minute), anna); !errors.Is(err, isa.ErrShelf) {
				t.Errorf("shelved until the past: %v", err)
			}
			if err := s.Shelve("oil_cold", time.Now(), anna); !errors.Is(err, alarm.ErrUnknown) {
				t.Errorf("an alarm nobody has: %v", err)
			}
			time.Sleep(2 * time.Minute)
			if n, err := s.AcknowledgeAll(anna); n != 2 || err != nil {
				t.Errorf("%d acknowledged, %v", n, err)
			}
			s.want("plant7:press raised: normal -> unacknowledged, medium, hot", "plant7 raised: normal -> unacknowledged, medium, both",
				"plant7:press shelved: unacknowledged -> shelved, medium, hot, anna", "plant7:press unshelved: shelved -> unacknowledged, medium, hot, anna",
				"plant7:press suppressed: unacknowledged -> suppressed, medium, hot, press is off", "plant7:press unsuppressed: suppressed -> unacknowledged, medium, hot, press is off",
				"plant7:press out of service: unacknowledged -> out of service, medium, hot, anna", "plant7:press in service: out of service -> unacknowledged, medium, hot, anna",
				"plant7:press shelved: unacknowledged -> shelved, medium, hot, anna", "plant7:press unshelved: shelved -> unacknowledged, medium, hot",
				"plant7:press acknowledged: unacknowledged -> acknowledged, medium, hot, anna", "plant7 acknowledged: unacknowledged -> acknowledged, medium, both, anna")
		})
	})
}

// TestTheCloudAcknowledges: in any order, twice, too late.
func TestTheCloudAcknowledges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, t.TempDir(), plant7(oilHot(isa.Config{})), alarm.Options{})
		defer s.close()
		s.run(func() {
			s.say("oil_hot", isa.On, "hot")
			e := s.told(1)[0]
			payload := fmt.Appendf(nil, `{"alarm":"oil_hot","occurrence":%d,"sequence":%d,"time":"2026-03-01T06:00:00Z","who":{"name":"ben"}}`, e.Occurrence, e.Sequence)
			for range 2 {
				if err := s.Receive(payload); err != nil {
					t.Error(err)
				}
			}
			s.say("oil_hot", isa.Off, "")
			s.say("oil_hot", isa.On, "hot again")
			if err := s.Receive(payload); err != nil {
				t.Error(err)
			}
			s.want("plant7:press acknowledged: unacknowledged -> acknowledged, medium, hot, ben", "plant7:press cleared: acknowledged -> normal, medium, hot",
				"plant7:press raised: normal -> unacknowledged, medium, hot again")
			for _, bad := range []string{"", "{}", `{"alarm":"oil_hot"}`, `{"alarm":"oil_cold","time":"2026-03-01T06:00:00Z"}`, strings.Repeat(" ", 20_000)} {
				if err := s.Receive([]byte(bad)); err == nil {
					t.Errorf("%.40q is taken", bad)
				}
			}
		})
	})
}

// TestAnAlarmWithoutItsRuleEnds: at a reload and at a start. What comes back later has never had these sequence numbers.
func TestAnAlarmWithoutItsRuleEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		with, without := plant7(oilHot(isa.Config{}), rule("door", "saw.door", isa.Config{})), plant7(rule("door", "saw.door", isa.Config{Severity: isa.Critical}))
		s := newSite(t, t.TempDir(), with, alarm.Options{})
		defer s.close()
		s.run(func() {
			s.say("oil_hot", isa.On, "hot")
			s.say("door", isa.On, "open")
			if err := s.Swap(without); err != nil {
				t.Error(err)
			}
		})
		if l := s.List(); len(l) != 1 || l[0].Name != "door" || l[0].State != isa.Unacknowledged || l[0].Severity != isa.Critical {
			t.Errorf("after a reload %+v", l)
		}
		s.again(with, alarm.Options{})
		s.run(func() {
			s.say("oil_hot", isa.On, "hot")
			synctest.Wait()
		})
		s.again(without, alarm.Options{})
		s.again(without, alarm.Options{})
		s.run(synctest.Wait)
		events := s.told(5)
		if got, want := story(events), strings.Join([]string{"plant7:press raised: normal -> unacknowledged, medium, hot", "plant7:saw raised: normal -> unacknowledged, medium, open",
			"plant7:press retired: unacknowledged -> normal, medium, hot", "plant7:press raised: normal -> unacknowledged, medium, hot", "plant7:press retired: unacknowledged -> normal, medium, hot"}, "\n"); got != want {
			t.Errorf("told\n%s\nwant\n%s", got, want)
		}
		for i, e := range events[1:] {
			if before := events[i]; e.Alarm == before.Alarm && e.Sequence <= before.Sequence {
				t.Errorf("%s has sequence %d after %d", e.Kind, e.Sequence, before.Sequence)
			}
		}
	})
}

// TestARuleThatSaysItsLastWordsAgain: after a crash, with and without numbers; and a clock that is set back is none of that.
func TestARuleThatSaysItsLastWordsAgain(t *testing.T) {
	for _, numbered := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, t.TempDir(), plant7(oilHot(isa.Config{})), alarm.Options{})
			defer s.close()
			words := []alarm.Condition{{Is: isa.On, Text: "hot"}, {Is: isa.Off}, {Is: isa.On, Text: "hot again"}, {Is: isa.Off}}
			for i := range words {
				time.Sleep(time.Second)
				words[i].Rule, words[i].At = "oil_hot", time.Now()
				if numbered {
					words[i].Occasion = uint64(100 + i)
				}
			}
			say := func(words ...alarm.Condition) {
				for _, c := range words {
					if err := s.Condition(c); err != nil {
						t.Error(err)
					}
				}
			}
			s.run(func() { say(words...); synctest.Wait() })
			time.Sleep(time.Second)
			s.again(plant7(oilHot(isa.Config{})), alarm.Options{})
			s.run(func() { say(words[1:]...); synctest.Wait() })
			after := alarm.Condition{Rule: "oil_hot", Is: isa.On, Text: "after", At: time.Now().Add(time.Minute), Occasion: words[3].Occasion * 2}
			back := alarm.Condition{Rule: "oil_hot", Is: isa.Off, At: time.Now(), Occasion: words[3].Occasion * 3}
			s.run(func() { say(after, back); synctest.Wait() })
			events := s.told(6)
			if len(events) != 6 || events[4].Text != "after" || events[5].Kind != string(isa.Cleared) {
				t.Errorf("told\n%s", story(events))
			}
		})
	}
}

// full is a buffer that takes nothing for a while.
type full struct {
	*buffer.Queue
	until time.Time
}

func (f full) Append(ctx context.Context, recs ...buffer.Record) (uint64, error) {
	if time.Now().Before(f.until) {
		return 0, buffer.ErrFull
	}
	return f.Queue.Append(ctx, recs...)
}

// TestABufferThatTakesNothing: events wait on the shelf, also through a restart, and come in their order.
func TestABufferThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := plant7(oilHot(isa.Config{}))
		s := newSite(t, t.TempDir(), cfg, alarm.Options{})
		defer s.close()
		for range 2 {
			p, err := alarm.New(s.db, full{s.queue, time.Now().Add(time.Minute)}, cfg, alarm.Options{})
			if err != nil {
				t.Fatal(err)
			}
			s.Panel = p
			s.run(func() {
				s.say("oil_hot", isa.On, "hot")
				time.Sleep(time.Second)
				s.say("oil_hot", isa.Off, "hot")
				time.Sleep(time.Second)
			})
		}
		s.again(cfg, alarm.Options{})
		s.run(synctest.Wait)
		var kinds []string
		for _, e := range s.told(4) {
			kinds = append(kinds, e.Kind)
		}
		if !slices.Equal(kinds, []string{"raised", "cleared", "raised", "cleared"}) {
			t.Errorf("told %v", kinds)
		}
	})
}
