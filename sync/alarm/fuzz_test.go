package alarm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/alarm"
)

func FuzzDecode(f *testing.F) {
	c := alarm.Config{Latch: true, OnDelay: time.Second, ReAlarm: time.Hour, Escalate: []alarm.Escalation{{time.Minute, alarm.Critical}}}
	a, err := alarm.New("press.oil_hot", c, start)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(a.Encode())
	a.Step(at(0), alarm.Input{Condition: alarm.On})
	a.Step(at(90), alarm.Input{})
	f.Add(a.Encode())
	a.Acknowledge(at(91), anna)
	f.Add(a.Encode())
	if _, err := a.Shelve(at(92), at(900), anna); err != nil {
		f.Fatal(err)
	}
	f.Add(a.Encode())
	f.Add([]byte(`{"format":2}`))
	f.Fuzz(func(t *testing.T, stored []byte) {
		a, err := alarm.Decode(stored, c)
		if err != nil {
			return
		}
		again, err := alarm.Decode(a.Encode(), c)
		if err != nil || string(again.Encode()) != string(a.Encode()) {
			t.Fatalf("%s came back as %v, %v", a.Encode(), again, err)
		}
		events := a.Step(at(100), alarm.Input{Condition: alarm.On})
		events = append(events, a.Acknowledge(at(200), anna)...)
		events = append(events, a.Step(at(1e6), alarm.Input{Condition: alarm.Off})...)
		if len(events) > 20 {
			t.Fatalf("%d events", len(events))
		}
		if _, err := alarm.Decode(a.Encode(), c); err != nil {
			t.Fatalf("what it became can't be read: %v", err)
		}
	})
}

func TestStoredByOthersIsRefused(t *testing.T) {
	for _, stored := range []string{``, `{}`, `{"format":2,"alarm":"x"}`, `{"format":1,"alarm":""}`, `{"format":1,"alarm":"x","surprise":1}`, `{"format":1,"alarm":"x","sequence":-1}`,
		`{"format":1,"alarm":"x","sequence":3,"occurrence":9,"active":true}`, `{"format":1,"alarm":"x","now":"9999-01-01T00:00:00Z"}`, strings.Repeat(" ", 1<<20)} {
		if a, err := alarm.Decode([]byte(stored), alarm.Config{}); err == nil {
			t.Errorf("%.80s is read as %+v", stored, a)
		}
	}
}

func TestWhatPeopleWriteIsBounded(t *testing.T) {
	l := begin(t, alarm.Config{}).on(0)
	l.tell(l.alarm.Acknowledge(at(1), alarm.Who{Name: strings.Repeat("ä", 9999), Comment: strings.Repeat("\x00ü", 9999) + "\xff"}))
	if n := len(l.alarm.Encode()); n > 16<<10 {
		t.Errorf("%d bytes are stored", n)
	}
	if e := l.told[1]; len(e.Who.Name) > 256 || len(e.Who.Comment) > 1024 {
		t.Errorf("%d and %d bytes go out", len(e.Who.Name), len(e.Who.Comment))
	}
}
