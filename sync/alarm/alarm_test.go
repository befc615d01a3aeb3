package alarm_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/alarm"
)

var start = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

// life is an alarm that is stored and read again after every call, as if the gateway were killed, and what it told.
type life struct {
	*testing.T
	config alarm.Config
	alarm  *alarm.Alarm
	told   []alarm.Event
}

func begin(t *testing.T, c alarm.Config) *life {
	a, err := alarm.New("press.oil_hot", c, start)
	if err != nil {
		t.Fatal(err)
	}
	return &life{T: t, config: c, alarm: a}
}

func (l *life) tell(events []alarm.Event) *life {
	l.told = append(l.told, events...)
	a, err := alarm.Decode(l.alarm.Encode(), l.config)
	if err != nil {
		l.Fatal(err)
	}
	l.alarm = a
	return l
}

func (l *life) on(second int) *life {
	return l.tell(l.alarm.Step(at(second), alarm.Input{Condition: alarm.On}))
}
func (l *life) off(second int) *life {
	return l.tell(l.alarm.Step(at(second), alarm.Input{Condition: alarm.Off}))
}
func (l *life) wait(second int) *life {
	return l.tell(l.alarm.Step(at(second), alarm.Input{}))
}
func (l *life) level(second int, s alarm.Severity) *life {
	return l.tell(l.alarm.Step(at(second), alarm.Input{Condition: alarm.On, Level: s}))
}
func (l *life) ack(second int) *life { return l.tell(l.alarm.Acknowledge(at(second), anna)) }
func (l *life) shelve(second, until int) *life {
	events, err := l.alarm.Shelve(at(second), at(until), anna)
	if err != nil {
		l.Error(err)
	}
	return l.tell(events)
}

var anna = alarm.Who{Name: "anna", Comment: "on my way"}

// want is the story so far: "5s raised unacknowledged medium", one a line.
func (l *life) want(story ...string) {
	l.Helper()
	var got []string
	for _, e := range l.told {
		line := fmt.Sprintf("%v %s: %s -> %s, %v", e.Time.Sub(start), e.Kind, e.From, e.To, e.Severity)
		if e.Who != (alarm.Who{}) {
			line += ", " + e.Who.Name
		}
		got = append(got, line)
	}
	if g, w := strings.Join(got, "\n"), strings.Join(story, "\n"); g != w {
		l.Errorf("told\n%s\nwant\n%s", g, w)
	}
}

func TestDelays(t *testing.T) {
	c := alarm.Config{OnDelay: 10 * time.Second, OffDelay: 5 * time.Second}
	begin(t, c).on(0).off(9).on(20).wait(29).want() // never long enough
	begin(t, c).on(20).wait(30).off(40).on(44).off(50).wait(60).want(
		"30s raised: normal -> unacknowledged, medium",
		"55s cleared: unacknowledged -> normal, medium")
	begin(t, c).on(0).wait(3600).want("10s raised: normal -> unacknowledged, medium") // a late step tells when it was
	l := begin(t, c).on(3)
	if next, ok := l.alarm.Next(); !ok || next != at(13) {
		t.Errorf("next is %v, %t", next, ok)
	}
	if next, ok := l.off(4).alarm.Next(); ok {
		t.Errorf("nothing to wait for, and next is %v", next)
	}
}

func TestUndefinedHoldsWhatWasKnown(t *testing.T) {
	begin(t, alarm.Config{OnDelay: 10 * time.Second}).on(0).wait(5).wait(12).want("10s raised: normal -> unacknowledged, medium")
	begin(t, alarm.Config{}).wait(5).want()
}

func TestAcknowledge(t *testing.T) {
	begin(t, alarm.Config{Severity: alarm.High}).on(0).ack(5).ack(6).off(9).ack(10).want(
		"0s raised: normal -> unacknowledged, high",
		"5s acknowledged: unacknowledged -> acknowledged, high, anna",
		"9s cleared: acknowledged -> normal, high")
}

func TestLatchStaysUntilAcknowledged(t *testing.T) {
	begin(t, alarm.Config{Latch: true}).on(0).off(5).on(7).off(8).ack(60).want(
		"0s raised: normal -> unacknowledged, medium",
		"5s gone: unacknowledged -> returned unacknowledged, medium",
		"7s raised: returned unacknowledged -> unacknowledged, medium",
		"8s gone: unacknowledged -> returned unacknowledged, medium",
		"1m0s acknowledged: returned unacknowledged -> normal, medium, anna")
}

func TestEscalation(t *testing.T) {
	c := alarm.Config{Severity: alarm.Low, Escalate: []alarm.Escalation{{time.Minute, alarm.High}, {10 * time.Minute, alarm.Critical}}}
	begin(t, c).on(0).wait(700).ack(701).wait(2000).want(
		"0s raised: normal -> unacknowledged, low",
		"1m0s escalated: unacknowledged -> unacknowledged, high",
		"10m0s escalated: unacknowledged -> unacknowledged, critical",
		"11m41s acknowledged: unacknowledged -> acknowledged, low, anna")
}

func TestSeverityFollowsTheCondition(t *testing.T) {
	begin(t, alarm.Config{}).level(0, alarm.Low).level(5, alarm.High).level(6, alarm.Medium).ack(7).level(8, alarm.Low).level(9, alarm.Critical).off(10).want(
		"0s raised: normal -> unacknowledged, low",
		"5s escalated: unacknowledged -> unacknowledged, high",
		"6s deescalated: unacknowledged -> unacknowledged, medium",
		"7s acknowledged: unacknowledged -> acknowledged, medium, anna",
		"8s deescalated: acknowledged -> acknowledged, low",
		"9s escalated: acknowledged -> unacknowledged, critical",
		"10s cleared: unacknowledged -> normal, critical")
}

func TestReAlarm(t *testing.T) {
	begin(t, alarm.Config{ReAlarm: time.Hour}).on(0).ack(60).wait(3659).wait(3700).want(
		"0s raised: normal -> unacknowledged, medium",
		"1m0s acknowledged: unacknowledged -> acknowledged, medium, anna",
		"1h1m0s re-alarmed: acknowledged -> unacknowledged, medium")
}

func TestShelving(t *testing.T) {
	c := alarm.Config{Escalate: []alarm.Escalation{{time.Minute, alarm.High}}}
	begin(t, c).on(0).shelve(5, 3600).off(10).on(20).wait(3599).wait(3661).want(
		"0s raised: normal -> unacknowledged, medium",
		"5s shelved: unacknowledged -> shelved, medium, anna",
		"1h0m0s unshelved: shelved -> unacknowledged, medium",
		"1h1m0s escalated: unacknowledged -> unacknowledged, high")
	l := begin(t, c).shelve(0, 100).shelve(50, 60).on(55).ack(56).off(57).wait(200)
	l.want("0s shelved: normal -> shelved, none, anna", "50s shelved: shelved -> shelved, none, anna",
		"56s acknowledged: shelved -> shelved, none, anna", "1m0s unshelved: shelved -> normal, none")
	if _, err := l.alarm.Shelve(at(300), at(300), anna); !errors.Is(err, alarm.ErrShelf) {
		t.Errorf("shelved until now: %v", err)
	}
}

func TestSuppressionAndService(t *testing.T) {
	logic := alarm.Who{Name: "line stopped"}
	l := begin(t, alarm.Config{}).on(0).shelve(1, 10)
	l.tell(l.alarm.Suppress(at(2), logic)).tell(l.alarm.Suppress(at(3), logic)).tell(l.alarm.OutOfService(at(4), anna)).wait(20).tell(l.alarm.Unsuppress(at(21), logic))
	l.off(22).on(23).tell(l.alarm.InService(at(30), anna)).want(
		"0s raised: normal -> unacknowledged, medium",
		"1s shelved: unacknowledged -> shelved, medium, anna",
		"2s suppressed: shelved -> suppressed, none, line stopped",
		"4s out of service: suppressed -> out of service, none, anna",
		"21s unsuppressed: out of service -> out of service, none, line stopped",
		"30s in service: out of service -> unacknowledged, medium, anna")
}

func TestEventsAreNumbered(t *testing.T) {
	l := begin(t, alarm.Config{Latch: true}).on(0).ack(1).off(2).on(3).off(4).ack(5)
	first := l.told[0].Sequence
	for i, e := range l.told {
		if e.Sequence != first+uint64(i) || e.ID() != fmt.Sprintf("press.oil_hot/%d", e.Sequence) {
			t.Errorf("event %d is %s", i, e.ID())
		}
		if want := first + uint64(i/3*3); e.Occurrence != want {
			t.Errorf("event %d is of occurrence %d, want %d", i, e.Occurrence, want)
		}
	}
	lost, _ := alarm.New("press.oil_hot", alarm.Config{}, at(3600)) // the memory was lost: numbers still grow
	if e := lost.Step(at(3600), alarm.Input{Condition: alarm.On}); e[0].Sequence <= l.told[len(l.told)-1].Sequence {
		t.Errorf("numbers begin again at %d", e[0].Sequence)
	}
}

func TestTimeNeverRunsBackwards(t *testing.T) {
	begin(t, alarm.Config{OnDelay: 5 * time.Second}).on(100).wait(-5000).off(104).on(50).wait(109).want("1m49s raised: normal -> unacknowledged, medium")
}

func TestConfigMistakes(t *testing.T) {
	for _, c := range []alarm.Config{{Severity: 5}, {OnDelay: -1}, {OffDelay: 1 << 62}, {ReAlarm: -1}, {Escalate: []alarm.Escalation{{0, alarm.High}}},
		{Escalate: []alarm.Escalation{{2, alarm.High}, {1, alarm.High}}}, {Escalate: []alarm.Escalation{{1, 0}}}, {Escalate: make([]alarm.Escalation, 9)}} {
		if _, err := alarm.New("x", c, start); err == nil {
			t.Errorf("%+v is fine", c)
		}
	}
	if _, err := alarm.New("", alarm.Config{}, start); err == nil {
		t.Error("an alarm without a name")
	}
}

func TestDelayChangedWhileItRuns(t *testing.T) {
	l := begin(t, alarm.Config{OnDelay: time.Hour}).on(0).wait(100)
	l.config.OnDelay = 10 * time.Second
	l.tell(nil).wait(200).want("1m40s raised: normal -> unacknowledged, medium")
}

func TestSeverityAsText(t *testing.T) {
	var s alarm.Severity
	if err := s.UnmarshalText([]byte("high")); err != nil || s != alarm.High || s.String() != "high" {
		t.Error(s, err)
	}
	if s.UnmarshalText([]byte("urgent")) == nil {
		t.Error("urgent is a severity")
	}
}
